import { describe, expect, it } from 'vitest';
import type { RecipeValue } from '../../rl/recipe/values.ts';
import { changes, changesFromDefault, changeText, letterOf, nameOf } from './changes.ts';

describe('changes', () => {
  const base = { seed: 0, beta: 0.04, reward_funcs: ['a.js'], thinking: true };
  it('lists what differs, and nothing else', () => {
    const recipe = { seed: 3, beta: 0.04, reward_funcs: ['a.js'], epsilon: 0.1 };
    expect(changes(recipe, base)).toEqual([
      { key: 'seed', from: 0, to: 3 },
      { key: 'epsilon', from: undefined, to: 0.1 },
    ]);
    expect(changes(base, base)).toEqual([]);
  });
  it('compares lists by what is in them', () => {
    expect(changes({ reward_funcs: ['b.js'] }, base)).toHaveLength(1);
  });
  it('does not count a default that is spelled out', () => {
    expect(changesFromDefault({ epsilon: 0.2 }, base)).toEqual([]);
    expect(changesFromDefault({ epsilon: 0.3 }, base)).toHaveLength(1);
    // Each algorithm has its own.
    const sft = { algorithm: 'sft', lr_scheduler_type: 'cosine' };
    expect(changesFromDefault(sft, { algorithm: 'sft' })).toEqual([]);
    expect(changesFromDefault({ ...sft, algorithm: 'grpo' }, { algorithm: 'grpo' })).toHaveLength(
      1,
    );
  });
  it('reads as a short text in a table', () => {
    expect(changeText({ key: 'seed', from: 0, to: 3 })).toBe('seed: 3 (was 0)');
    expect(changeText({ key: 'gold', from: 'x', to: null })).toBe('gold: none (was x)');
    expect(changeText({ key: 'epsilon', from: undefined, to: 0.1 })).toBe('epsilon: 0.1');
    const entry = (file: string, split: string) => ({ path: 'json', data_files: file, split });
    const to = [entry('stored:a.jsonl', 'train'), entry('stored:a.test.jsonl', 'test')];
    expect(changeText({ key: 'datasets', from: undefined, to })).toBe(
      'datasets: a.jsonl (train), a.test.jsonl (test)',
    );
    expect(changeText({ key: 'reward_weights', from: undefined, to: [1, 2] })).toBe(
      'reward_weights: [1,2]',
    );
  });
});

it('nameOf is short', () => {
  const change = (key: string, to: RecipeValue) => ({ key, from: undefined, to });
  expect(nameOf([])).toBe('Default recipe');
  expect(nameOf([change('thinking', false), change('seed', 3)])).toBe('No thought, seed 3');
  expect(nameOf([change('algorithm', 'ppo')])).toBe('PPO');
  expect(nameOf(['a', 'b', 'c', 'd', 'e'].map((key) => change(key, 1)))).toBe(
    'A 1, b 1, c 1 and 2 more',
  );
  expect(nameOf([change('model_name_or_path', 'stored:x/y')])).toBe('Model y');
  expect(
    nameOf([change('reward_model_name_or_path', null), change('reward_funcs', ['a/b.js'])]),
  ).toBe('No reward model, reward funcs b.js');
});

it('letterOf never repeats', () => {
  expect([0, 25, 26, 27, 52].map(letterOf)).toEqual(['A', 'Z', 'AA', 'AB', 'BA']);
});
