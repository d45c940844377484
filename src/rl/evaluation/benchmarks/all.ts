/** The benchmarks by name. */
import type { Benchmark } from './benchmark.ts';

export const BENCHMARKS: readonly Benchmark[] = [];
