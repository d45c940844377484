/** Runs side by side: their results, and whether two of them can be compared. */
import type { RecipeValues } from '../../rl/recipe/values.ts';
import { goldLabel } from '../charts/gold.ts';
import { formatDuration } from '../../app/format.ts';
import { formatCompact, formatNumber, formatShare } from '../format.ts';
import type { ListedRun } from './listed-run.svelte.ts';

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

export interface ComparedRow {
  label: string;
  /** One text per run. */
  values: string[];
  /** The first minus the second run, where there are two. */
  difference?: string;
}

/** Means over the last steps; a row for everything that at least one run has measured. */
export function compareRuns(runs: readonly ListedRun[]): ComparedRow[] {
  const rows = MEASURES.map(({ key, label, format }) =>
    compared(
      key === 'gold' ? goldOfAll(runs) : label,
      runs.map((run) => run.final(key)),
      format,
    ),
  );
  const totals = (axis: 'time' | 'tokens'): (number | null)[] =>
    runs.map(({ table }) => table.x[axis].at(-1) || null);
  rows.push(
    compared('Time trained', totals('time'), (value) => (value ? formatDuration(value) : '–')),
  );
  rows.push(compared('Tokens', totals('tokens'), formatCompact));
  return rows.filter(({ values }) => values.some((value) => value !== '–'));
}

/** What gold is, if it is the same for all. */
function goldOfAll(runs: readonly ListedRun[]): string {
  const golds = new Set(runs.flatMap(({ recipe }) => recipe['gold'] ?? []));
  return golds.size > 1 ? 'Gold, another judge for each run' : goldLabel([...golds][0]);
}

function compared(
  label: string,
  numbers: readonly (number | null)[],
  format: (value: number | null) => string,
): ComparedRow {
  const [first, second] = numbers;
  const both = numbers.length === 2 && typeof first === 'number' && typeof second === 'number';
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
