import { describe, expect, it } from 'vitest';
import {
  episodeTargets,
  generalizedAdvantages,
  ppoLoss,
  whiten,
  type Episode,
  type PpoRewardOptions,
  type PpoTerms,
} from './ppo.ts';

const options: PpoRewardOptions = {
  klCoef: 0.1,
  klEstimator: 'k1',
  klIn: 'reward',
  missingEosPenalty: 1,
  whitenRewards: false,
  gamma: 0.9,
  lam: 0.8,
};

const episodes: Episode[] = [
  {
    logp: [-1, -2, -0.5],
    refLogp: [-1.5, -1, -0.25],
    values: [0.1, 0.4, 0.2],
    score: 2,
    finished: true,
  },
  { logp: [-3, -0.2], refLogp: [-2, -0.4], values: [-0.3, 0.6], score: -1, finished: false },
];

describe('episodeTargets', () => {
  it('has the score at the last token and the KL everywhere, by hand', () => {
    const [first, second] = episodeTargets(episodes, options);
    expect([...first!.tokenRewards]).toEqual([-0.05, 0.1, 2.025]);
    expect([...first!.kl]).toEqual([0.5, -1, -0.25]);
    // It was cut off, so its score is 1 lower.
    expect(second!.score).toBe(-2);
    expect(second!.tokenRewards[1]).toBeCloseTo(-2 - 0.02, 12);
    // The returns are the advantages before whitening, plus the values.
    const plain = generalizedAdvantages(second!.tokenRewards, episodes[1]!.values, 0.9, 0.8);
    expect(second!.returns[1]).toBeCloseTo(plain[1]! + 0.6, 12);
  });

  it('leaves the penalty to the loss with klIn loss', () => {
    const [first] = episodeTargets(episodes, { ...options, klIn: 'loss', klEstimator: 'k3' });
    expect([...first!.tokenRewards].map(Math.abs)).toEqual([0, 0, 2]);
    expect(first!.kl[0]).toBeCloseTo(Math.exp(-0.5) + 0.5 - 1, 12);
  });

  it('needs no reference without a penalty', () => {
    const [one] = episodeTargets([{ ...episodes[0]!, refLogp: [] }], { ...options, klCoef: 0 });
    expect([...one!.kl]).toEqual([0, 0, 0]);
  });
});

describe('generalizedAdvantages', () => {
  it('is the return minus the value when gamma and lambda are 1', () => {
    const got = generalizedAdvantages([1, 2, 3], [0.5, 0.25, -1], 1, 1);
    expect([...got]).toEqual([5.5, 4.75, 4]);
  });
  it('is the one-step error when lambda is 0', () => {
    const got = generalizedAdvantages([1, 2], [0.5, 0.25], 0.5, 0);
    expect([...got]).toEqual([1 + 0.125 - 0.5, 1.75]);
  });
});

it('whiten centres and scales over all rows', () => {
  const rows = [Float64Array.of(1, 2), Float64Array.of(6)];
  const centred = whiten(rows, true);
  const s = Math.sqrt(7 + 1e-8);
  expect([...centred[0]!]).toEqual([-2 / s, -1 / s]);
  expect(centred[1]![0]).toBeCloseTo(3 / s, 12);
  expect(whiten(rows, false)[1]![0]).toBeCloseTo(3 / s + 3, 12);
  expect([...whiten([Float64Array.of(5)], true)[0]!]).toEqual([0]);
});

describe('ppoLoss', () => {
  const terms: PpoTerms[] = [
    {
      logp: [-1, -0.3, -2.2],
      oldLogp: [-1.1, -0.9, -1.2],
      refLogp: [-1.3, -0.2, -2],
      advantages: [0.7, 1.1, -0.4],
      values: [0.3, 0.9, -0.2],
      oldValues: [0.25, 0.2, -0.1],
      returns: [1, -0.5, 0.4],
    },
    {
      logp: [-0.5],
      oldLogp: [-0.1],
      refLogp: [-0.6],
      advantages: [-1.2],
      values: [2],
      oldValues: [1],
      returns: [1.8],
    },
  ];
  const loss = { cliprange: 0.2, cliprangeValue: 0.2, klCoef: 0.3 };

  it('clips ratios and values, by hand', () => {
    const r = ppoLoss(terms, { ...loss, klCoef: 0 }, 4);
    const policy = -0.7 * Math.exp(0.1) - 1.1 * 1.2 + 0.4 * 0.8 + 1.2 * 0.8;
    expect(r.policyLoss).toBeCloseTo(policy / 4, 12);
    expect(r.clipped).toBe(3);
    // (0.9 + 0.5)^2 is the larger one; at the last token the clipped 1.2 is further from 1.8 than 2 is.
    const value = (0.49 + 1.96 + 0.36 + 0.36) / 2;
    expect(r.valueLoss).toBeCloseTo(value / 4, 12);
    expect(r.valuesClipped).toBe(1);
    expect(r.approxKlSum).toBeCloseTo((0.01 + 0.36 + 1 + 0.16) / 2, 12);
  });

  it('adds k3 to the policy loss, by hand', () => {
    const k3 = (d: number): number => Math.exp(d) - d - 1;
    const kl = k3(-0.3) + k3(0.1) + k3(0.2) + k3(-0.1);
    const r = ppoLoss(terms, loss, 4);
    const free = ppoLoss(terms, { ...loss, klCoef: 0 }, 4);
    expect(r.klSum).toBeCloseTo(kl, 12);
    expect(r.policyLoss - free.policyLoss).toBeCloseTo((0.3 * kl) / 4, 12);
    expect(r.valueLoss).toBe(free.valueLoss);
    expect(r.dLogp[0]![1]).toBeCloseTo((0.3 * (1 - Math.exp(0.1))) / 4, 12);
  });

  it('has the gradients of central differences', () => {
    const { dLogp, dValues } = ppoLoss(terms, loss, 4);
    const moved = (i: number, key: 'logp' | 'values', t: number, h: number) =>
      ppoLoss(
        terms.map((one, j) => {
          const row = Array.from(one[key]);
          if (j === i) row[t]! += h;
          return { ...one, [key]: row };
        }),
        loss,
        4,
      );
    terms.forEach((one, i) =>
      Array.from(one.logp).forEach((_, t) => {
        const policy = (h: number) => moved(i, 'logp', t, h).policyLoss;
        const value = (h: number) => moved(i, 'values', t, h).valueLoss;
        expect(dLogp[i]![t]).toBeCloseTo((policy(1e-5) - policy(-1e-5)) / 2e-5, 8);
        expect(dValues[i]![t]).toBeCloseTo((value(1e-5) - value(-1e-5)) / 2e-5, 8);
      }),
    );
  });
});
