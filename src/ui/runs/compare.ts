/** Runs side by side: their results, and whether two of them can be compared. */
import type { RecipeValues } from '../../rl/recipe/values.ts';
import { goldLabel } from '../charts/gold.ts';
import { goldScale, rewardScale, scaleOf } from '../charts/scales.ts';
import { formatDuration } from '../../app/format.ts';
import { formatCompact, formatNumber, formatShare } from '../format.ts';
import { finalOf, indexAt, type MetricTable } from '../charts/metric-table.ts';

/** What a comparison needs of a run. */
export interface ComparableRun {
  letter: string;
  recipe: RecipeValues;
  table: MetricTable;
}

interface Measure {
  key: string;
  label: string;
  format: (value: number | null) => string;
}

const two = (value: number | null): string => formatNumber(value, 2);
const one = (value: number | null): string => formatNumber(value, 1);

const MEASURES: readonly Measure[] = [
  { key: 'reward', label: 'Reward', format: two },
  { key: 'gold', label: 'Gold', format: two },
  { key: 'eval_reward', label: 'Reward on held-out prompts', format: two },
  { key: 'eval_gold', label: 'Gold on held-out prompts', format: two },
  { key: 'kl', label: 'KL to the reference', format: formatCompact },
  { key: 'thought_truth', label: 'True claims in thoughts', format: formatShare },
  { key: 'completions/mean_thought_length', label: 'Words in a thought', format: one },
  { key: 'completions/mean_response_length', label: 'Words in a response', format: one },
];

interface ComparedRow {
  label: string;
  /** One text per run. */
  values: string[];
  /** The first minus the second run, where there are two. */
  difference?: string;
}

/** The latest step that all runs have done. */
function commonStep(runs: readonly ComparableRun[]): number {
  return Math.min(...runs.map(({ table }) => table.x.step.at(-1) ?? 0));
}

/** At which step the runs are compared, and where each of them stands. */
export function standing(runs: readonly ComparableRun[]): string {
  const last = runs.map(({ table }) => table.x.step.at(-1) ?? 0);
  const step = commonStep(runs);
  if (last.every((own) => own === step)) return `All are compared at step ${step}, their last.`;
  const each = runs.map(({ letter }, i) => `${letter} has ${last[i]!} steps`).join(', ');
  return `They are compared at step ${step}, the last that all have done: ${each}.`;
}

/**
 * Means over the steps up to the latest common one; a row for everything that at least one run has
 * measured. Scores of different judges have no difference.
 */
export function compareRuns(runs: readonly ComparableRun[]): ComparedRow[] {
  const step = commonStep(runs);
  const rows = MEASURES.map(({ key, label, format }) => {
    const numbers = runs.map((run) => finalOf(run.table, key, commonStepWith(runs, key, step)));
    const shown = key === 'gold' ? goldOfAll(runs) : label;
    return compared(
      sameScale(runs, key) ? shown : `${shown} (another judge for each run)`,
      numbers,
      format,
      sameScale(runs, key),
    );
  });
  const totals = (axis: 'time' | 'tokens'): (number | null)[] =>
    runs.map(({ table }) => table.x[axis][indexAt(table.x.step, step)] || null);
  rows.push(
    compared('Time trained', totals('time'), (value) => (value ? formatDuration(value) : '–')),
  );
  rows.push(compared('Tokens', totals('tokens'), formatCompact));
  return rows.filter(({ values }) => values.some((value) => value !== '–'));
}

/** The steps at which the run has measured the metric. */
function stepsWith({ table }: ComparableRun, key: string): number[] {
  const column = table.column(key) ?? [];
  return table.x.step.filter((_, i) => typeof column[i] === 'number');
}

/** The latest step up to `step` at which all runs that measure the metric have measured it. */
function commonStepWith(runs: readonly ComparableRun[], key: string, step: number): number {
  const measured = runs.map((run) => stepsWith(run, key)).filter((steps) => steps.length > 0);
  const [first = [], ...others] = measured.map((steps) => steps.filter((own) => own <= step));
  const sets = others.map((steps) => new Set(steps));
  return first.findLast((own) => sets.every((steps) => steps.has(own))) ?? step;
}

/** Whether the metric has the same unit in all runs. */
function sameScale(runs: readonly ComparableRun[], key: string): boolean {
  const scale = scaleOf(key);
  if (!scale) return true;
  const measuring = runs.filter((run) => stepsWith(run, key).length > 0);
  const of = scale === 'reward' ? rewardScale : goldScale;
  return new Set(measuring.map(({ recipe }) => of(recipe))).size < 2;
}

/** What gold is, if it is the same for all. */
function goldOfAll(runs: readonly ComparableRun[]): string {
  const golds = new Set(runs.flatMap(({ recipe }) => recipe['gold'] ?? []));
  return golds.size > 1 ? 'Gold' : goldLabel([...golds][0]);
}

function compared(
  label: string,
  numbers: readonly (number | null)[],
  format: (value: number | null) => string,
  sameScale = true,
): ComparedRow {
  const [first, second] = numbers;
  const both =
    sameScale && numbers.length === 2 && typeof first === 'number' && typeof second === 'number';
  return {
    label,
    values: numbers.map(format),
    ...(both && { difference: signed(first - second, format) }),
  };
}

const signed = (value: number, format: (value: number) => string): string =>
  value > 0 ? `+${format(value)}` : value < 0 ? `\u2212${format(-value)}` : format(0);

/**
 * Whether the runs of two recipes saw the same prompts with the same random numbers, in a sentence:
 * they did if seed and data agree.
 */
export function pairing(a: RecipeValues, b: RecipeValues): string {
  const same = (key: string): boolean => JSON.stringify(a[key]) === JSON.stringify(b[key]);
  const apart = ['seed', 'world', 'datasets', 'num_generations', 'per_device_train_batch_size'];
  const differing = apart.filter((key) => !same(key));
  if (differing.length === 0) {
    return 'Same seed and same prompts, so the differences come from the changes. But it is only one seed: try others before you trust a small difference.';
  }
  return `Note that ${differing.join(' and ')} differ${differing.length === 1 ? 's' : ''}, so the two did not see the same prompts.`;
}
