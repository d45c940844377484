import { describe, expect, it } from 'vitest';
import type { Group, Sample } from '../../rl/report.ts';
import { updateOptions } from '../stepper/update-options.ts';
import { drawnGroup, isTraced, nearestTraced } from './traced.ts';
import { ownTerms, updateOf } from './what-if.ts';

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

describe('tokens that were written for the model', () => {
  const traceWith = (forced?: readonly [number, number]) => ({
    text: ['a', '</', 'think>', 'b', ''],
    ...(forced && { forced }),
    logp: [-1, 0, 0, -2, -3],
    entropy: [1, 0, 0, 2, 3],
  });
  const sample = {
    ...{ completion: '', thought: 'a', response: 'b', wellFormed: true, truncated: false },
    ...{ tokens: 3, reward: 1, advantage: 1 },
  };
  const forcedGroup = (forced?: readonly [number, number]): Group => ({
    ...{ prompt: 'p', mean: 0, std: 1 },
    samples: [1, -1].map((reward) => ({ ...sample, reward, trace: traceWith(forced) })),
  });

  it('have no part in the walk', () => {
    const [first] = drawnGroup(forcedGroup([1, 3])).samples;
    expect(first!.trace).toEqual({ text: ['a', 'b', ''], logp: [-1, -2, -3], entropy: [1, 2, 3] });
    expect(drawnGroup(forcedGroup())).toEqual(forcedGroup());
  });

  it('get no push, and no other token gets another one for them', () => {
    const terms = ownTerms(updateOptions({ algorithm: 'grpo', loss_type: 'grpo', beta: 0 }));
    const { tokens, loss } = updateOf(forcedGroup([1, 3]), terms);
    const without = updateOf(drawnGroup(forcedGroup([1, 3])), terms);
    expect(loss).toBe(without.loss);
    tokens.forEach((numbers, i) => {
      expect(numbers.map(({ push }) => push)).toEqual(
        [0, undefined, undefined, 1, 2].map((t) =>
          t === undefined ? 0 : without.tokens[i]![t]!.push,
        ),
      );
      expect(numbers.map(({ kept }) => kept)).toEqual([true, false, false, true, true]);
    });
  });
});
