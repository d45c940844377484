/** The logs in trainer_state.json, which transformers' Trainer writes into each checkpoint. */
import { jsonObject } from '../../../rl/data/json-lines.ts';
import type { MetricsRow } from '../../../rl/report.ts';
import type { Damage } from './damage.ts';
import { readText } from './read-text.ts';
import type { Files } from './returned.ts';

const STATE = /^(?:checkpoint-(\d+)\/)?trainer_state\.json$/;

type LogRow = Record<string, unknown> & { step: number };

/** The last logs that can be read; no rows if there are none. */
export async function trainerLog(files: Files): Promise<{ log: LogRow[]; damaged: Damage[] }> {
  const unread: Omit<Damage, 'lost'>[] = [];
  const withLost = (lost: string): Damage[] => unread.map((damage) => ({ ...damage, lost }));
  for (const { path } of numbered(files, STATE).reverse()) {
    const log = await logOf(files, path);
    if (typeof log === 'string') unread.push({ path, reason: log });
    else if (log.length > 0) return { log, damaged: withLost(`the curves are those of ${path}`) };
  }
  return { log: [], damaged: withLost('it is not used') };
}

/** The rows of log_history, none if the file is not of transformers' Trainer; or why it cannot be read. */
async function logOf(files: Files, path: string): Promise<LogRow[] | string> {
  if (files.get(path)!.size === 0) return 'it is empty';
  const state = jsonObject(await readText(files, path)) as Record<string, unknown> | undefined;
  if (!state) return 'it is not JSON';
  // A checkpoint of Ponder has a file of this name too.
  if (!Array.isArray(state['log_history']) || !('is_world_process_zero' in state)) return [];
  return (state['log_history'] as unknown[]).filter(
    (row): row is LogRow => typeof (row as LogRow | null)?.step === 'number',
  );
}

/** The files with that path, the smallest number first; one without a number is the last. */
export function numbered(files: Files, pattern: RegExp): { number: number; path: string }[] {
  return [...files.keys()]
    .flatMap((path) => {
      const match = pattern.exec(path);
      return match ? [{ number: Number(match[1] ?? Infinity), path }] : [];
    })
    .sort((a, b) => a.number - b.number);
}

/** One row a step: training and evaluation have rows of their own in the log, and the end has one. */
export function metricsOf(
  log: readonly LogRow[],
  stepOf: (optimizerSteps: number) => number,
): MetricsRow[] {
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
export function rewardNames(metrics: readonly MetricsRow[]): string[] {
  const keys = metrics.flatMap((row) => Object.keys(row));
  return [
    ...new Set(keys.flatMap((key) => /^(?:eval_)?rewards\/(.+)\/mean$/.exec(key)?.[1] ?? [])),
  ];
}

/**
 * How many held-out prompts an evaluation had, by the optimizer step after which it was: the log has its time and
 * its prompts in a second, so the number is right up to about 1,000 seconds. Infinity if the log lacks them.
 */
export function evaluatedPrompts(log: readonly LogRow[]): Map<number, number> {
  // Each set of prompts has a row and a prefix of its own; a set that is evaluated twice has the same.
  const found = new Map<number, Map<string, number>>();
  for (const { step, ...values } of log) {
    if (!Object.keys(values).some((key) => key.startsWith('eval_'))) continue;
    const sets = found.get(step) ?? new Map<string, number>();
    const [, set = 'eval_'] =
      /^(eval_(?:.+_)?)runtime$/m.exec(Object.keys(values).join('\n')) ?? [];
    const seconds = Number(values[`${set}runtime`]);
    const prompts = Math.round(seconds * Number(values[`${set}samples_per_second`]));
    found.set(step, sets.set(set, prompts > 0 ? prompts : Infinity));
  }
  return new Map(
    [...found].map(([step, sets]) => [step, [...sets.values()].reduce((sum, n) => sum + n, 0)]),
  );
}
