/** The state of the recipe form. Loaded with it, because it includes the YAML reader. */
import type { RecipeValue, RecipeValues } from '../../rl/recipe/values.ts';
import { makeRecipe, parseRecipe, recipeYaml } from '../../rl/recipe/recipe.ts';
import { checkValue } from '../../rl/recipe/check.ts';
import { keysOf, layerRecipes, recipeKeys } from '../../rl/recipe/keys.ts';
import { algorithms, defaultOf, type Algorithm, type RecipeKeySpec } from '../../rl/recipe/spec.ts';
import { algorithmChange } from '../runs/twins.ts';
import { attempt, baseRecipe, problemWith } from './check.ts';
import { formOf, keysNamedIn, valueOfText, type Field, type Form } from './fields.ts';
import type { Settings } from './settings.svelte.ts';
import { without } from './without.ts';

/** What was typed into a field and cannot be its value. */
interface Refused {
  text: string;
  problem: string;
  /** The value before, which the recipe keeps. */
  before: RecipeValue | undefined;
}

export class Editor {
  private typed = $state<Record<string, Refused>>({});
  /** By key, until its value is changed in another way: by a preset, a link, or going back. */
  readonly refused: Readonly<Record<string, Refused>> = $derived.by(() =>
    Object.fromEntries(
      Object.entries(this.typed).filter(([key, { before }]) => same(before, this.valueOf(key))),
    ),
  );
  /** The groups of the form that are open, by title. */
  readonly opened = $state<Record<string, boolean>>({});
  /** The key that was typed or chosen last. */
  private edited = $state<string>();
  readonly algorithm: Algorithm = $derived.by(() => {
    const chosen = this.settings.overrides['algorithm'] ?? this.base()['algorithm'];
    return algorithms.find((name) => name === chosen) ?? recipeKeys.algorithm.default;
  });
  /** The recipe before any change, for the current algorithm. */
  private readonly defaults: RecipeValues = $derived.by(() =>
    layerRecipes(this.base(), { algorithm: this.algorithm }),
  );
  private readonly values: RecipeValues = $derived.by(() =>
    layerRecipes(this.base(), this.settings.overrides),
  );
  /** Why the recipe as a whole cannot be trained, in a sentence. */
  readonly problem: string | null = $derived.by(() =>
    problemWith(this.start(), this.settings.overrides),
  );
  /** '' while there is a problem. */
  readonly yaml: string = $derived(this.problem ? '' : recipeYaml(makeRecipe(this.values)));

  readonly form: Form = $derived(formOf(this.algorithm));
  /** The keys that do not go together; the first is the one to change. */
  readonly blamed: readonly string[] = $derived(
    this.problem === null ? [] : keysNamedIn(this.problem, this.form),
  );

  /**
   * Fields that stand at the top of the form, because they are to blame: not the one that is being edited in
   * its group, which would jump away.
   */
  readonly pulled: readonly Field[] = $derived(
    this.form.groups.flatMap(({ title, fields }) =>
      fields.filter(
        ({ key }) =>
          this.blamed.includes(key) && !(key === this.edited && this.opened[title] === true),
      ),
    ),
  );

  constructor(
    readonly settings: Settings,
    /** The recipe before the visitor's settings. */
    private readonly start: () => RecipeValues,
  ) {}

  defaultOf(key: string): RecipeValue | undefined {
    const own = defaultOf(specOf(key), this.algorithm);
    return this.defaults[key] ?? (own as RecipeValue | undefined);
  }

  valueOf(key: string): RecipeValue | undefined {
    const { overrides } = this.settings;
    return key in overrides ? overrides[key] : this.defaultOf(key);
  }

  isChanged(key: string): boolean {
    return key in this.settings.overrides;
  }

  /** What is wrong at a field, in a sentence. */
  problemAt(key: string): string | undefined {
    return (
      this.refused[key]?.problem ??
      (key === this.blamed[0] ? (this.problem ?? undefined) : undefined)
    );
  }

  /** Sets values that are known to be possible. */
  set(values: RecipeValues): void {
    const changed = Object.entries({ ...this.settings.overrides, ...values });
    this.settings.replace(
      Object.fromEntries(changed.filter(([key, value]) => !same(value, this.defaultOf(key)))),
    );
  }

  /** Takes what was typed or chosen. What is refused stays in the field, and the recipe keeps the value before. */
  change(key: string, text: string | boolean): void {
    const spec = specOf(key);
    if (!spec) return;
    const given = typeof text === 'string' ? valueOfText(spec, text) : text;
    const taken: { value: RecipeValue } = { value: null };
    const problem = attempt(() => {
      taken.value = (checkValue(key, spec, given, '') as RecipeValue | undefined) ?? null;
    });
    this.edited = key;
    const before = this.valueOf(key);
    this.setRefused(key, problem ? { text: String(text), problem, before } : null);
    if (problem) return;
    const { value } = taken;
    if (key === 'algorithm') this.changeAlgorithm(value as Algorithm);
    else this.settings.set(key, same(value, this.defaultOf(key)) ? undefined : value);
  }

  reset(key: string): void {
    this.setRefused(key, null);
    if (key === 'algorithm') this.changeAlgorithm(this.base()['algorithm'] as Algorithm);
    else this.settings.set(key, undefined);
  }

  resetAll(): void {
    this.typed = {};
    this.settings.replace({});
  }

  /**
   * Takes a recipe in YAML. Returns one sentence for each key that has no effect here.
   * @throws RecipeError, with the line
   */
  load(yaml: string, fileName: string): readonly string[] {
    const { recipe, notices } = parseRecipe(yaml, fileName);
    const { algorithm } = recipe;
    const before = layerRecipes(this.base(), { algorithm });
    const overrides: Record<string, RecipeValue> = {};
    for (const key of keysOf(algorithm)) {
      const value = (recipe[key] as RecipeValue | undefined) ?? null;
      const usual = before[key] ?? (defaultOf(specOf(key), algorithm) as RecipeValue);
      if (key === 'algorithm' ? algorithm !== this.base()['algorithm'] : !same(value, usual)) {
        overrides[key] = value;
      }
    }
    this.typed = {};
    this.settings.replace(overrides);
    return notices;
  }

  /** Drops what the other algorithm cannot use. */
  private changeAlgorithm(algorithm: Algorithm): void {
    const own = Object.keys(algorithmChange(this.algorithm));
    const kept = without(this.settings.overrides, ...own);
    const isDefault = algorithm === this.base()['algorithm'];
    const layered = without(layerRecipes(kept, { algorithm }), 'algorithm');
    this.settings.replace(isDefault ? layered : { ...algorithmChange(algorithm), ...layered });
  }

  private base(): RecipeValues {
    return baseRecipe(this.start());
  }

  private setRefused(key: string, refused: Refused | null): void {
    const others = without(this.typed, key);
    this.typed = refused ? { ...others, [key]: refused } : others;
  }
}

function specOf(key: string): RecipeKeySpec | undefined {
  return (recipeKeys as Record<string, RecipeKeySpec | undefined>)[key];
}

const same = (a: RecipeValue | undefined, b: RecipeValue | undefined): boolean =>
  JSON.stringify(a ?? null) === JSON.stringify(b ?? null);
