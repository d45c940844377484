/** What `info` and the page say of every family, and that the plan of memory knows windows. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { planGeneration } from '../../../src/app/memory-plan.ts';
import { parseConfig, type ModelConfig } from '../../../src/model/config.ts';
import { attentionWords } from '../../../src/model/describe.ts';
import { ALL_F32 } from '../../../src/model/parameters.ts';
import { makeRecipe } from '../../../src/rl/recipe/recipe.ts';

const json = (name: string): Record<string, unknown> =>
  (
    JSON.parse(readFileSync(`${import.meta.dirname}/${name}.json`, 'utf8')) as {
      config: Record<string, unknown>;
    }
  ).config;
const configOf = (name: string, changed: Record<string, unknown> = {}): ModelConfig =>
  parseConfig({ ...json(name), ...changed }, 'config.json');

const WORDS: Readonly<Record<string, string>> = {
  gemma3: 'window of 5 tokens in 1 of 2 layers, rotary base 10000 in 1 of 2 layers',
  'gemma3-untied':
    'window of 5 tokens in 1 of 2 layers, rotary scaling linear by 8 in 1 of 2 layers, ' +
    'rotary base 10000 in 1 of 2 layers',
  'llama-dynamic': 'rotary scaling dynamic by 4 from 8 positions',
  'llama-linear': 'rotary scaling linear by 4',
  'llama-yarn': 'rotary scaling yarn by 4 from 16 positions',
  mistral: 'window of 5 tokens in 2 of 2 layers',
  olmo3: 'window of 5 tokens in 1 of 2 layers',
  'olmo3-tied':
    'window of 5 tokens in 1 of 2 layers, rotary scaling yarn by 2 from 32 positions in 1 of 2 layers',
  phi3: 'window of 5 tokens in 2 of 2 layers, rotary embedding of 4 of 8 elements of a head',
  'phi3-longrope-long': 'rotary scaling longrope from 6 positions',
  'phi3-longrope-short': 'rotary scaling longrope from 32 positions',
  'qwen2-window': 'window of 5 tokens in 1 of 2 layers',
  smollm3: 'no rotary embedding in 1 of 2 layers',
  'smollm3-untied': 'window of 5 tokens in 1 of 2 layers, no rotary embedding in 1 of 2 layers',
};

const names = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith('.json'))
  .map((name) => name.replace('.json', ''));

it.each(names)('%s', (name) => {
  expect(attentionWords(configOf(name))).toBe(WORDS[name] ?? '');
});

it('a window bounds the memory that a sequence takes', () => {
  const recipe = makeRecipe({
    algorithm: 'grpo',
    model_name_or_path: 'm',
    reward_model_name_or_path: 'r',
    world: 'meal-planner',
  });
  const bytes = (sliding_window: number | null): number =>
    planGeneration(
      recipe,
      { config: configOf('mistral', { sliding_window }), storage: ALL_F32 },
      Infinity,
    ).total;
  expect(bytes(5)).toBeLessThan(bytes(32));
  expect(bytes(32)).toBeLessThan(bytes(null));
});
