import { describe, expect, it } from 'vitest';
import { readLink, writeLink } from './link.ts';

const nothing = { view: 'watch', overrides: {}, hidden: [], locked: false } as const;

describe('a link', () => {
  it('comes back as it was', () => {
    const state = {
      view: 'set-up' as const,
      overrides: {
        algorithm: 'grpo',
        seed: 3,
        thinking: false,
        learning_rate: 0.0003,
        model_name_or_path: 'stored:my & own/model, b',
        reward_model_name_or_path: null,
        reward_funcs: ['public/rules/long-answer.js', 'stored:my, rule.js'],
        reward_weights: [1, 0.5],
        lora_target_modules: ['q_proj', 'v_proj'],
        datasets: [{ path: 'json', data_files: ['a,b.jsonl'], split: 'train' }],
      },
      hidden: ['models', 'recipe'],
      locked: true,
    };
    expect(readLink(writeLink(state))).toEqual({ ...state, unknown: [] });
  });

  it('is readable', () => {
    const overrides = { seed: 3, thinking: false, gold: 'public/models/second-reward' };
    expect(writeLink({ view: 'try', overrides, hidden: ['models', 'taste'], locked: true })).toBe(
      '#/try?seed=3&thinking=false&gold=public/models/second-reward&hide=models,taste&lock=1',
    );
  });

  it('is empty if everything is as the default, and an anchor sets nothing', () => {
    expect(writeLink(nothing)).toBe('');
    expect(readLink('')).toEqual({ ...nothing, unknown: [] });
    expect(readLink('#curves')).toEqual({ ...nothing, unknown: [] });
    expect(readLink('#/nowhere')).toEqual({ ...nothing, unknown: [] });
  });

  it('names a view, with and without settings; older links have none', () => {
    expect(writeLink({ ...nothing, view: 'runs' })).toBe('#/runs');
    expect(readLink('#/runs')).toEqual({ ...nothing, view: 'runs', unknown: [] });
    expect(readLink('#/runs?')).toEqual({ ...nothing, view: 'runs', unknown: [] });
    const set = { ...nothing, overrides: { seed: 3 } };
    expect(readLink('#seed=3')).toEqual({ ...set, unknown: [] });
    expect(readLink('#/?seed=3')).toEqual({ ...set, unknown: [] });
    expect(writeLink(set)).toBe('#seed=3');
  });

  it('names unknown keys, and passes wrong values on, to be refused with a sentence', () => {
    const read = readLink('#seeed=3&seed=many&toString=1&thinking=maybe&beta=%E0%A4%A');
    expect(read.unknown).toEqual(['seeed', 'toString']);
    expect(read.overrides).toEqual({ seed: 'many', thinking: 'maybe', beta: '%E0%A4%A' });
  });
});
