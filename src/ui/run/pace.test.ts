import { describe, expect, it } from 'vitest';
import type { MetricsRow, StepReport } from '../../rl/report.ts';
import { paceOf } from './pace.ts';

const report = (metrics: MetricsRow): StepReport => ({
  metrics,
  group: { prompt: '', samples: [], mean: 0, std: 0 },
});

describe('paceOf', () => {
  it('averages the window, and counts tokens between its first and last row', () => {
    const reports = [
      report({ step: 1, step_time: 99, num_tokens: 10 }),
      report({ step: 2, step_time: 1, num_tokens: 100 }),
      report({ step: 3, step_time: 2, num_tokens: 300 }),
      report({ step: 4, step_time: 3, num_tokens: 600 }),
    ];
    expect(paceOf(reports, 3)).toEqual({ secondsPerStep: 2, tokensPerSecond: 100 });
  });

  it('says nothing of tokens when there is one row, or no count', () => {
    expect(paceOf([report({ step: 1, step_time: 2, num_tokens: 50 })])).toEqual({
      secondsPerStep: 2,
    });
    expect(paceOf([report({ step: 1, step_time: 2 }), report({ step: 2, step_time: 2 })])).toEqual({
      secondsPerStep: 2,
    });
  });

  it('is known from the second step on, beside the evaluation before the first', () => {
    const reports = [
      report({ step: 0, eval_reward: 1 }),
      report({ step: 1, step_time: 2, num_tokens: 100 }),
      report({ step: 2, step_time: 2, num_tokens: 300 }),
    ];
    expect(paceOf(reports.slice(0, 2))).toEqual({ secondsPerStep: 2 });
    expect(paceOf(reports)).toEqual({ secondsPerStep: 2, tokensPerSecond: 100 });
  });

  it('is null without times', () => {
    expect(paceOf([])).toBeNull();
    expect(paceOf([report({ step: 1 })])).toBeNull();
  });
});
