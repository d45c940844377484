/** Opens what TRL or verl wrote as a run. */
import { stringify } from 'yaml';
import { basename } from '../../../model/files.ts';
import { jsonLines } from '../../../rl/data/json-lines.ts';
import { mean } from '../../../rl/statistics.ts';
import { wordCount } from '../../../rl/evaluation/completion-metrics.ts';
import type { MetricsRow } from '../../../rl/report.ts';
import type { CompletionRow } from '../../../rl/runs/record.ts';
import { ROW_FOLDERS, within, type RunFolder } from '../../../rl/runs/run-folder.ts';
import { outputsAmong } from './outputs.ts';
import { unknownFacts, writeFacts } from '../../runs/facts.ts';
import { ReturnError, type Files, type Returned } from './returned.ts';
import { trlRun } from './trl.ts';
import { verlRun } from './verl.ts';

/** A run with the name of its folder. */
export type Opened = Returned & { name: string };

/**
 * The run of the first output among the files.
 * @returns undefined if there is none
 * @throws ReturnError if its files are damaged
 */
export async function openReturned(files: Files): Promise<Opened | undefined> {
  for (const top of outputsAmong(files.keys())) {
    const inside = [...files].filter(([path]) => path.startsWith(top));
    const own = new Map(inside.map(([path, source]) => [path.slice(top.length), source]));
    const returned = (await trlRun(own)) ?? (await verlRun(own));
    if (!returned) continue;
    const name = basename(top.slice(0, -1)) || `${returned.trainer} run`;
    return { ...returned, name, metrics: await withLengths(returned) };
  }
  return undefined;
}

/** Metrics of the texts, which no other trainer has. */
async function withLengths({ metrics, steps, read }: Returned): Promise<MetricsRow[]> {
  const rows = new Map(metrics.map((row) => [row.step, row]));
  for (const step of steps) {
    const { completions = [], followed = [] } = await read(step);
    rows.set(step, {
      ...(rows.get(step) ?? { step }),
      ...lengthsOf(completions, ''),
      ...lengthsOf(followed, 'eval_'),
    });
  }
  return [...rows.values()].sort((a, b) => a.step - b.step);
}

function lengthsOf(rows: readonly CompletionRow[], prefix: string): Record<string, number> {
  if (rows.length === 0) return {};
  const at = `${prefix}completions`;
  return {
    [`${at}/mean_thought_length`]: mean(rows.map(({ thought }) => wordCount(thought))),
    [`${at}/mean_response_length`]: mean(rows.map(({ response }) => wordCount(response))),
    [`${at}/malformed_ratio`]: rows.filter(({ wellFormed }) => !wellFormed).length / rows.length,
  };
}

/** What there is to know of it, in a few sentences. */
export const noteOn = ({ trainer, lacks }: Returned): string =>
  [`From ${trainer}.`, ...lacks].join(' ');

/** Writes it as the run `id`. If it cannot be written, nothing of it stays. */
export async function storeReturned(
  runs: RunFolder,
  id: string,
  returned: Opened,
  onProgress?: (share: number) => void,
): Promise<void> {
  const run = within(runs, id);
  const { name, metrics, steps, recipe, trainer } = returned;
  const last = metrics.at(-1)?.step;
  if (last === undefined) throw new ReturnError('This output has no steps; train longer.');
  try {
    const isSaid = typeof recipe['max_steps'] === 'number' && recipe['max_steps'] >= last;
    await run.write('recipe.yaml', stringify(isSaid ? recipe : { ...recipe, max_steps: last }));
    for (const [i, step] of steps.entries()) {
      const rows = await returned.read(step);
      for (const folder of ROW_FOLDERS) {
        if (rows[folder]) await run.write(`${folder}/step-${step}.jsonl`, jsonLines(rows[folder]));
      }
      onProgress?.((i + 1) / steps.length);
    }
    await run.write('metrics.jsonl', jsonLines(metrics));
    await run.write('summary.json', `${JSON.stringify({ trainer })}\n`);
    await writeFacts(run, { ...unknownFacts(id), name, note: noteOn(returned) });
  } catch (error) {
    await run.remove('').catch(() => undefined);
    throw error;
  }
}
