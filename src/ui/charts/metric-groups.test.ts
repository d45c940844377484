import { describe, expect, it } from 'vitest';
import { groupMetrics, metricChart } from './metric-groups.ts';

const keys = ['reward', 'rewards/b/mean', 'kl', 'rewards/a/mean', 'eval_reward', 'loss/value_avg'];

describe('groupMetrics', () => {
  it('groups by prefix, those without one first', () => {
    expect(groupMetrics(keys)).toEqual([
      { prefix: '', label: 'The run as a whole', keys: ['kl', 'reward'] },
      { prefix: 'rewards', label: 'Each reward', keys: ['rewards/a/mean', 'rewards/b/mean'] },
      { prefix: 'eval', label: 'On held-out prompts', keys: ['eval_reward'] },
      { prefix: 'loss', label: 'Losses', keys: ['loss/value_avg'] },
    ]);
  });
  it('finds by name and by meaning', () => {
    const [found, ...others] = groupMetrics(keys, 'VALUE loss');
    expect(others).toEqual([]);
    expect(found).toMatchObject({ prefix: 'loss', keys: ['loss/value_avg'] });
    expect(groupMetrics(keys, 'critic')).toEqual([found]);
    expect(groupMetrics(keys, 'nothing like it')).toEqual([]);
  });
  it('shows a prefix that it does not know', () => {
    expect(groupMetrics(['constructor/x'])[0]).toMatchObject({ label: 'constructor' });
  });
});

it('explains a metric, its held-out twin and a named reward', () => {
  expect(metricChart('kl').note).toMatch(/reference model/);
  expect(metricChart('eval_kl').note).toMatch(/^On the held-out prompts: mean distance/);
  expect(metricChart('rewards/brevity/mean').note).toContain('“brevity”');
  expect(metricChart('made_up').note).toBe('');
  expect(metricChart('constructor').note).toBe('');
});
