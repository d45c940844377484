import { describe, expect, it } from 'vitest';
import type { Sample, TokenTrace } from '../../rl/report.ts';
import { available, mostMoved, tokenName } from './quantities.ts';

const sample = (trace?: Partial<TokenTrace>): Sample => ({
  completion: '',
  thought: null,
  response: '',
  wellFormed: true,
  truncated: false,
  tokens: 2,
  reward: 0,
  advantage: 0.5,
  ...(trace && { trace: { text: ['a', ''], logp: [-1, -2], entropy: [1, 2], ...trace } }),
});
const ids = (samples: Sample[]): string[] => available(samples).map(({ id }) => id);

describe('available', () => {
  it('leaves out what a trace lacks', () => {
    expect(ids([sample({})])).toEqual(['advantage', 'logp', 'entropy']);
    expect(ids([sample({ after: [0, 0], kl: [0, 0] })])).toContain('change');
    expect(ids([sample()])).toEqual([]);
  });

  it('gives all tokens the advantage of their try, unless they have one of their own', () => {
    const values = (one: Sample) => available([one])[0]!.of(one.trace!, one);
    expect(values(sample({}))).toEqual([0.5, 0.5]);
    expect(values(sample({ advantage: [1, 2] }))).toEqual([1, 2]);
  });

  it('subtracts the value before the update from the value after it', () => {
    const one = sample({ after: [-0.5, -3] });
    const change = available([one]).find(({ id }) => id === 'change')!;
    expect(change.of(one.trace!, one)).toEqual([0.5, -1]);
  });
});

describe('tokenName', () => {
  it('names what cannot be seen', () => {
    expect(tokenName([' rice', '', '\n', ' ', ''], 0)).toBe('rice');
    expect(tokenName([' rice', '', '\n', ' ', ''], 1)).toBe('·');
    expect(tokenName([' rice', '', '\n', ' ', ''], 2)).toBe('↵');
    expect(tokenName([' rice', '', '\n', ' ', ''], 3)).toBe('␣');
    expect(tokenName([' rice', '', '\n', ' ', ''], 4)).toBe('end');
  });
});

describe('mostMoved', () => {
  it('goes by probability, not by log-prob', () => {
    // The first token is rare: doubled, it moves by 0.001; the second goes from 0.5 to 0.6.
    const logp = [Math.log(0.001), Math.log(0.5)];
    const after = [Math.log(0.002), Math.log(0.6)];
    const [first, second] = mostMoved([sample(), sample({ logp, after })], 8);
    expect(first).toMatchObject({ sample: 1, token: 1 });
    expect(first!.after - first!.before).toBeCloseTo(0.1, 12);
    expect(second).toMatchObject({ sample: 1, token: 0 });
    expect(mostMoved([sample({ logp, after })], 1)).toHaveLength(1);
    expect(mostMoved([sample({})], 8)).toEqual([]);
    // A move that would be printed as 93% -> 93% is none.
    const still = [Math.log(0.93), Math.log(0.5)];
    expect(mostMoved([sample({ logp: still, after: still })], 8)).toEqual([]);
  });
});
