import type { Lifetime } from '../../../src/gpu/memory.ts';
import type { KernelVariants } from '../../../src/gpu/variants.ts';
import type { Made } from '../made.ts';

/** One step, as it stands in results/scaling/llama-8b.json. */
export interface Result {
  made: Made;
  adapter: string;
  kernels: KernelVariants;
  layers: number;
  parameters: number;
  /** Completions, and the most tokens of one. */
  group: number;
  completion: number;
  /** Bytes that the adapter binds at once. */
  maxBinding: number;
  /** Bytes by lifetime: of the plan for the adapter's kernels, and of the device. */
  plan: Record<Lifetime, number>;
  device: Record<Lifetime, number>;
  /** Bytes of the largest buffer. */
  largest: number;
  /** The process's memory at most, in bytes; on a software adapter the device's memory is part of it. */
  peak: { loading: number; step: number };
  /** By the clock. */
  seconds: Record<string, number>;
  /** Of the processor's cores together; a software adapter's work is part of it. */
  processorSeconds: { opening: number; step: number };
  /** Useful operations of the step. */
  flops: number;
  metrics: Record<string, number>;
}
