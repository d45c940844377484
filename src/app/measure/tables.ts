/** A measurement as tables of cells, which the page, the terminal and Markdown show. */
import { formatBytes, formatDuration } from '../format.ts';
import type { Group, Measurement, Row } from './measurement.ts';

export interface ResultTable {
  readonly group: Group;
  readonly title: string;
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Of each row, the share of its ceiling, from 0 to 1. */
  readonly shares: readonly (number | undefined)[];
  /** What was skipped and why, and counts that have no column. */
  readonly notes: readonly string[];
}

const TITLES: Record<Group, string> = {
  matmul: 'Matrix products',
  attention: 'Attention',
  decoding: 'Writing tokens',
  training: 'Training steps',
  grpo: 'GRPO steps',
};

/** What "tokens/s" counts. */
const TOKENS: Partial<Record<Group, string>> = {
  decoding: 'tokens/s written',
  training: 'tokens/s read',
  grpo: 'tokens/s written',
};

/** Launches that a table of GPU times shows. */
const MOST_KERNELS = 12;

/** Tables of all groups that have rows. */
export function resultTables({ rows }: Measurement): ResultTable[] {
  return (Object.keys(TITLES) as Group[])
    .map((group) =>
      tableOf(
        group,
        rows.filter((row) => row.group === group),
      ),
    )
    .filter((table) => table !== undefined);
}

function tableOf(group: Group, rows: readonly Row[]): ResultTable | undefined {
  const timed = rows.filter((row) => row.skipped === undefined);
  if (rows.length === 0) return undefined;
  const libraries = [...new Set(rows.flatMap(({ others }) => Object.keys(others ?? {})))];
  const tokens = TOKENS[group];
  return {
    group,
    title: TITLES[group],
    header: [
      ...['work', 'sizes', 'ms', 'timings', 'GPU ms'],
      ...(tokens ? [tokens] : []),
      ...['GFLOP/s', 'of the ceiling'],
      ...libraries.map((library) => `times ${library}`),
    ],
    rows: timed.map((row) => [
      ...[row.name, row.sizes, milliseconds(row.seconds), figures(row.timings)],
      milliseconds(gpuSeconds(row)),
      ...(tokens ? [figures(row.tokensPerSecond)] : []),
      ...[gigaflops(row), ceiling(row)],
      ...libraries.map((library) => times(row, library)),
    ]),
    shares: timed.map(({ share }) => share),
    notes: [...rows.flatMap(skippedNotes), ...timed.flatMap(lossNote), ...timed.flatMap(stepNotes)],
  };
}

/** The GPU time of each kind of launch in one repetition of a row, the longest first. */
export function kernelTable({ kernels = [] }: Row): { header: string[]; rows: string[][] } {
  const all = kernels.reduce((sum, { seconds }) => sum + seconds, 0);
  return {
    header: ['launch', 'number', 'GPU ms', 'of all', 'GFLOP/s'],
    rows: kernels
      .slice(0, MOST_KERNELS)
      .map(({ label, launches, seconds, flops }) => [
        label,
        figures(launches),
        milliseconds(seconds),
        `${((100 * seconds) / all).toFixed(0)}%`,
        flops > 0 && seconds > 0 ? figures(flops / seconds / 1e9) : '',
      ]),
  };
}

/** The adapter and its ceilings, in lines. */
export function summaryLines(m: Measurement): string[] {
  const { f32, f16, bandwidth } = m.ceilings;
  const rate = (flops: number): string => `${figures(flops / 1e9)} GFLOP/s`;
  const clock =
    m.timestampResolution === null
      ? 'no GPU timestamps here, so all times are seen from outside'
      : `GPU timestamps in steps of ${figures(1e6 * m.timestampResolution)} microseconds`;
  return [
    adapterName(m),
    `Ceilings: ${rate(f32)} in float32, ${figures(bandwidth / 1e9)} GB/s`,
    ...(f16 === null
      ? []
      : [
          `${rate(f16)} in float16, which no row uses: it is a storage format only, and all products ` +
            'multiply and sum in float32',
        ]),
    `${clock}; ${m.complete ? 'measured' : 'a part, measured'} in ${formatDuration(m.seconds)} ` +
      `on ${m.date.slice(0, 10)}, by Ponder at ${commitName(m)}`,
    ...(m.rows.some(({ share = 0 }) => share > MOST_SHARE) ? [DISTURBED] : []),
  ];
}

/** Nothing is faster than the ceilings, but timings vary. */
const MOST_SHARE = 1.05;
const DISTURBED =
  'Some shares are above 100%: other work slowed the measurement of the ceilings. Close other programs, ' +
  'and measure again';

export function adapterName({ adapter }: Measurement): string {
  const { vendor, architecture, device, description } = adapter;
  return [...new Set([vendor, architecture, device, description])].filter(Boolean).join(' ');
}

function commitName({ ponder }: Measurement): string {
  if (ponder === null) return 'an unknown commit';
  const changed = ponder.endsWith('-dirty') ? ' with changes' : '';
  return `commit ${ponder.slice(0, 10)}${changed}`;
}

/** Our rate over that of another library; undefined if it was not timed. */
export function timesOf({ seconds, others }: Row, library: string): number | undefined {
  const other = others?.[library]?.seconds;
  return other === undefined || seconds === undefined ? undefined : other / seconds;
}

/** About three digits: 0.0421, 4.82, 31.5, 1273. */
export function figures(value: number | undefined): string {
  if (value === undefined) return '';
  return value >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}

function gpuSeconds({ gpuSeconds: own, kernels }: Row): number | undefined {
  return own ?? kernels?.reduce((sum, { seconds }) => sum + seconds, 0);
}

function milliseconds(seconds: number | undefined): string {
  return figures(seconds === undefined ? undefined : 1000 * seconds);
}

function gigaflops({ flops, seconds }: Row): string {
  return flops === undefined ? '' : figures(flops / seconds! / 1e9);
}

function ceiling({ share, bound }: Row): string {
  if (share === undefined) return '';
  const of = bound === 'compute' ? 'multiply-adds' : 'bandwidth';
  return `${(100 * share).toFixed(share < 0.1 ? 1 : 0)}% of ${of}`;
}

function times(row: Row, library: string): string {
  const { skipped, timings } = row.others?.[library] ?? {};
  if (skipped !== undefined) return 'skipped';
  const ratio = timesOf(row, library)?.toFixed(2) ?? '';
  return timings === undefined || timings === row.timings
    ? ratio
    : `${ratio} (${timings} ${timings === 1 ? 'timing' : 'timings'})`;
}

function skippedNotes({ name, skipped, others = {} }: Row): string[] {
  return [
    ...(skipped === undefined ? [] : [`${name} was skipped: ${skipped}.`]),
    ...Object.entries(others).flatMap(([library, { skipped: why }]) =>
      why === undefined ? [] : [`${library} was skipped at ${name}: ${why}.`],
    ),
  ];
}

function lossNote({ name, lossDifference }: Row): string[] {
  return lossDifference === undefined
    ? []
    : [
        `${name}: the losses of the libraries differ by ${lossDifference.toExponential(0)} at most.`,
      ];
}

function stepNotes({ group, name, step, grpo }: Row): string[] {
  const notes: string[] = [];
  if (step) {
    const { dispatches, submits, readbacks, peakBytes } = step;
    const each =
      group === 'decoding' ? 'token of each sequence, with its share of the prompt' : 'step';
    notes.push(
      `${name}: ${figures(dispatches)} dispatches, ${figures(submits)} submits and ` +
        `${figures(readbacks)} readbacks per ${each}; ${formatBytes(peakBytes)} of GPU memory at the peak.`,
    );
  }
  if (grpo) {
    const { matmul, shareOfMatmul } = grpo;
    notes.push(
      `${name}: ${shareOfMatmul.toFixed(2)} of the rate of our fastest square product (${matmul.name}, ` +
        `${figures(matmul.rate / 1e9)} GFLOP/s, timed between the steps).`,
    );
  }
  return notes;
}
