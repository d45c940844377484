/** The data a recipe names: a built-in world, or JSONL files. */
import {
  shuffledEpochs,
  type PreferenceGroup,
  type Prompt,
  type SftExample,
  type Source,
} from '../../rl/data/dataset.ts';
import { Random } from '../../rl/random.ts';
import { RecipeError, type Dataset, type Recipe } from '../../rl/recipe/recipe.ts';
import type { GoldJudge } from '../../rl/rewards/reward.ts';
import {
  readDemonstration,
  readLines,
  readPreference,
  readPromptRow,
  type Row,
} from '../../rl/data/rows.ts';
import { baseText } from '../../rl/world/base-data.ts';
import { goldUtility } from '../../rl/world/gold.ts';
import {
  drawPrompt,
  drawPrompts,
  parsePrompt,
  promptText,
  type Split,
} from '../../rl/world/prompts.ts';
import { demonstration } from '../../rl/world/sft-data.ts';
import { thoughtTruth } from '../../rl/world/truth.ts';

/** Reads a data file as text; the path is as the recipe gives it. */
export type ReadFile = (path: string) => Promise<string>;

export async function promptSource(recipe: Recipe, read: ReadFile): Promise<Source<Prompt>> {
  if (recipe.world) {
    return {
      at: (i) => ({ prompt: promptText(drawPrompt(new Random(recipe.seed, `prompt ${i}`))) }),
    };
  }
  return shuffledEpochs(await readRows(recipe, read, readPromptRow), recipe.seed);
}

/** Of the world's demonstrations two in three think: there is more to learn in a thought than in an answer. */
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

/** The pairs of the evaluations inside a run; undefined when the recipe asks for none. */
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
    'a reward model learns from pairs, and world has none; remove it, and set datasets to JSONL ' +
      'files of prompt, chosen and rejected.',
  );
}

/** The prompts of the evaluations inside a run; undefined when the recipe asks for none. */
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

/** Every run of a world is evaluated on the same prompts. */
const EVALUATION_SEED = 0;

/** The hidden utility of a world, where `gold` names one. */
export function worldGold(gold: string): GoldJudge | undefined {
  return gold === 'meal-planner' ? mealPlannerGold : undefined;
}

/** Different prompts of the world that training never draws, with their gold judge. */
export function worldEvaluation(
  split: Exclude<Split, 'train'>,
  count: number,
  seed: number,
): { prompts: string[]; gold: GoldJudge } {
  const drawn = drawPrompts(new Random(seed, `evaluation on ${split}`), split, count);
  return { prompts: drawn.map(promptText), gold: mealPlannerGold };
}

const mealPlannerGold: GoldJudge = {
  score: (texts) =>
    Promise.resolve(texts.map(({ prompt, response }) => goldUtility(prompt, response).value)),
  thoughtTruth: (prompt, thought) => {
    if (!parsePrompt(prompt)) return undefined;
    const { true: held, total } = thoughtTruth(prompt, thought);
    return total > 0 ? held / total : undefined;
  },
};

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
        ? 'the recipe names nothing to evaluate on; add a dataset with split: test, or set eval_strategy: no.'
        : 'the recipe names no data; set world: meal-planner, or datasets.',
    );
  }
  return rows;
}
