/** How a run differs from another: the changes of its recipe, and a name made from them. */
import { basename } from '../../model/files.ts';
import { recipeKeys } from '../../rl/recipe/keys.ts';
import { mapPaths, STORED } from '../../rl/recipe/paths.ts';
import { defaultOf, type Algorithm, type RecipeKeySpec } from '../../rl/recipe/spec.ts';
import type { RecipeValue, RecipeValues } from '../../rl/recipe/values.ts';

export interface Change {
  key: string;
  /** undefined if the other recipe does not set it. */
  from: RecipeValue | undefined;
  to: RecipeValue;
}

/** Keys of `recipe` with another value in `base`, in the order of `recipe`. */
export function changes(recipe: RecipeValues, base: RecipeValues): Change[] {
  return Object.entries(recipe)
    .filter(([key, to]) => JSON.stringify(to) !== JSON.stringify(base[key]))
    .map(([key, to]) => ({ key, from: base[key], to }));
}

const specs: Record<string, RecipeKeySpec> = recipeKeys;

/** The changes, without values that only spell out a default, such as `thinking: true`. */
export function changesFromDefault(recipe: RecipeValues, base: RecipeValues): Change[] {
  const algorithm = (recipe['algorithm'] ?? recipeKeys.algorithm.default) as Algorithm;
  return changes(recipe, base).filter(
    ({ key, from, to }) => from !== undefined || to !== defaultOf(specs[key], algorithm),
  );
}

/** "seed: 3 (was 0)" */
export function changeText({ key, from, to }: Change): string {
  return `${key}: ${valueText(to)}${from === undefined ? '' : ` (was ${valueText(from)})`}`;
}

export function valueText(value: RecipeValue): string {
  if (value === null || value === '') return 'none';
  if (typeof value !== 'object') return String(value);
  const files = Array.isArray(value) ? value.map(dataFiles) : [];
  const areFiles = files.length > 0 && files.every((text) => text !== undefined);
  return areFiles ? files.join(', ') : JSON.stringify(value);
}

/** What tells an entry of `datasets` from others: "mine.jsonl (test)". */
function dataFiles(entry: RecipeValue): string | undefined {
  if (typeof entry !== 'object' || entry === null || !('data_files' in entry)) return undefined;
  const { data_files: files = '', split = 'train' } = entry as Readonly<
    Record<string, RecipeValue>
  >;
  return `${valueText(files).replaceAll('stored:', '')} (${valueText(split)})`;
}

/** A short name for a run, until the visitor gives it another. */
export function nameOf(list: readonly Change[]): string {
  if (!list.length) return 'Default recipe';
  const parts = list.slice(0, 3).map(({ key, to }) => {
    if (key === 'thinking') return to === false ? 'no thought' : 'with a thought';
    if (key === 'algorithm') return valueText(to).toUpperCase();
    const words = key.replace('_name_or_path', '').replaceAll('_', ' ');
    return to === null ? `no ${words}` : `${words} ${shortValue(to)}`;
  });
  const more = list.length > 3 ? ` and ${list.length - 3} more` : '';
  const name = parts.join(', ') + more;
  return name.charAt(0).toUpperCase() + name.slice(1);
}

/** Only the last part of a path. */
function shortValue(value: RecipeValue): string {
  const list = Array.isArray(value) ? (value as readonly RecipeValue[]) : [value];
  return list
    .map((item) => (typeof item === 'string' ? basename(item) : valueText(item)))
    .join(', ');
}

/** A, B, ... Z, AA, AB: what marks a run in the charts. */
export function letterOf(slot: number): string {
  const letter = String.fromCharCode(65 + (slot % 26));
  return slot < 26 ? letter : letterOf(Math.floor(slot / 26) - 1) + letter;
}

/** Whether the recipe names a model that the visitor brought. */
export function usesModels(recipe: RecipeValues): boolean {
  let uses = false;
  const model = (path: string): string => {
    uses ||= path.startsWith(STORED);
    return path;
  };
  mapPaths(recipe, { model, file: (path) => path });
  return uses;
}
