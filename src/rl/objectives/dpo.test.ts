import { describe, expect, it } from 'vitest';
import { choosePair, dpoLoss, type PairLogps } from './dpo.ts';

const pairs: PairLogps[] = [
  { chosen: -10, rejected: -12, refChosen: -11, refRejected: -11.5 },
  { chosen: -30, rejected: -20, refChosen: -25, refRejected: -21 },
];

describe('dpoLoss', () => {
  it('agrees with numbers calculated by hand', () => {
    const r = dpoLoss(pairs, 0.1, 2);
    const nll = (margin: number) => Math.log(1 + Math.exp(-margin));
    expect(r.loss).toBeCloseTo((nll(0.15) + nll(-0.6)) / 2, 12);
    expect(r.chosenRewards).toBeCloseTo(0.1 - 0.5, 12);
    expect(r.rejectedRewards).toBeCloseTo(-0.05 + 0.1, 12);
    expect(r.correct).toBe(1);
  });

  it('has the gradient of central differences', () => {
    const r = dpoLoss(pairs, 0.1, 2);
    pairs.forEach((pair, i) => {
      const slope = (key: 'chosen' | 'rejected') => {
        const at = (h: number) =>
          dpoLoss(
            pairs.map((p, j) => (j === i ? { ...p, [key]: pair[key] + h } : p)),
            0.1,
            2,
          ).loss;
        return (at(1e-4) - at(-1e-4)) / 2e-4;
      };
      expect(r.dChosen[i]).toBeCloseTo(slope('chosen'), 8);
      expect(r.dRejected[i]).toBeCloseTo(slope('rejected'), 8);
    });
  });

  it('does not overflow for distant log-probs', () => {
    const far = { chosen: -9000, rejected: 0, refChosen: 0, refRejected: 0 };
    expect(dpoLoss([far], 1, 1).loss).toBe(9000);
    expect(dpoLoss([{ ...far, chosen: 0, rejected: -9000 }], 1, 1).loss).toBe(0);
  });
});

describe('choosePair', () => {
  const sample = (reward: number, wellFormed = true) => ({ reward, wellFormed });
  it('takes the best and the worst', () => {
    const group = [sample(1), sample(3), sample(-2), sample(3)];
    expect(choosePair(group)).toEqual({ chosen: 1, rejected: 2 });
  });
  it('drops completions without a delimiter', () => {
    const group = [sample(9, false), sample(1), sample(2), sample(-9, false)];
    expect(choosePair(group)).toEqual({ chosen: 2, rejected: 1 });
  });
  it('finds no pair if there is nothing to compare', () => {
    expect(choosePair([])).toBeUndefined();
    expect(choosePair([sample(1)])).toBeUndefined();
    expect(choosePair([sample(2), sample(2), sample(5, false)])).toBeUndefined();
  });
});
