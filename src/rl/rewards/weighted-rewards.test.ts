import { expect, it } from 'vitest';
import type { Reward } from './reward.ts';
import { NotFiniteError } from '../../model/errors.ts';
import { checkSpread, WeightedRewards } from './weighted-rewards.ts';

const reward = (name: string, of: (response: string) => number): Reward => ({
  name,
  score: (texts) => Promise.resolve(texts.map(({ response }) => of(response))),
});
const REWARDS = [
  reward('length', (response) => response.length),
  reward('polite', (response) => (response.startsWith('please') ? 1 : 0)),
];
const texts = ['please do', 'do'].map((response) => ({ prompt: 'do?', response }));

it('returns each reward by name without its weight, and their weighted sum', async () => {
  expect(await new WeightedRewards(REWARDS, [-0.5, 2]).score(texts)).toEqual([
    { reward: -2.5, rewards: { length: 9, polite: 1 } },
    { reward: -1, rewards: { length: 2, polite: 0 } },
  ]);
  expect((await new WeightedRewards(REWARDS).score(texts)).map((s) => s.reward)).toEqual([10, 2]);
});

it('returns no scores for no texts', async () => {
  expect(await new WeightedRewards(REWARDS, [1, 1]).score([])).toEqual([]);
});

it.each([
  [NaN, 'odd is NaN for the response "please do"'],
  [-Infinity, 'odd is -Infinity for'],
  [1e308, 'the weighted sum of the rewards is Infinity for'],
])('refuses a reward of %s by name', async (value, sentence) => {
  const rewards = new WeightedRewards([reward('odd', () => value)], [10]);
  await expect(rewards.score(texts)).rejects.toThrow(sentence);
});

it('refuses a reward that returns too few numbers', async () => {
  const short: Reward = { name: 'short', score: () => Promise.resolve([1]) };
  await expect(new WeightedRewards([short]).score(texts)).rejects.toThrow('short is undefined for');
});

it('names the reward whose model computes no finite number', async () => {
  const broken: Reward = {
    name: 'judge',
    score: () => Promise.reject(new NotFiniteError('A score is NaN')),
  };
  await expect(new WeightedRewards([broken]).score(texts)).rejects.toThrow(
    /^judge: A score is NaN\. The model's weights are damaged/,
  );
});

it.each([
  [[1e300, 1e300, 1e300, 1e300], true],
  [[1e100, -1e100], true],
  [[1e308, 1e308], false],
  [[1e308, -1e308], false],
])('the rewards %j of one prompt can be compared: %s', (rewards, fine) => {
  const check = () => checkSpread(rewards);
  if (fine) expect(check).not.toThrow();
  else expect(check).toThrow(/^The rewards of one prompt go from .*Return smaller numbers\.$/);
});
