/**
 * AdamW over all trainable weights at once: the pools of weights, gradients and moments share one
 * layout, so one optimizer step is a few dispatches for any model. Gradient clipping by the global
 * norm happens on the GPU; the norm is read back after each step.
 */
import type { Op } from '../gpu/kernel.ts';
import { adamw } from '../gpu/kernels/adamw.ts';
import { partialCount, sumOfSquares } from '../gpu/kernels/sum-of-squares.ts';
import type { Memory, View } from '../gpu/memory.ts';
import { Program } from '../gpu/program.ts';
import type { LanguageModel } from './language-model.ts';
import { ParameterPool } from './parameter-pool.ts';

export interface AdamWOptions {
  beta1: number;
  beta2: number;
  epsilon: number;
  /** Applies to matrices; norm gains and biases do not decay, as in transformers' Trainer. */
  weightDecay: number;
  /** 0 switches clipping off. */
  maxGradNorm: number;
}

interface StepDims {
  learningRate: number;
  biasCorrection1: number;
  biasCorrection2: number;
}

/** Memory of an optimizer; the pools have the layout of the weights that it trains. */
interface OptimizerMemory {
  /** Zero after every step. */
  gradients: ParameterPool;
  /** First and second moments. */
  m: ParameterPool;
  v: ParameterPool;
  normSquared: View;
  partials: View;
}

export function allocateOptimizer(model: LanguageModel<Memory>): OptimizerMemory {
  const { gpu, trainable } = model;
  const { layout } = trainable;
  return {
    gradients: new ParameterPool(gpu, layout, 'gradients', 'gradients'),
    m: new ParameterPool(gpu, layout, 'moments', 'first moments'),
    v: new ParameterPool(gpu, layout, 'moments', 'second moments'),
    normSquared: gpu.allocate('moments', 16, 'gradient norm'),
    partials: gpu.allocate('moments', 4 * partialCount(counts(trainable)), 'norm partials'),
  };
}

/** Numbers in each page. */
const counts = (pool: ParameterPool): number[] => pool.layout.pages.map(({ bytes }) => bytes / 4);

export class AdamW {
  /** Steps taken; saved in a checkpoint, as the moments are. */
  steps = 0;

  private constructor(
    readonly model: LanguageModel,
    readonly options: AdamWOptions,
    readonly memory: OptimizerMemory,
    private readonly program: Program<StepDims>,
  ) {}

  static async create(model: LanguageModel, options: AdamWOptions): Promise<AdamW> {
    const memory = allocateOptimizer(model);
    const program = await Program.compile(model.gpu, stepOps(model, options, memory));
    return new AdamW(model, options, memory, program);
  }

  get gradients(): ParameterPool {
    return this.memory.gradients;
  }

  /**
   * Moves the weights, clears the gradients and returns their global norm, before clipping. When that
   * is not finite, weights and moments stay as they are and the step does not count.
   */
  async step(learningRate: number): Promise<number> {
    const step = this.steps + 1;
    await this.program.run({
      learningRate,
      biasCorrection1: 1 - this.options.beta1 ** step,
      biasCorrection2: 1 - this.options.beta2 ** step,
    });
    const { normSquared } = this.memory;
    const [squared] = await this.model.gpu.readFloats({ ...normSquared, byteLength: 4 });
    const norm = Math.sqrt(squared!);
    if (Number.isFinite(norm)) this.steps = step;
    return norm;
  }

  destroy(): void {
    const { gradients, m, v, normSquared, partials } = this.memory;
    this.program.destroy();
    for (const pool of [gradients, m, v]) pool.destroy();
    for (const view of [normSquared, partials]) this.model.gpu.release('moments', view);
  }
}

/** An optimizer step as ops. */
export function stepOps(
  model: LanguageModel<Memory>,
  options: AdamWOptions,
  { gradients, m, v, normSquared, partials }: OptimizerMemory,
): Op<StepDims>[] {
  const { trainable } = model;
  const parts = counts(trainable).map((count, i) => ({ x: gradients.pages[i]!, count }));
  return [
    ...sumOfSquares<StepDims>({ parts, partials, out: normSquared }),
    ...parts.flatMap(({ x, count }, i) =>
      pieces(count).map((piece) =>
        adamw<StepDims>({
          weights: trainable.pages[i]!,
          gradients: x,
          m: m.pages[i]!,
          v: v.pages[i]!,
          normSquared,
          ...piece,
          lr: (d) => d.learningRate,
          beta1: options.beta1,
          beta2: options.beta2,
          eps: options.epsilon,
          weightDecay: trainable.layout.pages[i]!.holds === 'matrices' ? options.weightDecay : 0,
          biasCorrection1: (d) => d.biasCorrection1,
          biasCorrection2: (d) => d.biasCorrection2,
          maxNorm: options.maxGradNorm,
        }),
      ),
    ),
  ];
}

/** Numbers that one launch updates at most: a large page would keep a weak card busy for too long. */
const PIECE = 2 ** 23;

function pieces(count: number): { offset: number; count: number }[] {
  return Array.from({ length: Math.ceil(count / PIECE) }, (_, i) => ({
    offset: i * PIECE,
    count: Math.min(PIECE, count - i * PIECE),
  }));
}
