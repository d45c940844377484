import { expect, it } from 'vitest';
import type { EvaluationSample, StepReport } from '../../rl/report.ts';
import { evaluatedSteps } from './evaluated.ts';
import { letter } from './letters.ts';

it('keeps the steps that were evaluated, in order', () => {
  const evaluation: EvaluationSample[] = [
    { prompt: 'p', thought: null, response: 'r', wellFormed: true, truncated: false, reward: 1 },
  ];
  const reports: StepReport[] = [
    { metrics: { step: 1 }, evaluation },
    { metrics: { step: 2 } },
    { metrics: { step: 3 }, evaluation: [] },
    { metrics: { step: 4 }, evaluation },
  ];
  expect(evaluatedSteps(reports).map(({ step }) => step)).toEqual([1, 4]);
});

it('names tries', () => {
  expect([0, 25, 26].map(letter)).toEqual(['A', 'Z', '27']);
});
