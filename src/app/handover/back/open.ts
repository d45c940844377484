/** Opens what TRL or verl wrote as a run. */
import { stringify } from 'yaml';
import { basename } from '../../../model/files.ts';
import { jsonLines } from '../../../rl/data/json-lines.ts';
import { mean } from '../../../rl/statistics.ts';
import { wordCount } from '../../../rl/evaluation/completion-metrics.ts';
import type { CompletionRow } from '../../../rl/runs/record.ts';
import { ROW_FOLDERS, within, type RunFolder } from '../../../rl/runs/run-folder.ts';
import { damageSentences } from './damage.ts';
import { outputsAmong } from './outputs.ts';
import { unknownFacts, writeFacts } from '../../runs/facts.ts';
import { ReturnError, type Files, type Returned } from './returned.ts';
import { trlRun } from './trl.ts';
import { verlRun } from './verl.ts';

/** A run with the name of its folder; `lacks` also names the files that cannot be read. */
export type Opened = Omit<Returned, 'damaged'> & { name: string };

/**
 * The run of the first output among the files that can be read. Files that cannot be read are left out, and
 * named in `lacks`.
 * @returns undefined if there is none
 * @throws ReturnError if there are outputs, but none with a file that can be read
 */
export async function openReturned(files: Files): Promise<Opened | undefined> {
  let problem: string | undefined;
  for (const top of outputsAmong(files.keys())) {
    const inside = [...files].filter(([path]) => path.startsWith(top));
    const own = new Map(inside.map(([path, source]) => [path.slice(top.length), source]));
    const returned = (await trlRun(own)) ?? (await verlRun(own));
    if (!returned) continue;
    const name = basename(top.slice(0, -1)) || `${returned.trainer} run`;
    const opened = { ...(await readThrough(returned)), name };
    if (opened.metrics.length > 0) return opened;
    problem ??= opened.lacks.join(' ');
  }
  if (problem !== undefined) throw new ReturnError(problem);
  return undefined;
}

/** Reads all completions once: for what follows from them, and for the files that cannot be read. */
async function readThrough({ damaged, ...returned }: Returned): Promise<Omit<Opened, 'name'>> {
  const metrics = new Map(returned.metrics.map((row) => [row.step, row]));
  const steps: number[] = [];
  const damages = [...damaged];
  let unscored = 0;
  let scored = false;
  for (const step of returned.steps) {
    const found = await returned.read(step);
    damages.push(...(found.damaged ?? []));
    unscored += found.unscored ?? 0;
    const { completions = [], followed = [] } = found;
    if (completions.length + followed.length === 0) continue;
    steps.push(step);
    scored ||= [...completions, ...followed].some(
      ({ rewards = {} }) => Object.keys(rewards).length,
    );
    metrics.set(step, {
      step,
      ...found.metrics,
      ...metrics.get(step),
      ...lengthsOf(completions, ''),
      ...lengthsOf(followed, 'eval_'),
    });
  }
  return {
    ...returned,
    metrics: [...metrics.values()].sort((a, b) => a.step - b.step),
    steps,
    lacks: [
      ...damageSentences(damages),
      ...returned.lacks,
      ...(steps.length > 0 && !scored ? ['Its completions have no rewards: each shows 0.'] : []),
      ...(unscored > 0
        ? [`Completions without a finite score are left out: ${unscored.toLocaleString('en')}.`]
        : []),
    ],
  };
}

/** Metrics of the texts, which no other trainer has. */
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
export const noteOn = ({ trainer, lacks }: Opened): string =>
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
