/** The file of verl's logger `file`: a row {step, data} for each step. */
import { parseJsonLines } from '../../../rl/data/json-lines.ts';
import type { MetricsRow } from '../../../rl/report.ts';
import { lineProblem, type Damage } from './damage.ts';
import { readText } from './read-text.ts';
import type { Files } from './returned.ts';

interface Logged {
  step: number;
  data: Record<string, unknown>;
}

/** verl's metrics by the names that TRL has for them. */
const METRICS: Readonly<Record<string, string>> = {
  'critic/score/mean': 'reward',
  'actor/pg_loss': 'loss',
  'actor/kl_loss': 'kl',
  'actor/entropy': 'entropy',
  'actor/entropy_loss': 'entropy',
  'actor/grad_norm': 'grad_norm',
  'actor/lr': 'learning_rate',
  'actor/pg_clipfrac': 'clip_ratio/region_mean',
  'response_length/mean': 'completions/mean_length',
  'response_length/min': 'completions/min_length',
  'response_length/max': 'completions/max_length',
  'response_length/clip_ratio': 'completions/clipped_ratio',
  'timing_s/step': 'step_time',
};

/** No metrics if the file is not there. */
export async function verlLog(files: Files): Promise<{ metrics: MetricsRow[]; damaged: Damage[] }> {
  const metrics = new Map<number, MetricsRow>();
  const damages: Damage[] = [];
  for (const path of files.keys()) {
    if (!path.endsWith('.jsonl') || /^\d+\.jsonl$/.test(path)) continue;
    const { rows, damaged, cut } = parseJsonLines<Partial<Logged>>(await readText(files, path));
    const logged = rows.filter(isLogged);
    // A file of another program may have such rows, too.
    if (!logged.some(({ data }) => Object.keys(data).some((key) => key in METRICS))) continue;
    for (const { step, data } of logged) {
      const row = metrics.get(step) ?? { step };
      for (const [key, value] of Object.entries(data)) {
        if (typeof value === 'number' && Number.isFinite(value)) row[METRICS[key] ?? key] = value;
      }
      metrics.set(step, row);
    }
    const reason = lineProblem(damaged.length, cut);
    if (reason !== undefined) damages.push({ path, reason, lost: 'the curves lack these steps' });
  }
  return { metrics: [...metrics.values()].sort((a, b) => a.step - b.step), damaged: damages };
}

function isLogged(row: Partial<Logged>): row is Logged {
  return (
    typeof row.step === 'number' && typeof row.data === 'object' && (row.data as unknown) !== null
  );
}
