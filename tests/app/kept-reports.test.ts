/** Which completions of a long run stay in memory, and how the others are read again. */
import { expect, it } from 'vitest';
import {
  keep,
  keepLast,
  readReport,
  WHOLE,
  type KeptReport,
} from '../../src/app/runs/kept-reports.ts';
import type { StepReport } from '../../src/rl/report.ts';
import { memoryFolder } from './memory-folder.ts';

const sample = {
  ...{ completion: 'a </think> b', thought: 'a', response: 'b', wellFormed: true },
  ...{ truncated: false, tokens: 3, thoughtCut: true, reward: 1, advantage: 0 },
  trace: { text: ['a', 'b'], logp: [-1, -2], entropy: [0.5, 0.25] },
};
const evaluation = [{ ...sample, prompt: 'p' }];
const report = (step: number): StepReport => ({
  metrics: { step, reward: step },
  group: { prompt: 'p', samples: [sample, sample], mean: 1, std: 0 },
  ...(step % 10 === 0 && { evaluation }),
});
const all = Array.from({ length: 2000 }, (_, i) => report(i + 1));

it('keeps the completions of the last steps, and the numbers of all', () => {
  const reports: KeptReport[] = [];
  for (const one of all) {
    keep(reports, one);
    expect(reports.length - reports.filter(({ thinned }) => thinned).length).toBeLessThanOrEqual(
      WHOLE,
    );
  }
  expect(reports.map(({ metrics }) => metrics.step)).toEqual(
    all.map(({ metrics }) => metrics.step),
  );
  expect(reports.filter(({ group }) => group)).toEqual(all.slice(-WHOLE));
  expect(reports.filter((one) => one.evaluation)).toHaveLength(200);
  expect(keepLast(all)).toEqual(reports);
});

it('reads the completions of one step from the folder of its run', async () => {
  const runs = memoryFolder();
  const rows = [sample, sample].map((one) => JSON.stringify({ step: 7, prompt: 'p', ...one }));
  await runs.write('mine/completions/step-7.jsonl', `${rows.join('\n')}\n`);
  const { metrics, group } = report(7);
  expect(await readReport(runs, 'mine', metrics)).toEqual({ metrics, group });
  // A step without completions has its numbers.
  expect(await readReport(runs, 'mine', { step: 8, reward: 8 })).toEqual({
    metrics: { step: 8, reward: 8 },
  });
});
