import { foldGrid, op, resolve, type Bindable, type Dyn, type Kernel, type Op } from '../kernel.ts';
import code from './adamw.wgsl?raw';
import fours from './fours.wgsl?raw';

const kernel = {
  name: 'adamw',
  code: fours + code,
  bindings: ['write', 'write', 'write', 'write', 'read'],
  params: {
    offset: 'u32',
    count: 'u32',
    lr: 'f32',
    eps: 'f32',
    weightDecay: 'f32',
    maxNorm: 'f32',
    beta1: 'f32',
    rest1: 'f32',
    biasCorrection1: 'f32',
    beta2: 'f32',
    rest2: 'f32',
    biasCorrection2: 'f32',
  },
  cut: ['x'],
} as const satisfies Kernel;

/** Elements one workgroup updates: BLOCK of adamw.wgsl. */
const BLOCK = 1024;

interface AdamwLaunch<D> {
  /** The four pools have one layout; elements [offset, offset + count) are updated. */
  weights: Bindable;
  /** Zeroed afterwards. */
  gradients: Bindable;
  m: Bindable;
  v: Bindable;
  /** [1]: the squared global norm of the gradients, from `sumOfSquares`. */
  normSquared: Bindable;
  count: Dyn<D>;
  offset?: Dyn<D>;
  lr: Dyn<D>;
  beta1: Dyn<D>;
  beta2: Dyn<D>;
  eps: Dyn<D>;
  weightDecay: Dyn<D>;
  /** 1 - beta1^step, steps counted from 1. */
  biasCorrection1: Dyn<D>;
  /** 1 - beta2^step */
  biasCorrection2: Dyn<D>;
  /** Gradients of a larger global norm are scaled down to this norm; 0 switches clipping off. */
  maxNorm: Dyn<D>;
  label?: string;
}

/**
 * One step of AdamW after clipping by the global norm, which the kernel reads (formula:
 * adamw.wgsl). If the norm is not finite, weights and moments stay as they are.
 */
export function adamw<D>(launch: AdamwLaunch<D>): Op<D> {
  const { weights, gradients, m, v, normSquared, offset = 0, label, ...values } = launch;
  const { count, lr, beta1, beta2, eps, weightDecay, biasCorrection1, biasCorrection2 } = values;
  return op<D, (typeof kernel)['params']>(kernel, {
    ...(label && { label }),
    bindings: [weights, gradients, m, v, normSquared],
    params: {
      offset,
      count,
      lr,
      eps,
      weightDecay,
      maxNorm: values.maxNorm,
      beta1,
      // In float64 here: in f32, 1 - 0.999 has a relative error of 1e-5.
      rest1: (d) => 1 - resolve(beta1, d),
      biasCorrection1,
      beta2,
      rest2: (d) => 1 - resolve(beta2, d),
      biasCorrection2,
    },
    grid: (d) => foldGrid(Math.ceil(((resolve(offset, d) % 4) + resolve(count, d)) / BLOCK)),
  });
}
