/** Ends the first part of a text with given tokens, in place of those that were drawn. */
import { op, resolve, type Bindable, type Dyn, type Kernel, type Op } from '../kernel.ts';
import code from './force-end.wgsl?raw';

const kernel = {
  name: 'force-end',
  code,
  bindings: ['read', 'read', 'write', 'write', 'write', 'write'],
  params: { rows: 'u32', maxSteps: 'u32', step: 'u32', limit: 'u32', ending: 'u32' },
} as const satisfies Kernel;

/** This bit of a written token says that the token was not drawn. */
export const FORCED = 0x80000000;

/** Runs after `sample`, on its results. The states begin at 0. */
export function forceEnd<D>(a: {
  /** u32 [vocabulary]: the state after each token, one base-16 digit by the state before it. */
  next: Bindable;
  /** u32 [endingLength]: the tokens to write. */
  ending: Bindable;
  endingLength: Dyn<D>;
  /** Number of tokens after which the part ends. */
  limit: Dyn<D>;
  /** u32 [rows, maxSteps]; column `step` has the drawn token. */
  tokens: Bindable;
  /** u32 [rows] each, as in `sample`. */
  nextIds: Bindable;
  done: Bindable;
  /** u32 [rows] */
  states: Bindable;
  rows: Dyn<D>;
  step: Dyn<D>;
  maxSteps: number;
  /** Whether this replay forces anything. */
  needed: (dims: D) => boolean;
  label?: string;
}): Op<D> {
  return op<D, (typeof kernel)['params']>(kernel, {
    label: a.label,
    bindings: [a.next, a.ending, a.tokens, a.nextIds, a.done, a.states],
    params: {
      rows: a.rows,
      maxSteps: a.maxSteps,
      step: a.step,
      limit: a.limit,
      ending: a.endingLength,
    },
    grid: (dims) => [a.needed(dims) ? Math.ceil(resolve(a.rows, dims) / 64) : 0],
  });
}
