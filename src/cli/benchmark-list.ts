/** The benchmarks of the command line: also LiveCodeBench, whose programs run in Pyodide. */
import { BENCHMARKS } from '../rl/evaluation/benchmarks/all.ts';
import type { Benchmark } from '../rl/evaluation/benchmarks/benchmark.ts';
import { livecodebench } from '../rl/evaluation/benchmarks/livecodebench.ts';
import { PythonSandbox } from './python/sandbox.ts';

const python = new PythonSandbox();

export const ALL_BENCHMARKS = [
  ...BENCHMARKS,
  livecodebench((task) => python.run(task)),
] as readonly unknown[] as readonly Benchmark[];
