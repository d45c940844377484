import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Sample, StepReport } from '../../rl/report.ts';
import { updateOptions } from '../stepper/update-options.ts';
import { chapters, type LiveNumbers } from './chapters.ts';

const source = (name: string): string =>
  readFileSync(join(import.meta.dirname, 'formulas', `${name}.tex`), 'utf8');
const slots = (name: string): string[] =>
  [...source(name).matchAll(/\\slot\{(\w+)\}/g)].map((match) => match[1]!).sort();

const sample = (reward: number, advantage: number): Sample => ({
  completion: '',
  thought: null,
  response: '',
  wellFormed: true,
  truncated: false,
  tokens: 1,
  reward,
  advantage,
  trace: {
    text: ['a'],
    logp: [-1 - reward],
    entropy: [1],
    ref: [-1],
    reward: [reward],
    value: [-0.5],
    advantage: [advantage],
  },
});
const report: StepReport = {
  metrics: { step: 3, kl: 0.02 },
  group: {
    prompt: '',
    samples: [sample(-1, -0.71), sample(1, 0.71)],
    mean: -0.25,
    std: 1.41,
    pair: { chosen: 1, rejected: 0 },
  },
};

function liveOf(name: string, algorithm: string): LiveNumbers | undefined {
  const chapter = chapters.find((each) => each.name === name)!;
  return chapter.live?.({ report, options: updateOptions({ algorithm }) });
}

describe('chapters', () => {
  it.each(chapters.map(({ name }) => name))(
    '%s finds its formulas, and fills every slot',
    (name) => {
      const chapter = chapters.find((each) => each.name === name)!;
      for (const formula of chapter.formulas) {
        expect(existsSync(join(import.meta.dirname, 'formulas', `${formula}.tex`))).toBe(true);
        expect(slots(formula)).toEqual([]);
      }
      if (!chapter.live) return;
      const live = ['grpo', 'ppo', 'dpo'].flatMap((algorithm) => liveOf(name, algorithm) ?? []);
      expect(live.length).toBeGreaterThan(0);
      for (const { formula, values } of live)
        expect(Object.keys(values).sort()).toEqual(slots(formula));
    },
  );

  it('puts negative numbers in brackets after a minus sign', () => {
    expect(liveOf('advantage', 'grpo')!.values).toMatchObject({ number: 'B', mean: '(−0.25)' });
    expect(liveOf('gae', 'ppo')!.values).toMatchObject({ value: '(−0.50)', delta: '−0.50' });
  });

  it('shows no numbers of one algorithm for another', () => {
    expect(liveOf('advantage', 'dpo')).toBeUndefined();
    expect(liveOf('clipped-loss', 'dpo')).toBeUndefined();
  });
});
