/** The benchmark's result as text. */
import type { GpuCounters } from '../gpu/device.ts';
import {
  libraryNames,
  type BenchResult,
  type LibraryResult,
  type StepTiming,
} from './bench-result.ts';
import { table } from './text.ts';

export function benchTable({ adapter, matmul, step }: BenchResult): string {
  const others = libraryNames.slice(1);
  const rows = matmul.map(({ name, m, n, k, transposed, libraries }) => {
    const own = libraries.ponder.rate;
    return [
      name,
      `${m} x ${k} by ${transposed ? `(${n} x ${k})^T` : `${k} x ${n}`}`,
      ...libraryNames.map((library) => rateCell(libraries[library])),
      ...others.map((other) => ratioCell(own, libraries[other].rate)),
    ];
  });
  const header = ['matmul', 'shape', ...libraryNames, ...others.map((other) => `vs ${other}`)];
  return (
    `${adapter}; GFLOP/s, float32, median of interleaved timings\n\n` +
    `${table([header, ...rows])}${skippedNote(matmul)}\n${stepText(step)}`
  );
}

function rateCell({ rate }: LibraryResult): string {
  return rate === null ? 'skipped' : gigaflops(rate);
}

function ratioCell(own: number | null, other: number | null): string {
  return own === null || other === null ? '-' : (own / other).toFixed(2);
}

function gigaflops(rate: number): string {
  return (rate / 1e9).toFixed(rate < 1e11 ? 2 : 0);
}

function skippedNote(matmul: BenchResult['matmul']): string {
  const notes = matmul.flatMap(({ name, libraries }) =>
    libraryNames.flatMap((library) => {
      const { expected } = libraries[library];
      return expected === undefined
        ? []
        : [`${library} at ${name} (about ${Math.round(expected)} s)`];
    }),
  );
  return notes.length > 0
    ? `skipped, since one product would take too long: ${notes.join(', ')}\n`
    : '';
}

function stepText(step: StepTiming): string {
  const counts = ({ dispatches, submits, readbacks }: GpuCounters): string =>
    `${Math.round(dispatches)} dispatches, ${Math.round(submits)} submits, ` +
    `${Math.round(readbacks)} readbacks`;
  return (
    `GRPO step of ${step.recipe} (${step.steps} steps, completions of ` +
    `${step.completionLength.toFixed(0)} tokens on average)\n` +
    table([
      ['seconds', step.seconds.toFixed(2)],
      ['useful GFLOP', (step.flops / 1e9).toFixed(2)],
      ['GFLOP/s', gigaflops(step.rate)],
      [
        `GFLOP/s of matmul ${step.matmul.name}, timed between the steps`,
        gigaflops(step.matmul.rate),
      ],
      ['share of it', step.share.toFixed(2)],
    ]) +
    `policy: ${counts(step.policy)}\nreward: ${counts(step.reward)}\n`
  );
}
