/** Opens the data that a recipe names: a built-in world, or JSONL files. */
import {
  shuffledEpochs,
  take,
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

/**
 * Why a row cannot be used, in a sentence that follows its file and line; undefined if it can. It is
 * asked about every row that the run will use, before the first step.
 */
export type CheckRow<T> = (row: T) => string | undefined;

export async function promptSource(
  recipe: Recipe,
  read: ReadFile,
  check?: CheckRow<Prompt>,
): Promise<Source<Prompt>> {
  const perStep = recipe.per_device_train_batch_size / recipe.num_generations;
  if (recipe.world) {
    const source: Source<Prompt> = {
      at: (i) => ({ prompt: promptText(drawPrompt(new Random(recipe.seed, `prompt ${i}`))) }),
    };
    const first = take(source, 0, Math.min(WORLD_CHECKED, rowsOfRun(recipe, perStep)));
    checked(placedInWorld(recipe, first), check);
    return source;
  }
  const rows = await readRows(recipe, read, readPromptRow);
  return checkedSource(recipe, rows, perStep, check);
}

/** A world's prompts differ in length by a few tokens only, so that so many show whether they fit. */
const WORLD_CHECKED = 200;

const placedInWorld = ({ world }: Recipe, prompts: readonly Prompt[]): Placed<Prompt>[] =>
  prompts.map((row, i) => ({ row, place: `world ${world}, prompt ${i + 1}` }));

/** Two in three of the world's demonstrations have a thought, because a thought has more to learn than an answer. */
const THINKING_SHARE = { of: 3, think: 2 };

export async function sftSource(
  recipe: Recipe,
  read: ReadFile,
  check?: CheckRow<SftExample>,
): Promise<Source<SftExample>> {
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
  return checkedSource(recipe, rows, recipe.per_device_train_batch_size, check);
}

export async function preferenceSource(
  recipe: Recipe,
  read: ReadFile,
  check?: CheckRow<PreferenceGroup>,
): Promise<Source<PreferenceGroup>> {
  const rows = await preferenceRows(recipe, read, 'train');
  return checkedSource(recipe, rows, recipe.per_device_train_batch_size, check);
}

/** The pairs of the evaluations inside a run; undefined if the recipe has no evaluations. */
export async function heldOutPreferences(
  recipe: Recipe,
  read: ReadFile,
  check?: CheckRow<PreferenceGroup>,
): Promise<PreferenceGroup[] | undefined> {
  if (recipe.eval_strategy === 'no') return undefined;
  const rows = await preferenceRows(recipe, read, 'test');
  return checked(rows.slice(0, recipe.eval_num_prompts), check);
}

function preferenceRows(
  recipe: Recipe,
  read: ReadFile,
  split: Dataset['split'],
): Promise<Placed<PreferenceGroup>[]> {
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
  check?: CheckRow<Prompt>,
): Promise<Prompt[] | undefined> {
  if (recipe.eval_strategy === 'no') return undefined;
  if (recipe.world) {
    const { prompts } = worldEvaluation('dev', recipe.eval_num_prompts, EVALUATION_SEED);
    const asked = prompts.map((prompt) => ({ prompt }));
    return checked(placedInWorld(recipe, asked), check);
  }
  const rows = await readRows(recipe, read, readPromptRow, 'test');
  return checked(rows.slice(0, recipe.eval_num_prompts), check);
}

/** Always the same, so that all runs of a world are evaluated on the same prompts. */
const EVALUATION_SEED = 0;

/** A row, and where it is: "data.jsonl, line 8". */
interface Placed<T> {
  row: T;
  place: string;
}

/** @param perBatch rows of one batch, of which a step takes gradient_accumulation_steps */
function checkedSource<T>(
  recipe: Recipe,
  rows: readonly Placed<T>[],
  perBatch: number,
  check?: CheckRow<T>,
): Source<T> {
  const source = shuffledEpochs(rows, recipe.seed);
  const used = rowsOfRun(recipe, perBatch);
  // Dynamic sampling draws fresh prompts from other epochs, so it can draw any row.
  const usesPart = recipe.dynamic_sampling === 0 && used < rows.length;
  checked(usesPart ? take(source, 0, used) : rows, check);
  return { at: (index) => source.at(index).row };
}

/** Rows that a run takes one after the other. */
function rowsOfRun({ max_steps, gradient_accumulation_steps }: Recipe, perBatch: number): number {
  return Math.ceil(max_steps * perBatch * gradient_accumulation_steps);
}

/** @throws RecipeError that names the first row that cannot be used, and how many more there are */
function checked<T>(rows: readonly Placed<T>[], check?: CheckRow<T>): T[] {
  const problems = rows.flatMap(({ row, place }) => {
    const problem = check?.(row);
    return problem === undefined ? [] : [{ place, problem }];
  });
  const [first] = problems;
  if (!first) return rows.map(({ row }) => row);
  const more = problems.length > 1 ? ` (of ${problems.length} such rows)` : '';
  throw new RecipeError(`${first.place}${more}: ${first.problem}.`);
}

async function readRows<T>(
  recipe: Recipe,
  read: ReadFile,
  parse: (row: Row) => T,
  split: Dataset['split'] = 'train',
): Promise<Placed<T>[]> {
  const chosen = recipe.datasets.filter((dataset) => dataset.split === split);
  const files = chosen.flatMap((dataset) => dataset.data_files);
  if (files.length === 0) {
    throw new RecipeError(
      split === 'test'
        ? 'the recipe has no data to evaluate on; add a dataset with split: test, or set eval_strategy: no.'
        : 'the recipe has no data to train on; set world: meal-planner, or datasets.',
    );
  }
  const rows: Placed<T>[] = [];
  for (const file of files) {
    const before = rows.length;
    for (const { line, row, problem } of readLines(await read(file), parse)) {
      const place = `${file}, line ${line}`;
      if (row === undefined) throw new RecipeError(`${place}: ${problem}.`);
      rows.push({ row, place });
    }
    if (rows.length === before) {
      throw new RecipeError(`${file} is empty; it must have one JSON object per line.`);
    }
  }
  return rows;
}
