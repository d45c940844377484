/** The results that the benchmark page measures and the command prints. */
import type { GpuCounters } from '../gpu/device.ts';

export const libraryNames = ['ponder', 'jax-js', 'tfjs'] as const;
export type LibraryName = (typeof libraryNames)[number];

/** One line of the matmul table. */
export interface MatmulShape {
  readonly name: string;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** B is stored as checkpoints store the weights of a linear layer, [n, k]. */
  readonly transposed: boolean;
}

/** The result of one library for one shape. */
export interface LibraryResult {
  /** Floating-point operations per second; null: skipped. */
  readonly rate: number | null;
  /** Timings that the rate is the median of. */
  readonly timings: number;
  /** Largest error of the sampled elements over the largest of them; null: skipped. */
  readonly error: number | null;
  /** Estimated seconds of one product, if it was skipped because that is too long. */
  readonly expected?: number;
}

export interface MatmulResult extends MatmulShape {
  readonly libraries: Record<LibraryName, LibraryResult>;
}

/** Whole GRPO steps. Counts are per step. */
export interface StepTiming {
  readonly recipe: string;
  readonly steps: number;
  /** Medians over the steps. */
  readonly seconds: number;
  readonly rate: number;
  readonly flops: number;
  /** Mean length of the completions, in tokens. */
  readonly completionLength: number;
  /** The square product that was timed between the steps, and its median rate. */
  readonly matmul: { readonly name: string; readonly rate: number };
  /** rate / matmul.rate */
  readonly share: number;
  readonly policy: GpuCounters;
  readonly reward: GpuCounters;
}

export interface BenchResult {
  readonly adapter: string;
  readonly matmul: readonly MatmulResult[];
  readonly step: StepTiming;
}

declare global {
  /** Set in the benchmark page. */
  var bench: BenchPage;
}

/** The functions that the page (tests/bench/main.ts) gives to the command. */
export interface BenchPage {
  readonly shapes: readonly MatmulShape[];
  /** Opens the libraries; returns the adapter that all of them run on. */
  open(adapter: 'software' | 'hardware'): Promise<string>;
  matmul(shape: number): Promise<MatmulResult>;
  steps(recipe: string): Promise<StepTiming>;
}
