/**
 * The fused head: log-probability and entropy of a target per row, with the logits only ever in
 * chunks [rows, chunk] of the vocabulary. Forward: per chunk a matmul and `logprobChunk`, then once
 * `logprobFinish`. Backward: per chunk the same matmul and `logprobBackward`, in place.
 */
import { foldGrid, op, resolve, type Bindable, type Dyn, type Kernel, type Op } from '../kernel.ts';
import backwardCode from './logprob-backward.wgsl?raw';
import chunkCode from './logprob-chunk.wgsl?raw';
import finishCode from './logprob-finish.wgsl?raw';

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
} as const satisfies Kernel;

interface Chunk<D> {
  /** [rows, chunkCols], dense. */
  logits: Bindable;
  /** u32 [rows]: vocabulary indices. */
  targets: Bindable;
  rows: Dyn<D>;
  /** First vocabulary index of the chunk. */
  chunkStart: Dyn<D>;
  chunkCols: Dyn<D>;
  /** Positive; the log-probabilities are those of logits * inverseTemperature. */
  inverseTemperature: Dyn<D>;
  label?: string;
}

export interface LogprobChunkLaunch<D> extends Chunk<D> {
  /** [rows, 4] */
  state: Bindable;
  /** 1 starts afresh: whatever `state` held is forgotten. */
  first: 0 | 1;
}

/** Takes one chunk of logits into the running log-sum-exp of every row. */
export function logprobChunk<D>(launch: LogprobChunkLaunch<D>): Op<D> {
  const { logits, targets, state, rows, chunkStart, chunkCols, first, label } = launch;
  const team = 64;
  return op<D, (typeof chunkKernel)['params']>(chunkKernel, {
    ...(label && { label }),
    bindings: [logits, targets, state],
    params: { rows, chunkStart, chunkCols, first, inverseTemperature: launch.inverseTemperature },
    constants: { TEAM: team },
    grid: (d) => foldGrid(Math.ceil((resolve(rows, d) * team) / 64)),
  });
}

export interface LogprobFinishLaunch<D> {
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

/** After the last chunk: the state of every row into log-probability, entropy and log-sum-exp. */
export function logprobFinish<D>(launch: LogprobFinishLaunch<D>): Op<D> {
  const { state, logp, entropy, lse, rows, label } = launch;
  return op<D, (typeof finishKernel)['params']>(finishKernel, {
    ...(label && { label }),
    bindings: [state, logp, entropy, lse],
    params: { rows },
    grid: (d) => foldGrid(Math.ceil(resolve(rows, d) / 64)),
  });
}

export interface LogprobBackwardLaunch<D> extends Chunk<D> {
  /** [rows], of `logprobFinish`. */
  lse: Bindable;
  /** [rows], of `logprobFinish`. */
  entropy: Bindable;
  /** [rows]: gradient of the loss with respect to logp. */
  dLogp: Bindable;
  /** [rows]: gradient of the loss with respect to entropy. */
  dEntropy: Bindable;
}

/** Turns a chunk of logits, in place, into the gradient of the loss with respect to them. */
export function logprobBackward<D>(launch: LogprobBackwardLaunch<D>): Op<D> {
  const { logits, targets, lse, entropy, dLogp, dEntropy, rows, chunkStart, chunkCols } = launch;
  return op<D, (typeof backwardKernel)['params']>(backwardKernel, {
    ...(launch.label && { label: launch.label }),
    bindings: [logits, targets, lse, entropy, dLogp, dEntropy],
    params: { rows, chunkStart, chunkCols, inverseTemperature: launch.inverseTemperature },
    grid: (d) => foldGrid(resolve(rows, d)),
  });
}
