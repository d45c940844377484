/** What the rows of a measurement share. */
import type { Gpu } from '../../gpu/device.ts';
import type { ModelConfig } from '../../model/config.ts';
import { formatDuration } from '../format.ts';
import { median, type ProductShape } from './arithmetic.ts';
import type { CeilingProbes } from './ceilings.ts';
import type { Row } from './measurement.ts';
import { gpuSecondsOf, type Timed, type Work } from './timing.ts';

/** A matrix product that can be repeated. */
export interface Product extends Work {
  /** The last product, [m, n]. */
  read(): Promise<Float32Array>;
}

/** The training of a language model on the same batch again and again. */
export interface TrainingTask {
  readonly config: ModelConfig;
  /** Tokens of each sequence that the model reads; it has one more, which is only predicted. */
  readonly length: number;
  readonly sequences: readonly (readonly number[])[];
  /** The weights before the first step, by Hugging Face name, row-major. */
  readonly tensors: ReadonlyMap<string, Float32Array>;
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** Of matrices; norms do not decay. */
  readonly weightDecay: number;
}

/** `run` takes that many steps. */
export interface Training extends Work {
  /** The loss of every step so far: the mean negative log-prob of the targets before the step. */
  readonly losses: readonly number[];
}

/** Another library that does the same work. */
export interface Library {
  readonly name: string;
  product(shape: ProductShape, a: Float32Array, b: Float32Array): Promise<Product>;
  /** Absent: it is not compared in training. */
  training?(task: TrainingTask): Promise<Training>;
}

/** Before anything is measured, a library is taken to reach this share of the multiply-add rate. */
const FIRST_GUESS = 0.1;

export class Bench {
  /** Of the last product or training of each library, in floating-point operations per second. */
  private readonly rates = new Map<string, number>();

  constructor(
    readonly gpu: Gpu,
    private readonly probes: CeilingProbes,
    readonly libraries: readonly Library[],
    /** Seconds in which a work is timed again and again. */
    readonly budget: number,
    /** Seconds that one repetition may take. */
    private readonly longest: number,
  ) {}

  setRate(library: string, rate: number): void {
    this.rates.set(library, rate);
  }

  /** Seconds that a library will need. */
  expected(library: string, flops: number): number {
    return flops / (this.rates.get(library) ?? FIRST_GUESS * this.probes.ceilings.f32);
  }

  /** Why a work of so many operations is skipped; undefined if it is not. */
  tooLong(library: string, flops: number): string | undefined {
    const seconds = this.expected(library, flops);
    return seconds > this.longest
      ? `it would take about ${formatDuration(seconds)} each time`
      : undefined;
  }

  /** The numbers of a row whose work was timed; it moves at least `bytes`. */
  async numbers(timed: Timed, flops: number, bytes: number): Promise<Partial<Row>> {
    const gpuSeconds = await gpuSecondsOf(this.gpu, timed);
    return {
      seconds: median(timed.seconds),
      timings: timed.seconds.length,
      ...(gpuSeconds !== undefined && { gpuSeconds }),
      flops,
      bytes,
    };
  }
}
