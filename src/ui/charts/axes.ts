/** The x-axes: what they count, and the labels of their ticks. */
import { formatDuration } from '../../app/format.ts';
import { formatCompact, formatCount } from '../format.ts';
import type { AxisName } from './metric-table.ts';

interface Axis {
  label: string;
  /** Distances between ticks that people can read. */
  increments: number[];
  /** A value in a sentence: "step 12". */
  format(value: number): string;
  /** A tick; the first carries the unit. */
  tick(value: number, isFirst: boolean): string;
}

/** 1, 2 and 5 times the powers of ten: steps and tokens are whole. */
const WHOLE = [0, 1, 2, 3, 4, 5, 6, 7, 8].flatMap((e) => [1, 2, 5].map((n) => n * 10 ** e));
const MINUTE = 60;
const HOUR = 60 * MINUTE;
const TIMES = [
  ...[1, 2, 5, 10, 15, 30],
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12, 24, 48, 120].map((n) => n * HOUR),
];

export const AXES: Readonly<Record<AxisName, Axis>> = {
  step: {
    label: 'Step',
    increments: WHOLE,
    format: (value) => `step ${value}`,
    tick: (value, isFirst) => (isFirst ? `step ${value}` : String(value)),
  },
  time: {
    label: 'Time trained',
    increments: TIMES,
    format: formatDuration,
    tick: (value) => (value === 0 ? '0 s' : formatDuration(value)),
  },
  tokens: {
    label: 'Tokens',
    increments: WHOLE,
    format: (value) => `${formatCompact(value)} tokens`,
    tick: (value, isFirst) => (isFirst ? `${formatCount(value)} tokens` : formatCount(value)),
  },
};

/**
 * The limits of an x-axis; `first` and `last` are the smallest and the largest x of any run. A run that
 * was evaluated before training begins at step 0.
 */
export function axisRange(
  axis: AxisName,
  first: number,
  last: number,
  total: number,
): [number, number] {
  if (axis !== 'step') return [0, Math.max(1, last)];
  return [Math.min(1, first), Math.max(2, total, last)];
}

/** Round numbers inside a range: as many as fit, at most `most`. */
export function roundTicks([low, high]: readonly [number, number], most: number): number[] {
  const least = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(least));
  const increment = power * [1, 2, 5, 10].find((factor) => factor * power >= least)!;
  const first = Math.ceil(low / increment);
  const count = Math.floor(high / increment) - first + 1;
  // Multiples of 0.1 carry rounding errors.
  return Array.from({ length: count }, (_, i) => Number(((first + i) * increment).toPrecision(6)));
}

/** Room around a y-scale's values. */
export interface Room {
  log: boolean;
  fromZero: boolean;
  /**
   * Two scales that each fill the chart would overlap, so the left one keeps to the upper part and
   * the right one to the lower.
   */
  part: 'all' | 'above' | 'below';
}

/** The limits of a y-scale for values from `min` to `max`; on a log axis both are above 0. */
export function valueRange(
  min: number,
  max: number,
  { log, fromZero, part }: Room,
): [number, number] {
  const under = part === 'above' ? 0.35 : 0.06;
  const over = part === 'below' ? 0.35 : 0.06;
  if (log) {
    // The same shares of the height: here the height is proportional to the logarithm.
    const span = Math.log(max / min) || 1;
    return [min * Math.exp(-under * span), max * Math.exp(over * span)];
  }
  const low = fromZero ? Math.min(0, min) : min;
  const size = Math.max(Math.abs(max), Math.abs(low));
  // Smoothing leaves rounding errors in a constant series: they must not fill the chart.
  const span = max - low > 1e-9 * size ? max - low : size || 1;
  return [low - (fromZero && low === 0 ? 0 : under) * span, max + over * span];
}
