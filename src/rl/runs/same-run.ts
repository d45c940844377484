/** Whether a recipe trains the run that a checkpoint is of: what may change, and what makes another run. */
import { parse } from 'yaml';
import { recipeKeys, keysOf, type Recipe, type RecipeKey } from '../recipe/keys.ts';
import { defaultOf, type Algorithm, type RecipeKeySpec } from '../recipe/spec.ts';
import type { RecipeValue, RecipeValues } from '../recipe/values.ts';
import type { Origin, TrainerState } from './trainer-state.ts';

/** Keys that change how long the run is and what is written of it, and no number of a training step. */
const FREE: ReadonlySet<string> = new Set<RecipeKey>([
  ...(['max_steps', 'save_steps', 'save_total_limit', 'output_dir', 'log_completions'] as const),
  ...(['eval_strategy', 'eval_steps', 'eval_num_prompts', 'gold'] as const),
]);

/** Keys whose values are paths. */
const PATHS: ReadonlySet<string> = new Set<RecipeKey>([
  ...(['model_name_or_path', 'reward_model_name_or_path', 'judge_model_name_or_path'] as const),
  ...(['reward_funcs', 'datasets'] as const),
]);

export interface Difference {
  readonly key: string;
  readonly was: RecipeValue;
  readonly is: RecipeValue;
  /** The path is the same, and what lies there is not. */
  readonly contents?: true;
}

/** What decides the numbers of a run with this recipe. */
export function originOf(recipe: Recipe, inputs: Origin['inputs']): Origin {
  const values = keysOf(recipe.algorithm).map((key) => [key, recipe[key] ?? null]);
  return { recipe: Object.fromEntries(values) as RecipeValues, inputs };
}

/**
 * What differs between a run and the recipe that it is to go on with.
 * @param before of the run's checkpoint; or the values of its recipe.yaml, where a key that is not there
 * has its default
 */
export function differences(
  { recipe: was = {}, inputs = {} }: Pick<TrainerState, 'recipe' | 'inputs'>,
  now: Origin,
): Difference[] {
  const earlier = (key: string): RecipeValue => {
    if (Object.hasOwn(was, key)) return was[key]!;
    const spec: RecipeKeySpec = recipeKeys[key as RecipeKey];
    const usual = defaultOf(spec, now.recipe['algorithm'] as Algorithm);
    return (usual as RecipeValue | undefined) ?? null;
  };
  const found = Object.entries(now.recipe).flatMap(([key, is]): Difference[] => {
    if (FREE.has(key)) return [];
    const before = { key, was: earlier(key), is };
    const isSame = JSON.stringify(before.was) === JSON.stringify(is);
    const [hash, other] = [inputs[key], now.inputs[key]];
    if (hash === undefined || other === undefined) return isSame ? [] : [before];
    if (hash === other) return [];
    return [{ ...before, ...(isSame && { contents: true }) }];
  });
  // The keys of another algorithm say nothing.
  const algorithm = found.find(({ key }) => key === 'algorithm');
  return algorithm ? [algorithm] : found;
}

/** "seed: 42, not 5" */
export function describeDifference({ key, was, is, contents }: Difference): string {
  if (contents) return `other contents of ${key}: ${shown(is)}`;
  return `${key}: ${shown(was)}, not ${shown(is)}`;
}

/** A value for a message. */
export const shown = (value: RecipeValue): string =>
  value === null ? 'not set' : typeof value === 'string' ? value : JSON.stringify(value);

/** A run that cannot go on as it was; the caller knows what else there is to do. */
export class ChangedRunError extends Error {
  override name = 'ChangedRunError';

  constructor(
    readonly differences: readonly Difference[],
    /** Of the checkpoint from which a new run may begin. */
    readonly step: number,
  ) {
    super(
      `This run was trained with ${differences.map(describeDifference).join('; ')}. Change that back ` +
        'to go on, or train a new run.',
    );
  }
}

/** The values of a run's recipe.yaml; undefined if it is not there, or not whole. */
export function valuesOf(yaml: string | undefined): RecipeValues | undefined {
  try {
    const values = parse(yaml ?? '') as RecipeValues | null;
    return typeof values === 'object' && !Array.isArray(values) ? (values ?? undefined) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The recipe that a stored run goes on with: that of its checkpoint, as long as the run has it. recipe.yaml
 * says how long it is now, and where its files are: a run may come from another place.
 */
export function recipeToGoOn(state: TrainerState, values: RecipeValues = {}): RecipeValues {
  const now = Object.entries(values).filter(([key]) => FREE.has(key) || PATHS.has(key));
  return { ...state.recipe, ...Object.fromEntries(now) };
}

/** A sentence if the learning rate of the coming steps follows from a number of steps that has changed. */
export function scheduleNotice(was: RecipeValues | undefined, recipe: Recipe): string[] {
  const { max_steps: steps, lr_scheduler_type: type, warmup_steps, warmup_ratio } = recipe;
  const before = was?.['max_steps'] ?? steps;
  const falls = type === 'linear' || type === 'cosine';
  const warmsUp = type !== 'constant' && warmup_steps < 1 && (warmup_steps || warmup_ratio) > 0;
  if (before === steps || !(falls || warmsUp)) return [];
  return [
    `max_steps was ${JSON.stringify(before)} and is ${steps}: the learning rate follows from it, so ` +
      'the next steps are not those of a run that had this number from the beginning.',
  ];
}
