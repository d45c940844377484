import { describe, expect, it } from 'vitest';
import type { EvaluationSample, StepReport } from '../../rl/report.ts';
import { evaluatedBy, evaluatedSteps, mostImproved, nextEvaluation } from './evaluated.ts';
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

describe('the next evaluation', () => {
  const at = (...steps: number[]) => steps.map((step) => ({ step, samples: [] }));

  it('of a stored run is the next that it has', () => {
    expect(nextEvaluation(at(0, 8, 16), 0)).toBe(8);
    expect(nextEvaluation(at(0, 8, 16), 9)).toBe(16);
    expect(nextEvaluation(at(0, 8, 16), 16)).toBeUndefined();
    // Before the first, that one is on view.
    expect(nextEvaluation(at(8, 16), 3)).toBe(16);
  });

  it('of a run that goes on comes every eval_steps steps, and after the last', () => {
    const schedule = { every: 10, total: 24 };
    expect(nextEvaluation(at(0), 0, schedule)).toBe(10);
    expect(nextEvaluation(at(0), 9, schedule)).toBe(10);
    // The playhead may stand at an earlier step.
    expect(nextEvaluation(at(0, 10), 4, schedule)).toBe(10);
    expect(nextEvaluation(at(0, 10, 20), 22, schedule)).toBe(24);
    expect(nextEvaluation(at(0, 10, 20, 24), 24, schedule)).toBeUndefined();
  });
});

describe('the example that is shown first', () => {
  const menu = (guest: string): string => `menu rice 2 plums 3 for ${guest} veggie budget 8`;
  const sample = (guest: string, response: string, gold: number): EvaluationSample => ({
    ...{ prompt: menu(guest), thought: null, response, gold, reward: 0 },
    ...{ wellFormed: true, truncated: false },
  });
  const steps = [
    {
      step: 0,
      samples: [sample('ana', 'rice', 0), sample('ben', 'rice', 0), sample('ana', '', 0)],
    },
    {
      step: 8,
      samples: [
        sample('ana', 'hello ben ! rice', 5),
        sample('ben', 'hello ben ! rice', 2),
        sample('ana', '', 1),
      ],
    },
  ];

  it('improved most, and greets no other guest', () => {
    expect(mostImproved(steps)).toBe(1);
    expect(mostImproved([])).toBe(0);
  });

  it('greets no other guest at any step that the slider shows', () => {
    const middle = {
      step: 4,
      samples: [sample('ana', 'rice', 1), sample('ben', 'hello ana !', 1), sample('ana', '', 1)],
    };
    expect(mostImproved([steps[0]!, middle, steps[1]!])).toBe(2);
  });

  it('is shown as it was at the playhead', () => {
    expect(evaluatedBy(steps, 7)?.step).toBe(0);
    expect(evaluatedBy(steps, 8)?.step).toBe(8);
    expect(evaluatedBy([steps[1]!], 3)?.step).toBe(8);
    expect(evaluatedBy([], 3)).toBeUndefined();
  });
});

it('names tries', () => {
  expect([0, 25, 26].map(letter)).toEqual(['A', 'Z', '27']);
});
