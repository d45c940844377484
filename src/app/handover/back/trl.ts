/**
 * The folder that TRL writes (its `output_dir`): checkpoint-N/trainer_state.json with the logs, and with
 * `log_completions` completions/completions_0000N.parquet, one row a completion. If several
 * processes train, the first one writes the completions of all: those of a group follow each other
 * (TRL 1.16, grpo_trainer.py, `gather_object`).
 */
import { jsonObject } from '../../../rl/data/json-lines.ts';
import type { MetricsRow } from '../../../rl/report.ts';
import type { RecipeValues } from '../../../rl/recipe/values.ts';
import type { CompletionRow } from '../../../rl/runs/record.ts';
import { mean } from '../../../rl/statistics.ts';
import type { Damage } from './damage.ts';
import { readText } from './read-text.ts';
import { evaluatedPrompts, metricsOf, numbered, rewardNames, trainerLog } from './trl-log.ts';
import { trlRows } from './trl-rows.ts';
import type { Files, Returned, StepRows } from './returned.ts';
import { completionRows, evaluatedRows, grouped, mannerOf, type Written } from './rows.ts';

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

/** undefined if the files are no output of TRL */
export async function trlRun(files: Files): Promise<Returned | undefined> {
  const parquets = numbered(files, COMPLETIONS);
  const { log, damaged } = await trainerLog(files);
  if (log.length === 0 && parquets.length === 0 && damaged.length === 0) return undefined;
  const { origin, damage } = await originOf(files);
  const { step: first = 0, updates = 1 } = origin ?? {};
  const stepOf = (optimizerSteps: number): number => first + Math.ceil(optimizerSteps / updates);
  const metrics = metricsOf(log, stepOf);
  const names = rewardNames(metrics);
  const weights = (origin?.recipe['reward_weights'] ?? undefined) as number[] | undefined;
  const evaluated = evaluatedPrompts(log);
  /** The files of a step, the last one first: each optimizer step of it has one. */
  const filesOf = new Map<number, typeof parquets>();
  for (const found of parquets) {
    const step = stepOf(found.number);
    filesOf.set(step, [found, ...(filesOf.get(step) ?? [])]);
  }
  const read = async (step: number): Promise<StepRows> => {
    const unread: Omit<Damage, 'lost'>[] = [];
    const withLost = (lost: string): Damage[] => unread.map((found) => ({ ...found, lost }));
    for (const { number, path } of filesOf.get(step) ?? []) {
      const rows = await trlRows(files.get(path)!, step, names, weights);
      if (typeof rows === 'string') unread.push({ path, reason: rows });
      else {
        return {
          ...stepRows(rows, evaluated.get(number) ?? 0, origin?.recipe),
          damaged: withLost(`step ${step} shows ${path}`),
        };
      }
    }
    return { damaged: withLost(`step ${step} has no completions`) };
  };
  const steps = [...filesOf.keys()];
  const lastLogged = metrics.at(-1)?.step ?? 0;
  const some = await firstGroup(steps, read);
  const own = Object.keys(some[0]?.rewards ?? {});
  return {
    trainer: 'TRL',
    recipe: origin?.recipe ?? recipeOf(metrics, some),
    ...{ metrics, steps, read },
    damaged: [...damage, ...damaged],
    lacks: [
      ...(log.length > 0
        ? []
        : ['Its only curve is the reward: checkpoint-N/trainer_state.json has no logs.']),
      ...(log.length > 0 && (steps.at(-1) ?? 0) > lastLogged
        ? [`The logs end at step ${lastLogged}: the only curve of later steps is the reward.`]
        : []),
      ...(steps.length > 0
        ? ['TRL wrote no lengths of completions and no numbers for single tokens.']
        : ['It has no completions: TRL writes them with log_completions: true.']),
      ...(evaluated.size > 0 && steps.length > 0
        ? [
            'At a step with an evaluation, TRL kept the completions of the evaluation, and few or none of the training.',
          ]
        : []),
      ...(names.length > 0 && own.length > 0 && !own.some((name) => names.includes(name))
        ? [
            `The curves may be of another run: the logs have the rewards ${names.join(', ')}, and the completions ${own.join(', ')}.`,
          ]
        : []),
      ...(names.length > 1 && weights === undefined
        ? ['The weights of the rewards are unknown: their plain sum is shown.']
        : []),
    ],
  };
}

/** @param prompts that the evaluation had after which TRL wrote the rows; 0 if there was none */
function stepRows(
  written: readonly Written[],
  prompts: number,
  recipe: RecipeValues | undefined,
): StepRows {
  const texts = written.map(({ completion }) => completion);
  const rows = completionRows(written, mannerOf(recipe, texts));
  const start = startOfEvaluation(rows, prompts);
  const completions = rows.slice(0, start);
  // Processes that run out of held-out prompts begin again with the first ones.
  const followed = grouped(rows.slice(start), ({ prompt }) => prompt).flat();
  const scored = completions.filter(({ rewards = {} }) => Object.keys(rewards).length > 0);
  return {
    ...(completions.length > 0 && { completions }),
    ...(followed.length > 0 && { followed, evaluations: evaluatedRows(followed) }),
    ...(prompts === 0 &&
      scored.length > 0 && { metrics: { reward: mean(scored.map(({ reward }) => reward)) } }),
  };
}

/**
 * TRL keeps as many of the last completions as a step samples. An evaluation pushes out those of the training,
 * all of them or the first ones.
 */
function startOfEvaluation(rows: readonly CompletionRow[], prompts: number): number {
  const seen = new Set<string>();
  for (let i = rows.length; i > 0; i--) {
    if (seen.add(rows[i - 1]!.prompt).size > prompts) return i;
  }
  return 0;
}

async function originOf(files: Files): Promise<{ origin?: Origin; damage: Damage[] }> {
  if (!files.has(ORIGIN)) return { damage: [] };
  const origin = jsonObject(await readText(files, ORIGIN)) as Partial<Origin> | undefined;
  const { recipe, step, updates } = origin ?? {};
  const isRecipe = typeof recipe === 'object' && (recipe as unknown) !== null;
  if (isRecipe && Number.isInteger(step) && Number(updates) > 0) {
    return { origin: { recipe, step: step!, updates: updates! }, damage: [] };
  }
  const reason = files.get(ORIGIN)!.size === 0 ? 'it is empty' : 'it holds no recipe and no step';
  const lost = 'the recipe is unknown and the steps are those that TRL counted';
  return { damage: [{ path: ORIGIN, reason, lost }] };
}

type Read = (step: number) => Promise<StepRows>;

/** The completions of the first group of the training that has rewards; none if there is no such group. */
async function firstGroup(steps: readonly number[], read: Read): Promise<CompletionRow[]> {
  for (const step of steps) {
    const { completions = [], followed } = await read(step);
    // Beside an evaluation, the first group may not be whole.
    if (followed || completions.every(({ rewards = {} }) => Object.keys(rewards).length === 0)) {
      continue;
    }
    const end = completions.findIndex(({ prompt }) => prompt !== completions[0]!.prompt);
    return completions.slice(0, end < 0 ? undefined : end);
  }
  return [];
}

/** What metrics and completions say of a recipe that did not come with them. */
function recipeOf(metrics: readonly MetricsRow[], group: readonly CompletionRow[]): RecipeValues {
  const has = (key: string): boolean => metrics.some((row) => key in row);
  const logged = rewardNames(metrics);
  const names = logged.length > 0 ? logged : Object.keys(group[0]?.rewards ?? {});
  if (has('logps/chosen')) return { algorithm: 'dpo' };
  if (has('mean_reward')) return { algorithm: 'reward' };
  if (!has('reward') && group.length === 0) return { algorithm: 'sft' };
  return {
    algorithm: 'grpo',
    // As TRL names them: they keep these rewards apart from those of other runs.
    ...(names.length > 0 && { reward_funcs: names }),
    ...(group.length > 0 && { num_generations: group.length }),
  };
}
