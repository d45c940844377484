import { op, resolve, type Bindable, type Dyn, type Kernel, type Op } from '../kernel.ts';
import code from './sample.wgsl?raw';
import { teamed } from './team.ts';

const kernels = teamed({
  name: 'sample',
  code,
  bindings: ['read', 'read', 'write', 'write', 'write', 'write'],
  params: {
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
  },
} as const satisfies Kernel);

/** An id that no token has. */
export const NO_TOKEN = 0xffffffff;

export interface SampleLaunch<D> {
  /** [rows, cols]: softmax(logits / temperature). */
  probs: Bindable;
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

/**
 * Draws one token per row on the GPU. The same (seed, stream, step, probs) give the same token.
 * @throws Error when there are more than four end tokens
 */
export function sample<D>(launch: SampleLaunch<D>): Op<D> {
  const { probs, streams, tokens, logps, nextIds, done, rows, cols, topK, topP, minP } = launch;
  const { seed, step, maxSteps, eosIds, padId, label } = launch;
  if (eosIds.length > 4) throw new Error(`sample takes at most 4 end tokens, not ${eosIds.length}`);
  const [eos0 = NO_TOKEN, eos1 = NO_TOKEN, eos2 = NO_TOKEN, eos3 = NO_TOKEN] = eosIds;
  const { kernel, constants, grid } = kernels(cols);
  return op<D, (typeof kernel)['params']>(kernel, {
    ...(label && { label }),
    bindings: [probs, streams, tokens, logps, nextIds, done],
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
    },
    constants,
    grid: (d) => grid(resolve(rows, d)),
  });
}
