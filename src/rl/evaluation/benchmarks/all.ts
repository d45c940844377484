/** The benchmarks by name, in the order of the paper's page. */
import type { Benchmark } from './benchmark.ts';
import { gpqa } from './gpqa.ts';
import { ifeval } from './ifeval.ts';

// Data and verdicts of each benchmark are its own: they are given back only to that benchmark.
export const BENCHMARKS = [ifeval, gpqa] as readonly unknown[] as readonly Benchmark[];
