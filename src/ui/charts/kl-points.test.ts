import { expect, it } from 'vitest';
import type { MetricsRow } from '../../rl/report.ts';
import { klLine, klPoints, scale } from './kl-points.ts';

it('takes the steps that measured KL, reward and gold, nearest first', () => {
  const rows: MetricsRow[] = [
    { step: 0, eval_reward: 9, eval_gold: 9 },
    { step: 1, reward: 1, gold: 2, kl: 0.04 },
    { step: 2, reward: 2, gold: 3, kl: 0.01 },
    { step: 3, reward: 3, kl: 0.09 },
    { step: 4, reward: 4, gold: 5, kl: -0.001 },
  ];
  const points = klPoints(rows);
  expect(points.map(({ step }) => step)).toEqual([4, 2, 1]);
  expect(points.map(({ distance }) => distance)).toEqual([0, 0.1, 0.2]);
  expect(points[1]).toMatchObject({ reward: 2, gold: 3 });
  expect(klPoints([{ step: 1, reward: 1, gold: 1, kl: 4 }])[0]!.distance).toBe(2);
  expect(klPoints([{ step: 1, reward: 1, gold: 1 }])).toEqual([]);
  // PPO without a reference has nothing but this, which is then 0 whatever the policy did.
  expect(klPoints([{ step: 1, reward: 1, gold: 1, 'objective/kl': 0 }])).toEqual([]);
});

it('the line is the mean of neighbours', () => {
  const points = [0, 1, 2, 3, 4].map((i) => ({ step: i, distance: i, reward: i * i, gold: 1 }));
  const line = klLine(points, 'reward');
  expect(line).toHaveLength(5);
  expect(line[0]).toEqual([1, 5 / 3]);
  expect(line[2]).toEqual([2, 6]);
  expect(klLine(points, 'gold')[3]![1]).toBe(1);
});

it('a scale goes from end to end', () => {
  expect([2, 3, 4].map(scale([2, 4], [100, 0]))).toEqual([100, 50, 0]);
});
