import { expect, it } from 'vitest';
import type { Evaluated } from './evaluate.ts';
import { lengthsOverTraining, trainingCost } from './analysis.ts';
import { compareEvaluations } from './compare.ts';

const metrics = Array.from({ length: 6 }, (_, i) => ({
  step: i + 1,
  'completions/mean_length': 10 + i,
  'completions/mean_thought_length': i,
  'completions/mean_response_length': 2,
  step_time: 0.5,
  num_tokens: 100 * (i + 1),
}));

it('lengths are averaged over stretches of training', () => {
  expect(lengthsOverTraining([{ step: 0, eval_reward: 1 }, ...metrics], 3)).toEqual([
    { from: 1, to: 2, thought: 0.5, response: 2, tokens: 10.5 },
    { from: 3, to: 4, thought: 2.5, response: 2, tokens: 12.5 },
    { from: 5, to: 6, thought: 4.5, response: 2, tokens: 14.5 },
  ]);
  expect(lengthsOverTraining([{ step: 1, loss: 1 }])).toEqual([]);
});

it('cost counts every completion of every step', () => {
  expect(trainingCost(metrics, 4)).toEqual({
    steps: 6,
    seconds: 3,
    trained_tokens: 600,
    generated_tokens: 4 * (10 + 11 + 12 + 13 + 14 + 15),
  });
});

const row = (prompt: string, score: number, response = 'ab'): Evaluated => ({
  prompt,
  thought: null,
  response,
  rewards: { judge: score, own: 1 },
  gold: -score,
  well_formed: true,
  truncated: false,
});

it('a comparison has one entry per judge, and needs the same prompts', () => {
  const prompts = Array.from({ length: 30 }, (_, i) => `p${i}`);
  const ours = prompts.map((prompt, i) => row(prompt, i % 3 === 0 ? 0 : 2));
  const theirs = prompts.map((prompt) => {
    const { rewards, ...rest } = row(prompt, 1);
    return { ...rest, rewards: { judge: rewards.judge! } };
  });
  const [judge, gold, ...others] = compareEvaluations(ours, theirs);
  expect(others).toEqual([]);
  expect(judge).toMatchObject({ judge: 'judge', baseline: 1 });
  expect(judge!.win_rate.mean).toBeCloseTo(2 / 3, 12);
  expect(judge!.lc_win_rate.mean).toBeCloseTo(2 / 3, 2);
  expect(judge!.style_controlled_win_rate.mean).toBeCloseTo(2 / 3, 2);
  expect(judge!.difference.mean).toBeCloseTo(1 / 3, 12);
  expect(judge!.win_rate.low).toBeLessThan(2 / 3);
  expect(gold!.judge).toBe('gold');
  expect(gold!.win_rate.mean).toBeCloseTo(1 / 3, 12);
  expect(gold!.score.mean).toBeCloseTo(-judge!.score.mean, 9);
  expect(() => compareEvaluations(ours, [...theirs].reverse())).toThrow(/same prompts/);
});

it('a comparison counts slight wins beyond the length margin as ties', () => {
  // The scores spread over nine, so a difference of one is a slight win.
  const scores = Array.from({ length: 10 }, (_, i) => i);
  const theirs = scores.map((score) => row(`p${score}`, score));
  const ours = scores.map((score) => row(`p${score}`, score + 1, 'ab'.repeat(10)));
  const score = (margin?: number) => compareEvaluations(ours, theirs, 0, margin)[0]!.score.mean;
  expect(score()).toBe(50);
  expect(score(18)).toBe(50);
  expect(score(17)).toBe(0);
});
