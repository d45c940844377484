/**
 * The fused log-prob head: the log-probability of one target per row, and the entropy of the row's
 * distribution. Logits exist only for one chunk [rows, chunk] of the vocabulary at a time. Forward:
 * for each chunk a matmul and `logprobChunk`, then `logprobFinish` once. Backward: for each chunk
 * the same matmul and `logprobBackward`, in place.
 */
import { foldGrid, op, resolve, type Bindable, type Dyn, type Kernel, type Op } from '../kernel.ts';
import backwardCode from './logprob-backward.wgsl?raw';
import chunkCode from './logprob-chunk.wgsl?raw';
import finishCode from './logprob-finish.wgsl?raw';
import { elementOf } from './element.ts';
import { byRows, teamed } from './team.ts';

const chunkKernel = {
  name: 'logprob-chunk',
  code: chunkCode,
  bindings: ['read', 'read', 'write'],
  params: {
    rows: 'u32',
    chunkStart: 'u32',
    chunkCols: 'u32',
    first: 'u32',
    inverseTemperature: 'f32',
  },
  cut: ['x'],
} as const satisfies Kernel;

const finishKernel = {
  name: 'logprob-finish',
  code: finishCode,
  bindings: ['read', 'write', 'write', 'write'],
  params: { rows: 'u32' },
} as const satisfies Kernel;

const backwardKernel = {
  name: 'logprob-backward',
  code: backwardCode,
  bindings: ['write', 'read', 'read', 'read', 'read', 'read'],
  params: { rows: 'u32', chunkStart: 'u32', chunkCols: 'u32', inverseTemperature: 'f32' },
  cut: ['x'],
} as const satisfies Kernel;

interface Chunk<D> {
  /** [rows, chunkCols], dense. */
  logits: Bindable;
  /** u32 [rows]: vocabulary indices. */
  targets: Bindable;
  rows: Dyn<D>;
  /** First vocabulary index of the chunk. */
  chunkStart: Dyn<D>;
  chunkCols: number;
  /** Positive; the log-probabilities are those of logits * inverseTemperature. */
  inverseTemperature: Dyn<D>;
  label?: string;
}

interface LogprobChunkLaunch<D> extends Chunk<D> {
  /** [rows, 4] */
  state: Bindable;
  /** 1 for the first chunk: what `state` holds is ignored. */
  first: 0 | 1;
}

/** Adds one chunk of logits to the running log-sum-exp of every row (online softmax). */
export function logprobChunk<D>(launch: LogprobChunkLaunch<D>): Op<D> {
  const { logits, targets, state, rows, chunkStart, chunkCols, first, label } = launch;
  const { width, load } = elementOf(chunkCols);
  return byRows((variant) => {
    const { kernel, constants, grid } = teamed(load(chunkKernel), variant, {
      loads: chunkCols / width,
      longestAlone: 1024 / width,
      sum: 'vec2f',
    });
    return op<D, (typeof chunkKernel)['params']>(kernel, {
      label: label ?? chunkKernel.name,
      bindings: [logits, targets, state],
      params: { rows, chunkStart, chunkCols, first, inverseTemperature: launch.inverseTemperature },
      constants,
      grid: (d) => grid(resolve(rows, d)),
      bytes: (d) => 4 * resolve(rows, d) * chunkCols,
    });
  });
}

interface LogprobFinishLaunch<D> {
  /** [rows, 4] */
  state: Bindable;
  /** [rows]: log-probability of the target, nats. */
  logp: Bindable;
  /** [rows]: entropy of the whole distribution, nats. */
  entropy: Bindable;
  /** [rows]: log-sum-exp of the scaled logits, which the backward needs. */
  lse: Bindable;
  rows: Dyn<D>;
  label?: string;
}

/** After the last chunk: log-probability, entropy and log-sum-exp of every row from its state. */
export function logprobFinish<D>(launch: LogprobFinishLaunch<D>): Op<D> {
  const { state, logp, entropy, lse, rows, label } = launch;
  return op<D, (typeof finishKernel)['params']>(finishKernel, {
    ...(label && { label }),
    bindings: [state, logp, entropy, lse],
    params: { rows },
    grid: (d) => foldGrid(Math.ceil(resolve(rows, d) / 64)),
  });
}

interface LogprobBackwardLaunch<D> extends Chunk<D> {
  /** [rows], from `logprobFinish`. */
  lse: Bindable;
  /** [rows], from `logprobFinish`. */
  entropy: Bindable;
  /** [rows]: gradient of the loss with respect to logp. */
  dLogp: Bindable;
  /** [rows]: gradient of the loss with respect to entropy. */
  dEntropy: Bindable;
}

/** Turns a chunk of logits, in place, into the gradient of the loss with respect to them. */
export function logprobBackward<D>(launch: LogprobBackwardLaunch<D>): Op<D> {
  const { logits, targets, lse, entropy, dLogp, dEntropy, rows, chunkStart, chunkCols } = launch;
  const { width, load } = elementOf(chunkCols);
  const team = chunkCols / width > 256 ? 64 : 16;
  return op<D, (typeof backwardKernel)['params']>(load(backwardKernel), {
    ...(launch.label && { label: launch.label }),
    bindings: [logits, targets, lse, entropy, dLogp, dEntropy],
    params: { rows, chunkStart, chunkCols, inverseTemperature: launch.inverseTemperature },
    constants: { TEAM: team },
    grid: (d) => foldGrid(Math.ceil((resolve(rows, d) * team) / 64)),
    // Read and written.
    bytes: (d) => 8 * resolve(rows, d) * chunkCols,
  });
}
