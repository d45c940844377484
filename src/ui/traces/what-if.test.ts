import { describe, expect, it } from 'vitest';
import type { Group, Sample } from '../../rl/report.ts';
import { updateOptions } from '../stepper/update-options.ts';
import { VARIANTS, variantOf, withVariant } from './variants.ts';
import { hasReference, isWhole, ownTerms, updateOf, type Terms } from './what-if.ts';

/** Rewards 3 and 1, so advantages of about 0.707 and -0.707; three tokens and one. */
function group(change: Partial<Sample> = {}): Group {
  const sample = (reward: number, logp: number[], after: number[], ref: number[]): Sample => ({
    ...{ completion: '', thought: null, response: '', wellFormed: true, truncated: false },
    ...{ tokens: logp.length, reward, advantage: (reward - 2) / 1.4142 },
    trace: { text: logp.map(String), logp, after, ref, entropy: logp.map((value) => -value) },
    ...change,
  });
  return {
    prompt: 'p',
    mean: 2,
    std: Math.SQRT2,
    samples: [
      sample(3, [-1, -0.5, -2], [-0.55, -0.45, -2], [-1, -0.7, -2]),
      sample(1, [-1.5], [-1.9], [-1.5]),
    ],
  };
}

const own = (recipe = {}): Terms =>
  ownTerms(updateOptions({ algorithm: 'grpo', loss_type: 'grpo', beta: 0, ...recipe }));
const A = 1 / (Math.SQRT2 + 1e-4);

describe('an update of one group', () => {
  it('pushes every token by its advantage over the normaliser; every ratio is 1', () => {
    const { advantages, tokens, pushes } = updateOf(group(), own());
    expect(advantages[0]).toBeCloseTo(A, 12);
    expect(tokens[0]!.map(({ push }) => push)).toEqual(
      Array.from({ length: 3 }, () => expect.closeTo(A / (2 * 3), 12) as number),
    );
    expect(tokens[1]![0]!.push).toBeCloseTo(-A / 2, 12);
    expect(tokens.flat().every(({ ratio, clipped }) => ratio === 1 && !clipped)).toBe(true);
    expect(pushes[0]).toBeCloseTo(A / 2, 12);
  });

  it('follows each term that is changed', () => {
    const none = updateOf(group(), { ...own(), scale: 'none' });
    expect(none.advantages).toEqual([1, -1]);
    const dapo = updateOf(group(), own({ loss_type: 'dapo' }));
    expect(dapo.tokens[0]![0]!.push).toBeCloseTo(A / 4, 12);
    const dr = updateOf(group(), own({ loss_type: 'dr_grpo', max_completion_length: 10 }));
    expect(dr.tokens[0]![0]!.push).toBeCloseTo(A / 20, 12);
    // The KL pulls the second token, which is likelier than under the reference, back.
    const kl = updateOf(group(), own({ beta: 0.5 })).tokens[0]!;
    expect(kl[0]!.push).toBeCloseTo(A / 6, 12);
    expect(kl[1]!.push).toBeCloseTo((A - 0.5 * (1 - Math.exp(-0.2))) / 6, 12);
  });

  it('clips in the second update, on the side of the advantage', () => {
    const second = (epsilon: number) =>
      updateOf(group(), { ...own(), epsilon, epsilonHigh: epsilon, second: true }).tokens;
    const [first] = second(0.2);
    expect(first![0]!.ratio).toBeCloseTo(Math.exp(0.45), 12);
    expect(first!.map(({ clipped }) => clipped)).toEqual(['high', undefined, undefined]);
    expect(first![0]!.push).toBe(0);
    expect(first![1]!.push).toBeCloseTo((A * Math.exp(0.05)) / 6, 12);
    expect(second(0.01)[0]![1]).toMatchObject({ clipped: 'high', push: 0 });
    expect(second(0.2)[1]![0]).toMatchObject({ clipped: 'low', push: 0 });
  });

  it('leaves out what the mask leaves out', () => {
    const cut = updateOf(group({ truncated: true }), own({ mask_truncated_completions: true }));
    expect(cut.tokens.flat().every(({ kept, push }) => !kept && push === 0)).toBe(true);
    const forks = updateOf(group(), own({ top_entropy_quantile: 0.5 })).tokens;
    expect(forks.flat().map(({ kept }) => kept)).toEqual([false, false, true, true]);
    expect(forks[0]![0]!.push).toBe(0);
    expect(forks[0]![2]!.push).toBeGreaterThan(0);
  });

  it('has no KL where the run kept no reference', () => {
    const { text, logp, after, entropy } = group().samples[0]!.trace!;
    const bare = group({ trace: { text, logp, after: after!, entropy } });
    expect(isWhole(bare)).toBe(true);
    expect(hasReference(bare)).toBe(false);
    expect(updateOf(bare, own({ beta: 0.5 })).pushes).toEqual(updateOf(bare, own()).pushes);
    expect(isWhole(group({ trace: { text: [], logp: [], entropy: [] } }))).toBe(false);
  });
});

describe('variants on one group', () => {
  const pushes = (id: string, second: boolean): number[] => {
    const terms = { ...own(), second };
    const variant = VARIANTS.find((one) => one.id === id)!;
    return updateOf(group(), withVariant(terms, variant, own())).pushes;
  };

  it.each(VARIANTS.map(({ id }) => id))('%s makes the better try likelier', (id) => {
    expect(pushes(id, false)[0]).toBeGreaterThan(0);
    expect(pushes(id, false)[1]).toBeLessThan(0);
  });

  it('differ by length at ratio 1, and by what they clip after it', () => {
    expect(pushes('dapo', false)).toEqual(pushes('bnpo', false));
    expect(pushes('dapo', false)[0]).toBeGreaterThan(pushes('grpo', false)[0]!);
    // One ratio a try, the mean of the moves: 0.5 / 3 is inside the range, -0.4 is not.
    expect(pushes('gspo', true)[0]).toBeGreaterThan(pushes('grpo', true)[0]!);
    expect(pushes('gspo', true)[1]).toBe(0);
    // cispo drops no token.
    expect(pushes('cispo', true)[1]).toBeLessThan(0);
  });

  it('keep the clip range of the run when one comes back from cispo', () => {
    const run = own({ epsilon_high: 0.28 });
    const of = (id: string) => VARIANTS.find((one) => one.id === id)!;
    const cispo = withVariant(run, of('cispo'), run);
    expect(cispo.epsilonHigh).toBe(5);
    expect(variantOf(cispo)!.id).toBe('cispo');
    expect(withVariant(cispo, of('gspo'), run)).toMatchObject({
      epsilonHigh: 0.28,
      importanceSamplingLevel: 'sequence',
    });
    expect(variantOf({ ...run, lossType: 'sapo' })).toBeUndefined();
  });
});
