/**
 * The folder that TRL writes (its `output_dir`): checkpoint-N/trainer_state.json with the logs, and with
 * `log_completions` completions/completions_0000N.parquet, one row a completion.
 */
import { jsonObject } from '../../../rl/data/json-lines.ts';
import type { MetricsRow } from '../../../rl/report.ts';
import type { RecipeValues } from '../../../rl/recipe/values.ts';
import { readText } from './read-text.ts';
import { parquetRows } from './parquet.ts';
import { ReturnError, type Files, type Returned, type StepRows } from './returned.ts';
import {
  completionRows,
  evaluatedRows,
  grouped,
  mannerOf,
  promptOf,
  textOf,
  type Written,
} from './rows.ts';

const STATE = /^(?:checkpoint-(\d+)\/)?trainer_state\.json$/;
const COMPLETIONS = /^completions\/completions_(\d+)\.parquet$/;
/** What train.py of a handed-over run puts beside them: the run's recipe, and where it was. */
export const ORIGIN = 'ponder.json';

export interface Origin {
  recipe: RecipeValues;
  /** The step at which the run was handed over. */
  step: number;
  /** Optimizer steps, which TRL counts, in a step of the run. */
  updates: number;
}

/** undefined if the files are no output of TRL. @throws ReturnError if they are damaged */
export async function trlRun(files: Files): Promise<Returned | undefined> {
  const parquets = numbered(files, COMPLETIONS);
  const state = numbered(files, STATE).at(-1);
  const log = (state && (await logOf(files, state.path))) ?? [];
  if (log.length === 0 && parquets.length === 0) return undefined;
  const origin = await originOf(files);
  const { step: first = 0, updates = 1 } = origin ?? {};
  const stepOf = (optimizerSteps: number): number => first + Math.ceil(optimizerSteps / updates);
  const metrics = metricsOf(log, stepOf);
  const names = rewardNames(metrics);
  const weights = (origin?.recipe['reward_weights'] ?? undefined) as number[] | undefined;
  // TRL writes the completions of an evaluation over those of the step before it.
  const evaluated = new Set(
    log.filter((row) => Object.keys(row).some(isOfEvaluation)).map(({ step }) => step),
  );
  const pathOf = new Map(parquets.map(({ number, path }) => [stepOf(number), { number, path }]));
  const read = async (step: number): Promise<StepRows> => {
    const found = pathOf.get(step);
    if (!found) return {};
    const rows = await parquetRows(files.get(found.path)!);
    const written = rows.map((row) => writtenOf(row, step, names, weights));
    const manner = mannerOf(
      origin?.recipe,
      written.map(({ completion }) => completion),
    );
    const tries = completionRows(grouped(written, ({ prompt }) => prompt).flat(), manner);
    return evaluated.has(found.number)
      ? { followed: tries, evaluations: evaluatedRows(tries) }
      : { completions: tries };
  };
  const steps = [...pathOf.keys()];
  // A run of which nothing but completions was copied still has steps, and their rewards.
  if (log.length === 0) metrics.push(...(await rewardsOnly(steps, read)));
  return {
    trainer: 'TRL',
    recipe: origin?.recipe ?? recipeOf(metrics, await groupSize(steps, read)),
    ...{ metrics, steps, read },
    lacks: [
      ...(log.length > 0
        ? []
        : ['Its only curve is the reward: checkpoint-N/trainer_state.json has no logs.']),
      ...(steps.length > 0
        ? ['TRL wrote no lengths of completions and no numbers for single tokens.']
        : ['It has no completions: TRL writes them with log_completions: true.']),
      ...(evaluated.size > 0 && steps.length > 0
        ? ['At a step with an evaluation, TRL kept only the completions of the evaluation.']
        : []),
      ...(names.length > 1 && weights === undefined
        ? ['The weights of the rewards are unknown: their plain sum is shown.']
        : []),
    ],
  };
}

/** The files with that path, the smallest number first; one without a number is the last. */
function numbered(files: Files, pattern: RegExp): { number: number; path: string }[] {
  return [...files.keys()]
    .flatMap((path) => {
      const match = pattern.exec(path);
      return match ? [{ number: Number(match[1] ?? Infinity), path }] : [];
    })
    .sort((a, b) => a.number - b.number);
}

type LogRow = Record<string, unknown> & { step: number };

/** The rows of log_history; undefined if the file is not of transformers' Trainer. */
async function logOf(files: Files, path: string): Promise<LogRow[] | undefined> {
  const state = jsonObject(await readText(files, path)) as Record<string, unknown> | undefined;
  if (!state) throw new ReturnError(`${path} is not JSON; copy the folder again.`);
  // A checkpoint of Ponder has a file of this name too.
  if (!Array.isArray(state['log_history']) || !('is_world_process_zero' in state)) return undefined;
  return (state['log_history'] as unknown[]).filter(
    (row): row is LogRow => typeof (row as LogRow | null)?.step === 'number',
  );
}

async function originOf(files: Files): Promise<Origin | undefined> {
  if (!files.has(ORIGIN)) return undefined;
  const origin = jsonObject(await readText(files, ORIGIN)) as Partial<Origin> | undefined;
  const { recipe, step, updates } = origin ?? {};
  if (typeof recipe !== 'object' || typeof step !== 'number' || typeof updates !== 'number') {
    throw new ReturnError(`${ORIGIN} is damaged; remove it, or copy the folder again.`);
  }
  return { recipe, step, updates };
}

const isOfEvaluation = (key: string): boolean => key.startsWith('eval_');

/** One row a step: training and evaluation have rows of their own in the log, and the end has one. */
function metricsOf(log: readonly LogRow[], stepOf: (step: number) => number): MetricsRow[] {
  const rows = new Map<number, MetricsRow>();
  for (const { step: optimizerSteps, ...values } of log) {
    if ('train_runtime' in values) continue;
    const step = stepOf(optimizerSteps);
    const row = rows.get(step) ?? { step };
    for (const [key, value] of Object.entries(values)) {
      if (typeof value === 'number' && Number.isFinite(value)) row[key] = value;
    }
    rows.set(step, row);
  }
  return [...rows.values()].sort((a, b) => a.step - b.step);
}

/** Of "rewards/NAME/mean", in the order of reward_funcs. */
function rewardNames(metrics: readonly MetricsRow[]): string[] {
  const keys = metrics.flatMap((row) => Object.keys(row));
  return [
    ...new Set(keys.flatMap((key) => /^(?:eval_)?rewards\/(.+)\/mean$/.exec(key)?.[1] ?? [])),
  ];
}

/** Columns that are no rewards where no metric names the rewards. */
const NO_REWARDS = ['step', 'prompt', 'completion', 'advantage'];

function writtenOf(
  row: Record<string, unknown>,
  step: number,
  names: readonly string[],
  weights: readonly number[] | undefined,
): Written {
  const columns =
    names.length > 0
      ? names
      : Object.keys(row).filter(
          (name) => !NO_REWARDS.includes(name) && typeof row[name] === 'number',
        );
  const rewards: Record<string, number> = {};
  let reward = 0;
  columns.forEach((name, i) => {
    const value = row[name];
    // A function may have no reward for a completion.
    if (typeof value !== 'number' || !Number.isFinite(value)) return;
    rewards[name] = value;
    reward += (weights?.[i] ?? 1) * value;
  });
  const { advantage } = row;
  return {
    ...{ step, rewards, reward },
    prompt: promptOf(row['prompt']),
    completion: textOf(row['completion']),
    advantage: typeof advantage === 'number' ? advantage : 0,
  };
}

type Read = (step: number) => Promise<StepRows>;

async function rewardsOnly(steps: readonly number[], read: Read): Promise<MetricsRow[]> {
  const rows: MetricsRow[] = [];
  for (const step of steps) {
    const { completions = [] } = await read(step);
    const sum = completions.reduce((total, { reward }) => total + reward, 0);
    rows.push({ step, ...(completions.length > 0 && { reward: sum / completions.length }) });
  }
  return rows;
}

async function groupSize([step]: readonly number[], read: Read): Promise<number | undefined> {
  const { completions = [] } = step === undefined ? {} : await read(step);
  const first = completions.findIndex(({ prompt }) => prompt !== completions[0]?.prompt);
  return first < 0 ? completions.length || undefined : first;
}

/** What the metrics say of a recipe that did not come with them. */
function recipeOf(metrics: readonly MetricsRow[], groupSize: number | undefined): RecipeValues {
  const has = (key: string): boolean => metrics.some((row) => key in row);
  const names = rewardNames(metrics);
  if (has('logps/chosen')) return { algorithm: 'dpo' };
  if (has('mean_reward')) return { algorithm: 'reward' };
  if (!has('reward')) return { algorithm: 'sft' };
  return {
    algorithm: 'grpo',
    // As TRL names them: they keep these rewards apart from those of other runs.
    ...(names.length > 0 && { reward_funcs: names }),
    ...(groupSize !== undefined && { num_generations: groupSize }),
  };
}
