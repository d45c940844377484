import { describe, expect, it } from 'vitest';
import type { Group, Sample } from '../../rl/report.ts';
import { isTraced, nearestTraced } from './traced.ts';

const trace = { text: ['a'], logp: [0], entropy: [0] };

function group(traced: boolean): Group {
  const sample = { reward: 0, ...(traced && { trace }) } as Sample;
  return { prompt: '', samples: [sample], mean: 0, std: 0 };
}

describe('the nearest step with traces', () => {
  const groups = [1, 2, 3, 4, 5, 6, 7].map((step) => group(step === 1 || step === 5));

  it.each([
    [0, 0],
    [1, 0],
    [2, 0], // as far from both
    [3, 4],
    [6, 4],
  ])('of %i is %i', (index, nearest) => {
    expect(nearestTraced(groups, index)).toBe(nearest);
  });

  it('is none where no group has traces', () => {
    expect(nearestTraced([group(false), undefined], 1)).toBe(-1);
    expect(nearestTraced([], -1)).toBe(-1);
    expect(isTraced(undefined)).toBe(false);
  });
});
