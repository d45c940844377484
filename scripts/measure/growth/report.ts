/** What growth.json says, as a table of exponents and as charts. */
import { sumOf, type Counted } from './count.ts';
import { exponent, lastExponent } from './exponent.ts';
import type { Chart } from './plot.ts';
import { AXES, COUNTED_BASE, TIMED_BASE, type Axis } from './points.ts';
import type { Timed } from './time.ts';

export interface Growth {
  /** The device of the timings. */
  adapter?: string;
  counted: Record<Axis, { x: number; counted: Counted }[]>;
  timed: Record<Axis, { x: number; timed: Timed }[]>;
}

type Quantity = (point: Counted) => number;
const COUNTS: readonly (readonly [string, Quantity])[] = [
  ['update: operations', ({ update }) => update.flops],
  ['  of these, attention', ({ update }) => update.attention],
  ['update: bytes moved', ({ update }) => update.bytes],
  ['update: launches', ({ update }) => update.launches],
  ['decode step: operations', ({ decode }) => decode.flops],
  ['decode step: bytes moved', ({ decode }) => decode.bytes],
  ['memory: all', ({ memory }) => sumOf(memory)],
  ['memory: activations', ({ memory }) => memory.activations],
  ['  with gradient_checkpointing', ({ recomputed }) => recomputed.activations],
  ['memory: KV cache', ({ memory }) => memory.kv],
];
const TIMES: readonly (readonly [string, (point: Timed) => number])[] = [
  ['seconds: update', ({ update }) => median(update)],
  ['seconds: decode step', ({ decode }) => median(decode)],
];

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

/** Rows of exponents: of all points, and of the last two. */
export function table(growth: Growth): string {
  const cell = (xs: number[], ys: number[]): string =>
    xs.length < 2 || ys.includes(0)
      ? '-'
      : `${exponent(xs, ys).toFixed(2)} (${lastExponent(xs, ys).toFixed(2)})`;
  const lines = [
    ...COUNTS.map(([name, of]) => [
      name,
      ...AXES.map((axis) => {
        const points = growth.counted[axis];
        return cell(
          points.map(({ x }) => x),
          points.map(({ counted }) => of(counted)),
        );
      }),
    ]),
    ...TIMES.map(([name, of]) => [
      name,
      ...AXES.map((axis) => {
        const points = growth.timed[axis];
        return cell(
          points.map(({ x }) => x),
          points.map(({ timed }) => of(timed)),
        );
      }),
    ]),
  ];
  const row = ([name, ...cells]: string[]): string =>
    name!.padEnd(32) + cells.map((text) => text.padStart(14)).join('');
  return `${[
    'Exponents of growth: y ~ x^e by least squares over all points (over the last two).',
    `Counted around ${JSON.stringify(COUNTED_BASE)}.`,
    `Timed around ${JSON.stringify(TIMED_BASE)}, on ${growth.adapter ?? 'no device yet'}.`,
    '',
    row(['', ...AXES]),
    ...lines.map(row),
  ].join('\n')}\n`;
}

export function charts(growth: Growth): Chart[] {
  return AXES.flatMap((axis) => {
    const points = growth.counted[axis];
    const xs = points.map(({ x }) => x);
    const series = (label: string, of: Quantity) => ({
      label,
      xs,
      ys: points.map(({ counted }) => of(counted)),
    });
    const times = growth.timed[axis];
    const counted: Chart[] = [
      {
        row: 'TFLOP of an update',
        column: axis,
        series: [
          series('all', ({ update }) => update.flops / 1e12),
          series('attention', ({ update }) => update.attention / 1e12),
        ],
      },
      {
        row: 'GB of activations',
        column: axis,
        series: [
          series('kept', ({ memory }) => memory.activations / 1e9),
          series('recomputed', ({ recomputed }) => recomputed.activations / 1e9),
          series('KV cache', ({ memory }) => memory.kv / 1e9),
        ],
      },
    ];
    if (times.length < 2) return counted;
    const timed = TIMES.map(([label, of]) => ({
      label: label.replace('seconds: ', ''),
      xs: times.map(({ x }) => x),
      ys: times.map((point) => of(point.timed)),
    }));
    return [...counted, { row: 'seconds (small model)', column: axis, series: timed }];
  });
}
