/** What is wrong with the data of a recipe is said before the first step, with its file and line. */
import { expect, it } from 'vitest';
import { CONFIGS } from '../../../tests/random-model.ts';
import { droppedFolder } from '../../model/files.ts';
import { Tokenizer } from '../../model/tokenizer.ts';
import { makeRecipe, RecipeError, type Recipe } from '../../rl/recipe/recipe.ts';
import { worldTokenizerFiles } from '../../rl/world/tokenizer-files.ts';
import { evaluationPrompts, preferenceSource, promptSource, sftSource } from './data.ts';
import { rowChecks } from './row-lengths.ts';

const tokenizer = await Tokenizer.load(
  droppedFolder(
    new Map(
      Object.entries(worldTokenizerFiles()).map(([name, json]) => [
        name,
        new Blob([JSON.stringify(json)]),
      ]),
    ),
  ),
);
const config = { ...CONFIGS['llama, tied']!, maxPositions: 58 };

const recipeOf = (values: Record<string, unknown>): Recipe =>
  makeRecipe({
    ...{ model_name_or_path: 'm', thinking: false, max_steps: 1000 },
    ...{ per_device_train_batch_size: 4, datasets: [{ path: 'json', data_files: 'a.jsonl' }] },
    ...values,
  });
const grpo = (values: Record<string, unknown> = {}): Recipe =>
  recipeOf({ num_generations: 2, reward_funcs: 'r.js', max_prompt_length: 20, ...values });

const ham = (count: number): string => 'ham '.repeat(count).trim();
const file = (rows: readonly object[]) => (path: string) =>
  path === 'a.jsonl'
    ? Promise.resolve(rows.map((row) => JSON.stringify(row)).join('\n'))
    : Promise.reject(new Error(path));

const refusal = async (run: Promise<unknown>): Promise<string> => {
  const error: unknown = await run.catch((e: unknown) => e);
  expect(error).toBeInstanceOf(RecipeError);
  return (error as Error).message;
};

it('a prompt of a world that is longer than max_prompt_length', async () => {
  const world = (max_prompt_length: number, more: object = {}): Recipe =>
    makeRecipe({
      ...{ model_name_or_path: 'm', reward_funcs: 'r.js', world: 'meal-planner' },
      ...{ thinking: false, per_device_train_batch_size: 4, num_generations: 2 },
      ...{ max_prompt_length, ...more },
    });
  const none = (): Promise<string> => Promise.reject(new Error('no file is needed'));
  const ask = (recipe: Recipe): Promise<unknown> =>
    promptSource(recipe, none, rowChecks(recipe, tokenizer, config).prompt);
  const short = { max_completion_length: 8, max_steps: 10 };
  expect(await refusal(ask(world(12, short)))).toMatch(
    /^world meal-planner, prompt 1 \(of 20 such rows\): the prompt has 2\d tokens, more than max_prompt_length \(12\); raise max_prompt_length\.$/,
  );
  await ask(world(24, short));
  const evaluated = world(12, { ...short, eval_strategy: 'steps', eval_num_prompts: 3 });
  const { prompt } = rowChecks(evaluated, tokenizer, config);
  expect(await refusal(evaluationPrompts(evaluated, none, prompt))).toMatch(
    /^world meal-planner, prompt 1 \(of 3 such rows\)/,
  );
});

it('a prompt that is longer than max_prompt_length, or than the context with its completion', async () => {
  const prompts = [1, 2, 40, 3, 50].map((n) => ({ prompt: ham(n) }));
  const ask = (recipe: Recipe): Promise<unknown> =>
    promptSource(recipe, file(prompts), rowChecks(recipe, tokenizer, config).prompt);
  expect(await refusal(ask(grpo({ max_completion_length: 8 })))).toMatch(
    /^a\.jsonl, line 3 \(of 2 such rows\): the prompt has 4\d tokens, more than max_prompt_length \(20\); raise/,
  );
  expect(await refusal(ask(grpo({ max_completion_length: 8, max_prompt_length: 60 })))).toMatch(
    /^a\.jsonl, line 5: the prompt has 5\d tokens, which with 8 of a completion \(max_completion_length\) are /,
  );
  await ask(grpo({ max_completion_length: 4, max_prompt_length: 60 }));
  // The held-out prompts too.
  const heldOut = grpo({
    ...{ eval_strategy: 'steps', max_completion_length: 8 },
    datasets: [{ path: 'json', data_files: 'a.jsonl', split: 'test' }],
  });
  const { prompt } = rowChecks(heldOut, tokenizer, config);
  expect(await refusal(evaluationPrompts(heldOut, file(prompts), prompt))).toMatch(/line 3 /);
});

it('only of rows that the run will use', async () => {
  const prompts = Array.from({ length: 50 }, (_, i) => ({ prompt: ham(i === 0 ? 40 : 1) }));
  const seeds = Array.from({ length: 12 }, (_, seed) => seed);
  const refused = await Promise.all(
    seeds.map(async (seed) => {
      const recipe = grpo({ max_steps: 1, seed, max_completion_length: 8 });
      const checks = rowChecks(recipe, tokenizer, config);
      const opened = promptSource(recipe, file(prompts), checks.prompt);
      const source = await opened.catch(() => undefined);
      const used = source && [0, 1].map((i) => source.at(i).prompt);
      expect(used ?? []).not.toContain(ham(40));
      return source === undefined;
    }),
  );
  expect(refused).toContain(false);
});

it('of every row where dynamic sampling draws fresh prompts', async () => {
  const prompts = Array.from({ length: 50 }, (_, i) => ({ prompt: ham(i === 7 ? 40 : 1) }));
  const ask = (seed: number, dynamic_sampling: number): Promise<unknown> => {
    const recipe = grpo({ max_steps: 1, seed, dynamic_sampling, max_completion_length: 8 });
    return promptSource(recipe, file(prompts), rowChecks(recipe, tokenizer, config).prompt);
  };
  for (const seed of [0, 1, 2]) {
    await ask(seed, 0);
    expect(await refusal(ask(seed, 1))).toMatch(/^a\.jsonl, line 8: the prompt has 4\d tokens/);
  }
});

it('demonstrations and pairs', async () => {
  const rows = [3, 30].map((n) => ({
    prompt: 'ham',
    completion: ham(n),
    chosen: ham(n),
    rejected: 'ham',
  }));
  const sft = recipeOf({ algorithm: 'sft', max_length: 16 });
  const checks = rowChecks(sft, tokenizer, config);
  expect(await refusal(sftSource(sft, file(rows), checks.demonstration))).toMatch(
    /^a\.jsonl, line 2: the row has 3\d tokens, more than max_length \(16\); raise max_length, or shorten/,
  );
  const reward = recipeOf({ algorithm: 'reward', max_length: 16 });
  const judged = rowChecks(reward, tokenizer, config).judgedPair;
  expect(await refusal(preferenceSource(reward, file(rows), judged))).toMatch(
    /^a\.jsonl, line 2: the longest response with its prompt has 3\d tokens, more than max_length/,
  );
  const dpo = recipeOf({ algorithm: 'dpo', max_completion_length: 16 });
  const written = rowChecks(dpo, tokenizer, config).writtenPair;
  expect(await refusal(preferenceSource(dpo, file(rows), written))).toMatch(
    /^a\.jsonl, line 2: a completion has 31 tokens, more than max_completion_length \(16\)/,
  );
});

it('an empty file, and a line that cannot be read', async () => {
  expect(await refusal(promptSource(grpo(), file([])))).toBe(
    'a.jsonl is empty; it must have one JSON object per line.',
  );
  expect(await refusal(promptSource(grpo(), file([{ prompt: 'a' }, { text: 'b' }])))).toMatch(
    /^a\.jsonl, line 2: no text field "prompt", .*; the row has text\.$/,
  );
});
