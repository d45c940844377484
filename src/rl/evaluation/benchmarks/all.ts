/** The benchmarks, in the order of the paper's page. */
import type { Benchmark } from './benchmark.ts';
import { gpqa } from './gpqa.ts';
import { ifeval } from './ifeval.ts';
import { livecodebench, type ProgramRunner } from './livecodebench.ts';

/**
 * Data and verdicts of each benchmark are its own: they are given back only to that benchmark.
 * @param run runs the programs of LiveCodeBench
 */
export function allBenchmarks(run: ProgramRunner): readonly Benchmark[] {
  return [ifeval, gpqa, livecodebench(run)] as readonly unknown[] as readonly Benchmark[];
}
