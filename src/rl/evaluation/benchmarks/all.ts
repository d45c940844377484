/** The benchmarks by name, in the order of the paper's page. */
import { arenaHard } from './arena-hard.ts';
import type { Benchmark } from './benchmark.ts';
import { creativeWriting } from './creative-writing.ts';
import { gpqa } from './gpqa.ts';
import { ifeval } from './ifeval.ts';
import { mtBench } from './mt-bench.ts';
import { wildBench } from './wildbench.ts';

// Data and verdicts of each benchmark are its own: they are given back only to that benchmark.
export const BENCHMARKS = [
  ifeval,
  gpqa,
  mtBench,
  creativeWriting,
  wildBench,
  arenaHard,
] as readonly unknown[] as readonly Benchmark[];
