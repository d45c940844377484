/**
 * AdamW over all weights at once: the pools of weights, gradients and moments share one layout, so
 * one optimizer step is three dispatches whatever the model. Gradient clipping by the global norm
 * happens on the GPU; the norm is read only when asked for.
 */
import type { View } from '../gpu/device.ts';
import { adamw } from '../gpu/kernels/adamw.ts';
import { partialCount, sumOfSquares } from '../gpu/kernels/sum-of-squares.ts';
import { Program } from '../gpu/program.ts';
import type { LanguageModel } from './language-model.ts';

export interface AdamWOptions {
  beta1: number;
  beta2: number;
  epsilon: number;
  weightDecay: number;
  /** 0 switches clipping off. */
  maxGradNorm: number;
}

interface StepDims {
  learningRate: number;
  biasCorrection1: number;
  biasCorrection2: number;
}

export class AdamW {
  /** Steps taken; part of a checkpoint, as the moments are. */
  steps = 0;

  private constructor(
    readonly model: LanguageModel,
    readonly options: AdamWOptions,
    /** Laid out as the weights; zero after every step. */
    readonly gradients: View,
    readonly m: View,
    readonly v: View,
    private readonly normSquared: View,
    private readonly partials: View,
    private readonly program: Program<StepDims>,
  ) {}

  static async create(model: LanguageModel, options: AdamWOptions): Promise<AdamW> {
    const { gpu, layout } = model;
    const count = layout.elements;
    const bytes = 4 * count;
    const gradients = gpu.allocate('gradients', bytes, 'gradients');
    const m = gpu.allocate('moments', bytes, 'first moments');
    const v = gpu.allocate('moments', bytes, 'second moments');
    const normSquared = gpu.allocate('moments', 16, 'gradient norm');
    const partials = gpu.allocate('moments', 4 * partialCount(count), 'norm partials');
    const program = await Program.compile<StepDims>(gpu, [
      ...sumOfSquares<StepDims>({ x: gradients, partials, out: normSquared, count }),
      adamw<StepDims>({
        weights: model.weights,
        gradients,
        m,
        v,
        normSquared,
        count,
        lr: (d) => d.learningRate,
        beta1: options.beta1,
        beta2: options.beta2,
        eps: options.epsilon,
        weightDecay: options.weightDecay,
        biasCorrection1: (d) => d.biasCorrection1,
        biasCorrection2: (d) => d.biasCorrection2,
        maxNorm: options.maxGradNorm,
      }),
    ]);
    return new AdamW(model, options, gradients, m, v, normSquared, partials, program);
  }

  /** Moves the weights and clears the gradients. */
  step(learningRate: number): void {
    this.steps++;
    this.program.run({
      learningRate,
      biasCorrection1: 1 - this.options.beta1 ** this.steps,
      biasCorrection2: 1 - this.options.beta2 ** this.steps,
    });
  }

  /** Global norm of the last step's gradient, before clipping. */
  async gradNorm(): Promise<number> {
    const [squared] = await this.model.gpu.readFloats({ ...this.normSquared, byteLength: 4 });
    return Math.sqrt(squared as number);
  }

  destroy(): void {
    const { gpu } = this.model;
    this.program.destroy();
    gpu.release('gradients', this.gradients);
    for (const view of [this.m, this.v, this.normSquared, this.partials]) {
      gpu.release('moments', view);
    }
  }
}
