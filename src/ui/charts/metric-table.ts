import type { MetricsRow } from '../../rl/report.ts';
import { mean } from '../../rl/statistics.ts';
import type { Series } from './smoothing.ts';

/** Facts about a column, kept so that it need not be read again. */
export interface Extent {
  count: number;
  first: Point;
  last: Point;
  low: Point;
  high: Point;
}
export interface Point {
  value: number;
  step: number;
}

/** What the x-axis may count. */
export type AxisName = 'step' | 'time' | 'tokens';

/**
 * The metrics of a run by column. Columns grow in place, so the cost of a row does not grow with the
 * run. Sparse metrics are null where a row lacks them.
 */
export class MetricTable {
  /** One x-value per row: the step, and the seconds and tokens that the run had used by then. */
  readonly x: Readonly<Record<AxisName, number[]>> = { step: [], time: [], tokens: [] };
  private readonly columns = new Map<string, (number | null)[]>();
  private readonly extents = new Map<string, Extent>();

  constructor(rows: Iterable<MetricsRow> = []) {
    for (const row of rows) this.append(row);
  }

  get length(): number {
    return this.x.step.length;
  }

  /** Names of the metrics, in the order in which they first came. */
  get keys(): string[] {
    return [...this.columns.keys()];
  }

  append(row: MetricsRow): void {
    const { length } = this;
    const { step, time, tokens } = this.x;
    step.push(row.step);
    time.push((time.at(-1) ?? 0) + finite(row['step_time'], 0));
    tokens.push(finite(row['num_tokens'], tokens.at(-1) ?? 0));
    for (const [key, value] of Object.entries(row)) {
      // A run that was read from JSON has null where a number was not finite.
      if (key === 'step' || !Number.isFinite(value)) continue;
      this.add(key, length, { value, step: row.step });
    }
    for (const column of this.columns.values()) if (column.length === length) column.push(null);
  }

  /** The metric over the rows; undefined when no row has it. */
  column(key: string): Series | undefined {
    return this.columns.get(key);
  }

  extent(key: string): Extent | undefined {
    return this.extents.get(key);
  }

  private add(key: string, index: number, point: Point): void {
    const column = this.columns.get(key);
    if (column) column.push(point.value);
    else this.columns.set(key, [...Array<null>(index).fill(null), point.value]);
    const extent = this.extents.get(key);
    if (!extent) {
      this.extents.set(key, { count: 1, first: point, last: point, low: point, high: point });
      return;
    }
    extent.count++;
    extent.last = point;
    if (point.value < extent.low.value) extent.low = point;
    if (point.value > extent.high.value) extent.high = point;
  }
}

const finite = (value: number | undefined, otherwise: number): number =>
  value !== undefined && Number.isFinite(value) ? value : otherwise;

/**
 * The prefix of the `reward` and `gold` metrics that say how good the policy is. A run that does not
 * learn from new completions (offline DPO) has them only in its evaluations. Every run has one
 * evaluation before its first step, so a single row does not tell.
 */
export function judgedBy(table: MetricTable): '' | 'eval_' {
  const evaluated = table.extent('eval_reward') !== undefined && table.length > 1;
  return evaluated && !table.extent('reward') ? 'eval_' : '';
}

/** The newest value at or before `index`: a sparse metric has none at most steps. */
export function valueAt(series: Series, index: number): number | null {
  for (let i = Math.min(index, series.length - 1); i >= 0; i--) {
    const value = series[i];
    if (typeof value === 'number') return value;
  }
  return null;
}

/** The last index whose x is not beyond `at`; -1 before the first. `x` never falls. */
export function indexAt(x: readonly number[], at: number): number {
  let low = 0;
  let high = x.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (x[middle]! <= at) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Mean of the last `count` values, or of all if there are fewer; null if there are none. */
export function meanOfLast(series: Series, count: number): number | null {
  const values: number[] = [];
  for (let i = series.length - 1; i >= 0 && values.length < count; i--) {
    const value = series[i];
    if (typeof value === 'number') values.push(value);
  }
  return values.length > 0 ? mean(values) : null;
}

/** One step is noisy: a run's result is the mean of its last steps. One evaluation is enough. */
const LAST_STEPS = 10;

/** A metric at the end of a run, or at step `upTo`; null when the run has none. */
export function finalOf(table: MetricTable, key: string, upTo = Infinity): number | null {
  const rows = indexAt(table.x.step, upTo) + 1;
  const column = table.column(key) ?? [];
  return meanOfLast(column.slice(0, rows), key.startsWith('eval_') ? 1 : LAST_STEPS);
}
