/** Opens the data that a recipe names: a built-in world, or JSONL files. */
import {
  shuffledEpochs,
  type PreferenceGroup,
  type Prompt,
  type SftExample,
  type Source,
} from '../../rl/data/dataset.ts';
import { Random } from '../../rl/random.ts';
import { RecipeError, type Dataset, type Recipe } from '../../rl/recipe/recipe.ts';
import {
  readDemonstration,
  readLines,
  readPreference,
  readPromptRow,
  type Row,
} from '../../rl/data/rows.ts';
import { baseText } from '../../rl/world/base-data.ts';
import { drawPrompt, promptText } from '../../rl/world/prompts.ts';
import { demonstration } from '../../rl/world/sft-data.ts';
import { worldEvaluation } from '../../rl/world/judging.ts';
import type { ReadFile } from './surroundings.ts';

export async function promptSource(recipe: Recipe, read: ReadFile): Promise<Source<Prompt>> {
  if (recipe.world) {
    return {
      at: (i) => ({ prompt: promptText(drawPrompt(new Random(recipe.seed, `prompt ${i}`))) }),
    };
  }
  return shuffledEpochs(await readRows(recipe, read, readPromptRow), recipe.seed);
}

/** Two in three of the world's demonstrations have a thought, because a thought has more to learn than an answer. */
const THINKING_SHARE = { of: 3, think: 2 };

export async function sftSource(recipe: Recipe, read: ReadFile): Promise<Source<SftExample>> {
  if (recipe.world) {
    const write = recipe.world_data === 'base' ? baseText : demonstration;
    return {
      at: (i) =>
        write(
          new Random(recipe.seed, `demonstration ${i}`),
          i % THINKING_SHARE.of < THINKING_SHARE.think,
        ),
    };
  }
  const rows = await readRows(recipe, read, (row) => readDemonstration(row, recipe.thinking));
  return shuffledEpochs(rows, recipe.seed);
}

export async function preferenceSource(
  recipe: Recipe,
  read: ReadFile,
): Promise<Source<PreferenceGroup>> {
  return shuffledEpochs(await preferenceRows(recipe, read, 'train'), recipe.seed);
}

/** The pairs of the evaluations inside a run; undefined if the recipe has no evaluations. */
export async function heldOutPreferences(
  recipe: Recipe,
  read: ReadFile,
): Promise<PreferenceGroup[] | undefined> {
  if (recipe.eval_strategy === 'no') return undefined;
  const rows = await preferenceRows(recipe, read, 'test');
  return rows.slice(0, recipe.eval_num_prompts);
}

function preferenceRows(
  recipe: Recipe,
  read: ReadFile,
  split: Dataset['split'],
): Promise<PreferenceGroup[]> {
  if (recipe.world === undefined) return readRows(recipe, read, readPreference, split);
  throw new RecipeError(
    'a reward model learns from pairs, but a world has none; remove world, and set datasets to JSONL ' +
      'files with prompt, chosen and rejected.',
  );
}

/** The prompts of the evaluations inside a run; undefined if the recipe has no evaluations. */
export async function evaluationPrompts(
  recipe: Recipe,
  read: ReadFile,
): Promise<Prompt[] | undefined> {
  if (recipe.eval_strategy === 'no') return undefined;
  if (recipe.world) {
    const { prompts } = worldEvaluation('dev', recipe.eval_num_prompts, EVALUATION_SEED);
    return prompts.map((prompt) => ({ prompt }));
  }
  const rows = await readRows(recipe, read, readPromptRow, 'test');
  return rows.slice(0, recipe.eval_num_prompts);
}

/** Always the same, so that all runs of a world are evaluated on the same prompts. */
const EVALUATION_SEED = 0;

async function readRows<T>(
  recipe: Recipe,
  read: ReadFile,
  parse: (row: Row) => T,
  split: Dataset['split'] = 'train',
): Promise<T[]> {
  const chosen = recipe.datasets.filter((dataset) => dataset.split === split);
  const files = chosen.flatMap((dataset) => dataset.data_files);
  const rows: T[] = [];
  for (const file of files) {
    for (const { line, row, problem } of readLines(await read(file), parse)) {
      if (row === undefined) throw new RecipeError(`${file}, line ${line}: ${problem}.`);
      rows.push(row);
    }
  }
  if (rows.length === 0) {
    throw new RecipeError(
      split === 'test'
        ? 'the recipe has no data to evaluate on; add a dataset with split: test, or set eval_strategy: no.'
        : 'the recipe has no data to train on; set world: meal-planner, or datasets.',
    );
  }
  return rows;
}
