/** What growth.json says, as a table of exponents and as charts. */
import { heldBytes } from '../../../src/gpu/memory.ts';
import type { KernelVariants } from '../../../src/gpu/variants.ts';
import { madeLine, type Made } from '../made.ts';
import type { Counted } from './count.ts';
import { exponentsText } from './exponent.ts';
import type { Chart } from './plot.ts';
import { AXES, COUNTED_BASE, TIMED_BASE, type Axis } from './points.ts';
import type { Timed } from './time.ts';

/** Measured on one device, at one commit. */
export interface Timings {
  made: Made;
  adapter: string;
  kernels: KernelVariants;
  points: Record<Axis, { x: number; timed: Timed }[]>;
}

export interface Growth {
  /** Of the counts. */
  made: Made;
  counted: Record<Axis, { x: number; counted: Counted }[]>;
  timings?: Timings;
}

type Quantity = (point: Counted) => number;
const COUNTS: readonly (readonly [string, Quantity])[] = [
  ['update: operations', ({ update }) => update.flops],
  ['  of these, attention', ({ update }) => update.attention],
  ['update: bytes moved', ({ update }) => update.bytes],
  ['update: launches', ({ update }) => update.launches],
  ['decode step: operations', ({ decode }) => decode.flops],
  ['decode step: bytes moved', ({ decode }) => decode.bytes],
  ['memory: all', ({ memory }) => heldBytes(memory)],
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

/** Rows of exponents, and the launches of a decoding step. */
export function table({ made, counted, timings }: Growth): string {
  const lines = [
    ...COUNTS.map(([name, of]) => [
      name,
      ...AXES.map((axis) => {
        const points = counted[axis];
        return exponentsText(
          points.map(({ x }) => x),
          points.map((point) => of(point.counted)),
        );
      }),
    ]),
    ...TIMES.map(([name, of]) => [
      name,
      ...AXES.map((axis) => {
        const points = timings?.points[axis] ?? [];
        return exponentsText(
          points.map(({ x }) => x),
          points.map(({ timed }) => of(timed)),
        );
      }),
    ]),
  ];
  const row = ([name, ...cells]: string[]): string =>
    name!.padEnd(32) + cells.map((text) => text.padStart(14)).join('');
  const launches = AXES.map((axis) => {
    const points = counted[axis].map(({ x, counted }) => `${x}: ${counted.decode.launches}`);
    return `${axis.padEnd(14)}${points.map((text) => text.padEnd(14)).join('')}`.trimEnd();
  });
  return `${[
    'Exponents of growth: y ~ x^e by least squares over all points (over the last two).',
    `Counted around ${JSON.stringify(COUNTED_BASE)}, with the kernels of a graphics card.`,
    madeLine(made),
    '',
    row(['', ...AXES]),
    ...lines.map(row),
    '',
    'Launches of a decoding step:',
    ...launches,
    '',
    ...(timings
      ? [
          `Timed around ${JSON.stringify(TIMED_BASE)},`,
          `on ${timings.adapter}, kernels ${JSON.stringify(timings.kernels)}.`,
          madeLine(timings.made),
        ]
      : ['No times were measured yet.']),
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
    const times = growth.timings?.points[axis] ?? [];
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
