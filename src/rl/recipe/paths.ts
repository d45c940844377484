/** The paths in a recipe: folders of models, and files of data and rules. */
import type { RecipeValue, RecipeValues } from './values.ts';

/** The prefix of a model or a file that the visitor of the page brought; only the page knows it. */
export const STORED = 'stored:';

interface PathChange {
  model(path: string): string;
  file(path: string): string;
}

const MODEL_KEYS = ['model_name_or_path', 'reward_model_name_or_path', 'judge_model_name_or_path'];

/** The recipe with each path replaced. The values may be unchecked: what is not a path stays. */
export function mapPaths(recipe: RecipeValues, change: PathChange): RecipeValues {
  const files = (value: RecipeValue): RecipeValue =>
    typeof value === 'string'
      ? change.file(value)
      : Array.isArray(value)
        ? (value as readonly RecipeValue[]).map(files)
        : value;
  const dataset = (value: RecipeValue): RecipeValue => {
    if (typeof value !== 'object' || value === null || !('data_files' in value)) return value;
    const entry = value;
    return { ...entry, data_files: files(entry['data_files']!) };
  };
  const mapped = Object.entries(recipe).map(([key, value]): [string, RecipeValue] => {
    if (typeof value === 'string' && MODEL_KEYS.includes(key)) return [key, change.model(value)];
    // gold is a folder, or the name of a world.
    if (key === 'gold' && typeof value === 'string' && /[/:]/.test(value)) {
      return [key, change.model(value)];
    }
    if (key === 'reward_funcs') return [key, files(value)];
    if (key === 'datasets' && Array.isArray(value)) {
      return [key, (value as readonly RecipeValue[]).map(dataset)];
    }
    return [key, value];
  });
  return Object.fromEntries(mapped);
}
