/**
 * Sampling reads the logits. A short row is one launch. A long row is cut into chunks, so that many
 * workgroups share it: sample-chunks finds their masses and sample-pick draws. With filters others come
 * between: sample-bound and sample-candidates leave out the logits that top-k and top-p cannot need,
 * sample-least finds the threshold among the rest, and sample-kept the masses that are kept.
 */
import { Activation } from '../activations.ts';
import { op, resolve, type Bindable, type Dyn, type Grid, type Op } from '../kernel.ts';
import { KERNELS_FOR, type KernelVariants } from '../variants.ts';
import boundCode from './sample-bound.wgsl?raw';
import candidatesCode from './sample-candidates.wgsl?raw';
import chunksCode from './sample-chunks.wgsl?raw';
import drawCode from './sample-draw.wgsl?raw';
import keptCode from './sample-kept.wgsl?raw';
import leastCode from './sample-least.wgsl?raw';
import pickCode from './sample-pick.wgsl?raw';
import rowCode from './sample-row.wgsl?raw';
import thresholdCode from './sample-threshold.wgsl?raw';
import topCode from './sample-top.wgsl?raw';
import sharedCode from './sample.wgsl?raw';
import { teamed } from './team.ts';

const params = {
  rows: 'u32',
  cols: 'u32',
  maxSteps: 'u32',
  step: 'u32',
  topK: 'u32',
  topP: 'f32',
  minP: 'f32',
  seed: 'u32',
  eos0: 'u32',
  eos1: 'u32',
  eos2: 'u32',
  eos3: 'u32',
  padId: 'u32',
  inverseTemperature: 'f32',
} as const;

/** By the launch: what follows sample.wgsl, and the bindings after the logits. */
const LAUNCHES = {
  row: {
    code: [drawCode, thresholdCode, rowCode],
    bindings: ['read', 'write', 'write', 'write', 'write'],
  },
  chunks: { code: [chunksCode], bindings: ['write', 'write'] },
  bound: { code: [topCode, thresholdCode, boundCode], bindings: ['read', 'read', 'write'] },
  candidates: { code: [candidatesCode], bindings: ['read', 'write', 'write'] },
  least: {
    code: [topCode, thresholdCode, leastCode],
    bindings: ['read', 'read', 'read', 'read', 'write'],
  },
  kept: { code: [topCode, keptCode], bindings: ['read', 'write'] },
  pick: {
    code: [topCode, drawCode, pickCode],
    bindings: ['read', 'write', 'write', 'write', 'write', 'read', 'read'],
  },
} as const;

/** An id that no token has. */
const NO_TOKEN = 0xffffffff;

interface SampleLaunch<D> {
  /** [rows, cols] */
  logits: Bindable;
  /** Positive; tokens are drawn from softmax(logits * inverseTemperature). */
  inverseTemperature: Dyn<D>;
  /** u32 [rows]: the random stream of each sample, so that its draws do not depend on its row. */
  streams: Bindable;
  /** u32 [rows, maxSteps]; column `step` is written. */
  tokens: Bindable;
  /** [rows, maxSteps]: log of the unfiltered probability of the token, nats. */
  logps: Bindable;
  /** u32 [rows]: the token again, as the next step's input. */
  nextIds: Bindable;
  /** u32 [rows]: 1 once an end token has been drawn; such a row gets padId and logp 0. */
  done: Bindable;
  rows: Dyn<D>;
  maxRows: number;
  cols: number;
  /** Keep the k most likely; 0 keeps all, 1 is greedy. */
  topK: Dyn<D>;
  /** Keep the fewest most likely tokens whose probabilities sum to this; 1 keeps all. */
  topP: Dyn<D>;
  /** Keep tokens at least this likely, relative to the most likely one; 0 keeps all. */
  minP: Dyn<D>;
  seed: Dyn<D>;
  step: Dyn<D>;
  maxSteps: Dyn<D>;
  /** At most four. */
  eosIds: readonly number[];
  padId: number;
  label?: string;
}

/** Fours of the longest row that is one launch. */
const SHORT = 256;

/** Fours of a chunk; powers of two. One invocation can read the smallest alone. */
const SMALLEST = 64;
const LARGEST = 512;

/**
 * What sample-least reads, in rows: most often an eighth of one, up to 16 times for each of two thresholds.
 * Where the candidates do not fit, it is more.
 */
const PASSES = 2;

/** Of the fours of a chunk, the part that can be candidates. More of them cost about what all cost. */
const CANDIDATES = 1 / 8;

/**
 * Draws one token per row on the GPU. The same (seed, stream, step, logits) give the same token,
 * whatever other rows there are.
 * @throws Error when there are more than four end tokens
 */
export function sample<D>(launch: SampleLaunch<D>): Op<D> {
  const { eosIds } = launch;
  if (eosIds.length > 4) throw new Error(`sample takes at most 4 end tokens, not ${eosIds.length}`);
  return {
    ...wholeRows(launch, KERNELS_FOR.card.rows),
    lower: ({ rows }) =>
      Math.ceil(launch.cols / 4) <= SHORT ? [wholeRows(launch, rows)] : inChunks(launch, rows),
  };
}

/** Fours of a chunk: for teams, such that a long row has 64 to 128, and top-k has a bound up to that. */
function chunkOf(variant: KernelVariants['rows'], cols: number): number {
  if (variant === 'alone') return SMALLEST;
  return Math.min(LARGEST, Math.max(SMALLEST, 2 ** Math.ceil(Math.log2(cols / 4 / 128))));
}

function wholeRows<D>(launch: SampleLaunch<D>, variant: KernelVariants['rows']): Op<D> {
  const { streams, tokens, logps, nextIds, done, rows, cols } = launch;
  const bindings = [streams, tokens, logps, nextIds, done];
  return part(launch, variant, 'row', Math.ceil(cols / 4), bindings, (d) => resolve(rows, d));
}

function inChunks<D>(launch: SampleLaunch<D>, variant: KernelVariants['rows']): Op<D>[] {
  const { streams, tokens, logps, nextIds, done, rows, maxRows, cols } = launch;
  const fours = Math.ceil(cols / 4);
  const chunk = chunkOf(variant, cols);
  const count = Math.ceil(fours / chunk);
  // Of one size for all devices, so that the memory of a run can be planned without one.
  const most = maxRows * Math.ceil(fours / SMALLEST);
  const wholeChunks = LARGEST * Math.ceil(fours / LARGEST);
  const chunks = new Activation('chunks', 2 * most);
  const levels = new Activation('levels', 8 * most);
  const bounds = new Activation('bounds', maxRows);
  const counts = new Activation('counts', most);
  const candidates = new Activation('candidates', 4 * CANDIDATES * maxRows * wholeChunks);
  // Ranks and masses in one: a launch may bind eight storage buffers on every device, and more on some only.
  const kept = new Activation('kept', maxRows + most);
  const each = (d: D): number => resolve(rows, d);
  const drawn = [streams, tokens, logps, nextIds, done];
  const topK = (d: D): number => resolve(launch.topK, d);
  // The same conditions as has_threshold and has_filter in sample.wgsl.
  const threshold = (d: D): boolean =>
    topK(d) !== 1 && ((topK(d) > 0 && topK(d) < cols) || resolve(launch.topP, d) < 1);
  const filter = (d: D): boolean => threshold(d) || (topK(d) !== 1 && resolve(launch.minP, d) > 0);
  const make = (
    name: keyof typeof LAUNCHES,
    loads: number,
    bindings: readonly Bindable[],
    teams: (d: D) => number,
  ): Op<D> => part(launch, variant, name, loads, bindings, teams);
  const rowsIf = (d: D): number => (threshold(d) ? each(d) : 0);
  return [
    make('chunks', chunk, [chunks, levels], (d) => each(d) * count),
    make('bound', Math.ceil(count / 4), [chunks, levels, bounds], rowsIf),
    make('candidates', chunk, [bounds, counts, candidates], (d) => rowsIf(d) * count),
    make('least', fours, [chunks, bounds, counts, candidates, kept], rowsIf),
    make('kept', chunk, [chunks, kept], (d) => (filter(d) ? each(d) * count : 0)),
    make('pick', chunk, [...drawn, chunks, kept], each),
  ];
}

/** One of the launches, by teams that take `fours` each. */
function part<D>(
  launch: SampleLaunch<D>,
  variant: KernelVariants['rows'],
  name: keyof typeof LAUNCHES,
  fours: number,
  bindings: readonly Bindable[],
  teams: (d: D) => number,
): Op<D> {
  const { code, bindings: access } = LAUNCHES[name];
  const { rows, cols, maxSteps, step, topK, topP, minP, seed, padId, inverseTemperature } = launch;
  const [eos0 = NO_TOKEN, eos1 = NO_TOKEN, eos2 = NO_TOKEN, eos3 = NO_TOKEN] = launch.eosIds;
  const whole = cols % 4 === 0;
  const chunk = chunkOf(variant, cols);
  const { kernel, constants, grid } = teamed<typeof params>(
    {
      name: `sample-${name} ${whole ? 4 : 1} ${chunk}`,
      code: [
        `const CHUNK = ${chunk}u;\nconst SLOTS = ${chunk * CANDIDATES}u;`,
        ...[whole ? WHOLE : CUT, sharedCode, ...code],
      ].join('\n'),
      bindings: ['read', ...access],
      params,
      cut: ['x'],
    },
    variant,
    { loads: fours, longestAlone: SHORT, sum: 'vec4f' },
  );
  return op<D, typeof params>(kernel, {
    label: launch.label ?? kernel.name,
    bindings: [launch.logits, ...bindings],
    params: {
      rows,
      cols,
      maxSteps,
      step,
      topK,
      topP,
      minP,
      seed,
      eos0,
      eos1,
      eos2,
      eos3,
      padId,
      inverseTemperature,
    },
    constants,
    grid: (d): Grid => grid(teams(d)),
    bytes: (d) => 16 * fours * teams(d) * (name === 'least' ? PASSES : 1),
  });
}

/** `fours` of rows whose length is a multiple of four, and of others. */
const WHOLE = `alias Stored = vec4f;
fn fours(row: u32, i: u32) -> vec4f { return logits[row * (p.cols / 4u) + i]; }`;
const CUT = `alias Stored = f32;
fn fours(row: u32, i: u32) -> vec4f {
  let at = row * p.cols + 4u * i;
  let four = vec4f(logits[at], logits[at + 1u], logits[at + 2u], logits[at + 3u]);
  return select(vec4f(PAST), four, 4u * i + vec4u(0u, 1u, 2u, 3u) < vec4u(p.cols));
}`;
