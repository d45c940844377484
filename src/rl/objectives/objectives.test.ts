import { describe, expect, it } from 'vitest';
import { advantages, fractionZeroStd } from './advantages.ts';
import { std } from '../statistics.ts';
import { learningRate } from '../trainers/schedule.ts';
import { splitCompletion } from '../rollout/completion.ts';
import { bradleyTerryLoss } from './bradley-terry.ts';
import { entropyThreshold, grpoLoss, type CompletionTerms, type GrpoOptions } from './grpo.ts';
import { sftLoss } from './sft.ts';

const options: GrpoOptions = {
  epsilon: 0.2,
  epsilonHigh: 0.28,
  beta: 0.05,
  lossType: 'dapo',
  importanceSamplingLevel: 'token',
  maxCompletionLength: 10,
};

const completions: CompletionTerms[] = [
  {
    advantage: 0.7,
    entropy: [0.3, 1.2, 0.7],
    logp: [-1, -0.3, -2.2],
    oldLogp: [-1.1, -0.35, -1.2],
    refLogp: [-1.3, -0.2, -2],
    active: true,
  },
  {
    advantage: -1.2,
    entropy: [2, 0.1],
    logp: [-0.5, -1.4],
    oldLogp: [-0.1, -2],
    refLogp: [-0.6, -1],
    active: true,
  },
  { advantage: 3, logp: [-1], oldLogp: [-1], refLogp: [-1], entropy: [9], active: false },
];
const totals = { completions: 3, activeTokens: 5 };

describe('advantages', () => {
  it('centres and scales each group with n - 1 and 1e-4', () => {
    const [group, equal] = advantages(
      [
        [1, 2, 3, 6],
        [5, 5, 5, 5],
      ],
      'group',
    );
    const s = Math.sqrt((4 + 1 + 0 + 9) / 3) + 1e-4;
    expect(group).toEqual([-2 / s, -1 / s, 0, 3 / s]);
    expect(equal).toEqual([0, 0, 0, 0]);
  });
  it('scales by the batch or not at all', () => {
    const rewards = [
      [0, 2],
      [10, 10],
    ];
    expect(advantages(rewards, 'none')).toEqual([
      [-1, 1],
      [0, 0],
    ]);
    expect(advantages(rewards, 'batch')[0]![1]).toBeCloseTo(1 / (std([0, 2, 10, 10]) + 1e-4), 12);
    expect(fractionZeroStd(rewards)).toBe(0.5);
  });
});

describe('grpoLoss', () => {
  it('on policy without KL is minus the mean advantage, with the policy gradient', () => {
    const onPolicy = completions.slice(0, 2).map((c) => ({ ...c, oldLogp: c.logp }));
    const r = grpoLoss(onPolicy, { ...options, beta: 0 }, totals);
    expect(r.loss).toBeCloseTo(-(3 * 0.7 - 2 * 1.2) / 5, 12);
    expect(r.dLogp[0]![0]).toBeCloseTo(-0.7 / 5, 12);
    expect(r.dLogp[1]![1]).toBeCloseTo(1.2 / 5, 12);
  });

  it('clips and adds k3, by hand', () => {
    const r = grpoLoss(completions, options, totals);
    const rho = [Math.exp(0.1), Math.exp(0.05), Math.exp(-1), Math.exp(-0.4), Math.exp(0.6)];
    const policy =
      -0.7 * (rho[0]! + rho[1]! + rho[2]!) + // below 1 - eps a positive advantage is not clipped
      1.2 * (0.8 + rho[4]!); // a negative one is below, and not above
    const k3 = (d: number): number => Math.exp(d) - d - 1;
    const kl = k3(-0.3) + k3(0.1) + k3(0.2) + k3(-0.1) + k3(0.4);
    expect(r.klSum).toBeCloseTo(kl, 12);
    expect(r.loss).toBeCloseTo((policy + 0.05 * kl) / 5, 12);
    expect([r.clippedLow, r.clippedHigh, r.tokens]).toEqual([1, 0, 5]);
    expect([...r.dLogp[2]!]).toEqual([0]);
  });

  it('counts clipped ratios as TRL does: of all tokens, or one for each completion', () => {
    // Two of the first completion's ratios are high; the second completion's are low and high.
    const [first, second] = completions as [CompletionTerms, CompletionTerms];
    const moved = [{ ...first, oldLogp: [-1.5, -0.8, -2.2] }, second];
    const counts = (terms: CompletionTerms[], more: Partial<GrpoOptions>): number[] => {
      const { clippedLow, clippedHigh } = grpoLoss(terms, { ...options, ...more }, totals);
      return [clippedLow, clippedHigh];
    };
    expect(counts(moved, {})).toEqual([1, 2]);
    const few = moved.map((terms) => ({ ...terms, kept: [false, true, false] }));
    expect(counts(few, {})).toEqual([1, 2]);
    expect(counts(moved, { importanceSamplingLevel: 'sequence' })).toEqual([0, 1]);
  });

  it.each(['grpo', 'bnpo', 'dr_grpo', 'dapo', 'luspo'] as const)(
    '%s weighs tokens as TRL does',
    (type) => {
      const r = grpoLoss(
        completions.map((c) => ({ ...c, oldLogp: c.logp })),
        { ...options, beta: 0, lossType: type },
        totals,
      );
      const sums = [3 * -0.7, 2 * 1.2];
      const expected = {
        grpo: (sums[0]! / 3 + sums[1]! / 2) / 3,
        bnpo: (sums[0]! + sums[1]!) / 5,
        dapo: (sums[0]! + sums[1]!) / 5,
        dr_grpo: (sums[0]! + sums[1]!) / 30,
        luspo: (sums[0]! + sums[1]!) / 3,
      }[type];
      expect(r.loss).toBeCloseTo(expected, 12);
    },
  );

  it('cispo treats the bounded ratio as a constant, by hand', () => {
    const o = { ...options, beta: 0, lossType: 'cispo' as const, epsilonHigh: 1.5 };
    const r = grpoLoss(completions, o, totals);
    const weights = [Math.exp(0.1), Math.exp(0.05), Math.exp(-1), Math.exp(-0.4), 1.5];
    const logps = [-1, -0.3, -2.2, -0.5, -1.4];
    const terms = weights.map((w, i) => -w * (i < 3 ? 0.7 : -1.2) * logps[i]!);
    expect(r.loss).toBeCloseTo(terms.reduce((a, b) => a + b, 0) / 5, 12);
    const slopes = weights.map((w, i) => (-w * (i < 3 ? 0.7 : -1.2)) / 5);
    [...r.dLogp[0]!, ...r.dLogp[1]!].forEach((d, i) => expect(d).toBeCloseTo(slopes[i]!, 12));
  });

  it('sapo reduces weights smoothly, and has the policy gradient on policy', () => {
    const o = {
      ...options,
      beta: 0,
      lossType: 'sapo' as const,
      sapoTemperature: { pos: 1, neg: 2 },
    };
    const onPolicy = completions.map((c) => ({ ...c, oldLogp: c.logp }));
    expect(grpoLoss(onPolicy, o, totals).dLogp[0]![0]).toBeCloseTo(-0.7 / 9, 12);
    expect(grpoLoss(onPolicy, o, totals).dLogp[1]![0]).toBeCloseTo(1.2 / 6, 12);
    const gate = 1 / (1 + Math.exp(-2 * (Math.exp(0.6) - 1)));
    const moved = grpoLoss(completions, o, totals).dLogp[1]![1];
    expect(moved).toBeCloseTo((4 * gate * (1 - gate) * Math.exp(0.6) * 1.2) / 6, 12);
    const bare: GrpoOptions = { ...options, lossType: 'sapo' };
    expect(() => grpoLoss(completions, bare, totals)).toThrow('sapo needs its temperatures');
  });

  it('vespo bounds the log ratios of tokens and completions, as TRL does', () => {
    const shape = { k: 0.1, lambda: 2 };
    const o = {
      ...options,
      beta: 0,
      lossType: 'vespo',
      vespo: { pos: shape, neg: shape },
    } as const;
    const weightOf = (...logRatios: number[]): number => {
      const oldLogp = logRatios.map((x) => -40 - x);
      const terms = { advantage: 1, logp: logRatios.map(() => -40), oldLogp, active: true };
      return -grpoLoss([terms], o, { completions: 1, activeTokens: 1 }).dLogp[0]![0]!;
    };
    const phi = (logW: number): number => Math.exp(2 + 0.1 * logW - 2 * Math.exp(logW));
    expect(weightOf(-30, 15)).toBeCloseTo(phi(-5), 12);
    expect(weightOf(30, -25)).toBeCloseTo(1, 12);
    expect(weightOf(-19)).toBeCloseTo(phi(Math.log(1e-8)), 12);
  });

  it('vespo weighs a whole completion by its ratio, and treats the weight as a constant', () => {
    const vespo = { pos: { k: 2, lambda: 3 }, neg: { k: 0.5, lambda: 1 } };
    const o = { ...options, beta: 0, lossType: 'vespo' as const, vespo };
    const r = grpoLoss(completions, o, totals);
    const phi = (w: number, k: number, lambda: number) => w ** k * Math.exp(lambda * (1 - w));
    const weights = [phi(Math.exp(-0.85), 2, 3), phi(Math.exp(0.2), 0.5, 1)];
    [...r.dLogp[0]!].forEach((d) => expect(d).toBeCloseTo((-0.7 * weights[0]!) / 5, 12));
    [...r.dLogp[1]!].forEach((d) => expect(d).toBeCloseTo((1.2 * weights[1]!) / 5, 12));
    expect(r.loss).toBeCloseTo((0.7 * 3.5 * weights[0]! - 1.2 * 1.9 * weights[1]!) / 5, 12);
    const bare: GrpoOptions = { ...options, lossType: 'vespo' };
    expect(() => grpoLoss(completions, bare, totals)).toThrow('vespo needs its k and lambda');
  });

  it('falls with the mean entropy of the kept tokens, however a step is split', () => {
    const o = { ...options, entropyCoef: 0.1 };
    const bonus = (parts: CompletionTerms[][]) =>
      parts
        .map((part) => grpoLoss(part, o, totals).loss - grpoLoss(part, options, totals).loss)
        .reduce((a, b) => a + b, 0);
    expect(bonus([completions])).toBeCloseTo((-0.1 * (0.3 + 1.2 + 0.7 + 2 + 0.1)) / 5, 12);
    expect(bonus(completions.map((c) => [c]))).toBeCloseTo(bonus([completions]), 12);
    const kept = completions.map((c, i) => ({ ...c, kept: [i === 0, i > 0, false] }));
    expect(bonus([kept])).toBeCloseTo((-0.1 * (0.3 + 0.1)) / 2, 12);
    const { dEntropy } = grpoLoss(kept, o, totals);
    expect(dEntropy.map((row) => [...row])).toEqual([[-0.05, 0, 0], [0, -0.05], [0]]);
    const without = [{ advantage: 1, logp: [-1], oldLogp: [-1], refLogp: [-1], active: true }];
    expect(() => grpoLoss(without, o, totals)).toThrow('entropy_coef > 0 needs the entropies');
  });

  it('leaves tokens of low entropy out of the policy term, but not out of the KL', () => {
    const kept = completions.map((c, i) => ({ ...c, kept: i === 0 ? [true, false, true] : [] }));
    const all = grpoLoss(completions, options, totals);
    const some = grpoLoss(kept, options, totals);
    expect(some.klSum).toBe(all.klSum);
    expect(some.dLogp[0]![0]).toBe(all.dLogp[0]![0]);
    // Only the slope of k3 remains.
    expect(some.dLogp[0]![1]).toBeCloseTo((0.05 * (1 - Math.exp(0.1))) / 5, 12);
  });

  it('entropyThreshold is the quantile of torch', () => {
    expect(entropyThreshold([4, 1, 3, 2], 0.5)).toBe(2.5);
    expect(entropyThreshold([4, 1, 3, 2], 1)).toBe(1);
    expect(entropyThreshold([4, 1, 3, 2], 0)).toBe(4);
    expect(entropyThreshold([4, 1, 3, 2], 0.2)).toBeCloseTo(3.4, 12);
    expect(entropyThreshold([], 0.2)).toBe(Infinity);
  });

  it.each([
    {},
    { importanceSamplingLevel: 'sequence' as const },
    { delta: 1.5, epsilonHigh: 5 },
    { lossType: 'grpo' as const },
    { lossType: 'dr_grpo' as const },
    { lossType: 'luspo' as const, importanceSamplingLevel: 'sequence' as const },
    { lossType: 'sapo' as const, sapoTemperature: { pos: 3, neg: 0.5 } },
    { useBiasCorrectionKl: true },
    { useBiasCorrectionKl: true, importanceSamplingLevel: 'sequence' as const },
    { entropyCoef: 0.1 },
  ])('has the gradient of central differences (%j)', (change) => {
    const o = { ...options, ...change };
    const { dLogp } = grpoLoss(completions, o, totals);
    completions.forEach((c, i) =>
      Array.from(c.logp).forEach((_, t) => {
        const at = (h: number): number => {
          const logp = Array.from(c.logp);
          logp[t]! += h;
          const moved = completions.map((other, j) => (j === i ? { ...other, logp } : other));
          return grpoLoss(moved, o, totals).loss;
        };
        expect(dLogp[i]![t]).toBeCloseTo((at(1e-5) - at(-1e-5)) / 2e-5, 8);
      }),
    );
  });
});

it('sftLoss is the mean negative log-prob', () => {
  const { loss, dLogp } = sftLoss([-1, -2], 4);
  expect(loss).toBe(0.75);
  expect([...dLogp]).toEqual([-0.25, -0.25]);
});

describe('bradleyTerryLoss', () => {
  it('agrees with numbers calculated by hand', () => {
    const r = bradleyTerryLoss([1, 0], [0, 2], [0, 0], 0, 2);
    expect(r.loss).toBeCloseTo((Math.log(1 + Math.exp(-1)) + Math.log(1 + Math.exp(2))) / 2, 12);
    expect([r.correct, r.marginSum]).toEqual([1, -1]);
    // A pair whose difference is below its margin still has a loss, but counts as ranked.
    const short = bradleyTerryLoss([1], [0], [3], 0, 1);
    expect(short.loss).toBeCloseTo(Math.log(1 + Math.exp(2)), 12);
    expect([short.correct, short.marginSum]).toEqual([1, 1]);
  });
  it('has the gradient of central differences', () => {
    const chosen = [0.3, -1.2];
    const rejected = [0.9, -3];
    const margins = [0.4, -1];
    const r = bradleyTerryLoss(chosen, rejected, margins, 0.01, 2);
    for (const i of [0, 1]) {
      const at = (c: number, d: number): number =>
        bradleyTerryLoss(
          chosen.map((v, j) => v + (j === i ? c : 0)),
          rejected.map((v, j) => v + (j === i ? d : 0)),
          margins,
          0.01,
          2,
        ).loss;
      expect(r.dChosen[i]).toBeCloseTo((at(1e-5, 0) - at(-1e-5, 0)) / 2e-5, 8);
      expect(r.dRejected[i]).toBeCloseTo((at(0, 1e-5) - at(0, -1e-5)) / 2e-5, 8);
    }
  });
  it('does not overflow for distant scores', () => {
    expect(bradleyTerryLoss([800], [-800], [0], 0, 1).loss).toBe(0);
    expect(bradleyTerryLoss([-800], [800], [0], 0, 1).loss).toBe(1600);
  });
});

describe('splitCompletion', () => {
  it('splits on the first delimiter only', () => {
    expect(splitCompletion('plan a </think> hi </think> x', true, 'lenient')).toEqual({
      thought: 'plan a',
      response: 'hi </think> x',
      wellFormed: true,
    });
  });
  it('handles a missing delimiter by `malformed`', () => {
    expect(splitCompletion('all of it', true, 'lenient')).toMatchObject({
      response: 'all of it',
      wellFormed: false,
    });
    expect(splitCompletion('all of it', true, 'strict').response).toBe('');
    expect(splitCompletion('all of it', false, 'strict')).toEqual({
      thought: null,
      response: 'all of it',
      wellFormed: true,
    });
  });
});

describe('learningRate', () => {
  it('warms up, then decays', () => {
    const at = (step: number): number => learningRate('cosine', 1, step, 110, 10);
    expect([at(0), at(5), at(10)]).toEqual([0, 0.5, 1]);
    expect(at(60)).toBeCloseTo(0.5, 12);
    expect(learningRate('linear', 2, 60, 110, 10)).toBeCloseTo(1, 12);
    expect(learningRate('constant', 2, 0, 110, 10)).toBe(2);
  });
});
