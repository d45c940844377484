import { describe, expect, it } from 'vitest';
import type { Sample, StepReport } from '../../rl/report.ts';
import { isTraced, nearestTraced } from './traced.ts';

const trace = { text: ['a'], logp: [0], entropy: [0] };

function report(step: number, traced: boolean): StepReport {
  const sample = { reward: 0, ...(traced && { trace }) } as Sample;
  return { metrics: { step }, group: { prompt: '', samples: [sample], mean: 0, std: 0 } };
}

describe('the nearest step with traces', () => {
  const reports = [1, 2, 3, 4, 5, 6, 7].map((step) => report(step, step === 1 || step === 5));

  it.each([
    [0, 0],
    [1, 0],
    [2, 0], // as far from both
    [3, 4],
    [6, 4],
  ])('of %i is %i', (index, nearest) => {
    expect(nearestTraced(reports, index)).toBe(nearest);
  });

  it('is none where no report has traces', () => {
    expect(nearestTraced([report(1, false), { metrics: { step: 2 } }], 1)).toBe(-1);
    expect(nearestTraced([], -1)).toBe(-1);
    expect(isTraced(undefined)).toBe(false);
  });
});
