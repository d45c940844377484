/** The benchmarks, in the order of the paper's page. */
import { alpacaEval } from './alpaca-eval.ts';
import { arenaHard } from './arena-hard.ts';
import type { Benchmark } from './benchmark.ts';
import { creativeWriting } from './creative-writing.ts';
import { gpqa } from './gpqa.ts';
import { ifeval } from './ifeval.ts';
import { livecodebench, type ProgramRunner } from './livecodebench.ts';
import { mtBench } from './mt-bench.ts';
import type { TextModels } from '../text-models/text-models.ts';
import { wildBench } from './wildbench.ts';

/**
 * Data and verdicts of each benchmark are its own: they are given back only to that benchmark.
 * @param run runs the programs of LiveCodeBench
 * @param models for IFEval's rules of language and sentences
 */
export function allBenchmarks(run: ProgramRunner, models: TextModels): readonly Benchmark[] {
  return [
    ifeval(models),
    gpqa,
    mtBench,
    creativeWriting,
    wildBench,
    arenaHard,
    alpacaEval,
    livecodebench(run),
  ] as readonly unknown[] as readonly Benchmark[];
}
