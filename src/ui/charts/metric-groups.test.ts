import { describe, expect, it } from 'vitest';
import { groupMetrics, metricChart } from './metric-groups.ts';

const keys = ['reward', 'rewards/b/mean', 'kl', 'rewards/a/mean', 'eval_reward', 'loss/value_avg'];

describe('groupMetrics', () => {
  it('groups by prefix, those without one first', () => {
    expect(groupMetrics(keys)).toEqual([
      { name: 'general', keys: ['kl', 'reward'] },
      { name: 'rewards', keys: ['rewards/a/mean', 'rewards/b/mean'] },
      { name: 'eval', keys: ['eval_reward'] },
      { name: 'loss', keys: ['loss/value_avg'] },
    ]);
  });
  it('finds by name and by meaning', () => {
    expect(groupMetrics(keys, 'VALUE loss')).toEqual([{ name: 'loss', keys: ['loss/value_avg'] }]);
    expect(groupMetrics(keys, 'critic')).toEqual([{ name: 'loss', keys: ['loss/value_avg'] }]);
    expect(groupMetrics(keys, 'nothing like it')).toEqual([]);
  });
});

it('explains a metric, its held-out twin and a named reward', () => {
  expect(metricChart('kl').note).toMatch(/reference model/);
  expect(metricChart('eval_kl').note).toMatch(/^On the held-out prompts: mean distance/);
  expect(metricChart('rewards/brevity/mean').note).toContain('“brevity”');
  expect(metricChart('made_up').note).toBe('');
  expect(metricChart('constructor').note).toBe('');
});
