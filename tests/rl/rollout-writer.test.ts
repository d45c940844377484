/** Completions written in parts, each scored while the next is written. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Gpu } from '../../src/gpu/device.ts';
import { openNodeGpu } from '../../src/gpu/node.ts';
import type { LanguageModel } from '../../src/model/language-model.ts';
import { droppedFolder } from '../../src/model/files.ts';
import { Tokenizer } from '../../src/model/tokenizer.ts';
import { makeRecipe } from '../../src/rl/recipe/recipe.ts';
import type { Reward } from '../../src/rl/rewards/reward.ts';
import { WeightedRewards } from '../../src/rl/rewards/weighted-rewards.ts';
import { rolloutOptions } from '../../src/rl/rollout/rollout.ts';
import { sampleCompletions } from '../../src/rl/rollout/sample.ts';
import { RolloutWriter } from '../../src/rl/trainers/rollout-writer.ts';
import { worldGold } from '../../src/rl/world/judging.ts';
import { VOCABULARY } from '../../src/rl/world/menu.ts';
import { worldTokenizerFiles } from '../../src/rl/world/tokenizer-files.ts';
import { CONFIGS, randomModel } from '../random-model.ts';

const PROMPT =
  'menu ham 1 tart 7 pizza 7 gratin 1 sorbet 8 custard 5 beans 4 for cleo veggie budget 15';
const PARTS = 4;

let gpu: Gpu;
let model: LanguageModel;
let tokenizer: Tokenizer;
/** Rejections that nobody handled; Node ends by them. */
let unhandled: unknown[];
const note = (reason: unknown): void => void unhandled.push(reason);
beforeAll(async () => {
  gpu = await openNodeGpu();
  const config = { ...CONFIGS['llama, tied']!, vocabSize: VOCABULARY.length };
  ({ model } = randomModel(gpu, config));
  const files = Object.entries(worldTokenizerFiles()).map(
    ([name, json]) => [name, new Blob([JSON.stringify(json)])] as const,
  );
  tokenizer = await Tokenizer.load(droppedFolder(new Map(files)));
});
afterAll(() => gpu.close());
beforeEach(() => {
  unhandled = [];
  process.on('unhandledRejection', note);
});
afterEach(() => process.off('unhandledRejection', note));

const recipe = makeRecipe({
  ...{ algorithm: 'grpo', world: 'meal-planner', model_name_or_path: 'policy' },
  ...{ reward_funcs: ['rule.js'], max_prompt_length: 24, max_completion_length: 32 },
  ...{ num_generations: 2, per_device_train_batch_size: 2, gradient_accumulation_steps: PARTS },
});

/** One step of a run that writes in parts; `asked` has the numbers of the prompts that were drawn. */
async function write(score: Reward['score'], prompt = PROMPT) {
  const asked: number[] = [];
  const details: string[] = [];
  const writer = await RolloutWriter.create(recipe, model, {
    tokenizer,
    prompts: {
      at: (i) => {
        asked.push(i);
        return { prompt };
      },
    },
    rewardFunctions: new WeightedRewards([{ name: 'rule', score }]),
    gold: worldGold('meal-planner')!,
  });
  try {
    const groups = await writer.write(0, (detail) => details.push(detail)).catch((e: unknown) => e);
    // Node tells of what nobody handled on the next turn.
    await new Promise((resolve) => setTimeout(resolve, 10));
    return { groups, asked, details };
  } finally {
    writer.destroy();
  }
}

it('scores each part, in the order of the prompts', async () => {
  let calls = 0;
  const { groups, asked } = await write((texts) => {
    const call = calls++;
    return Promise.resolve(texts.map(() => call));
  });
  expect(asked).toEqual([0, 1, 2, 3]);
  expect((groups as { reward: number[] }[]).map(({ reward }) => reward)).toEqual(
    [0, 1, 2, 3].map((call) => [call, call]),
  );
});

it('a reward that fails while the next part is written fails the step, and the writing ends', async () => {
  const failure = new Error('rule mine failed; mend it');
  const { groups, asked, details } = await write(() => Promise.reject(failure));
  expect(groups).toBe(failure);
  expect(asked).toEqual([0, 1]);
  expect(details.at(-1)).toMatch(/^writing/);
  expect(unhandled).toEqual([]);
});

it('a gold judge and a reward that both fail are one failure', async () => {
  const { groups } = await write(() => Promise.reject(new Error('the device was lost')), 'menu');
  expect(groups).toBeInstanceOf(Error);
  expect(unhandled).toEqual([]);
});

it('sampling that fails frees its memory', async () => {
  const before = { ...gpu.ledger };
  const failure = new Error('the reader of the progress failed');
  const sampled = sampleCompletions(
    model,
    tokenizer,
    [PROMPT],
    rolloutOptions(recipe, 1, 0),
    () => {
      throw failure;
    },
  );
  await expect(sampled).rejects.toBe(failure);
  expect(gpu.ledger).toEqual(before);
});

describe('each prompt is tokenised once', () => {
  const prompts = Array.from({ length: 5 }, () => ({ prompt: PROMPT }));

  it('in an evaluation, whose parts are cut by the tokens', async () => {
    const score: Reward['score'] = (texts) => Promise.resolve(texts.map(() => 1));
    const writer = await RolloutWriter.create(recipe, model, {
      tokenizer,
      prompts: { at: () => prompts[0]! },
      rewardFunctions: new WeightedRewards([{ name: 'rule', score }]),
      evaluationPrompts: prompts,
    });
    const encode = vi.spyOn(tokenizer, 'encode');
    expect((await writer.evaluate!()).rows).toHaveLength(prompts.length);
    expect(encode).toHaveBeenCalledTimes(prompts.length);
    encode.mockRestore();
    writer.destroy();
  });

  it('in batches that fit into memory', async () => {
    const encode = vi.spyOn(tokenizer, 'encode');
    const options = rolloutOptions(recipe, 1, 0);
    const texts = prompts.map(({ prompt }) => prompt);
    await sampleCompletions(model, tokenizer, texts, options);
    expect(encode).toHaveBeenCalledTimes(prompts.length);
    encode.mockRestore();
  });
});

it('a resumed run replaces groups by the same prompts and completions', async () => {
  const dynamic = { ...recipe, dynamic_sampling: 2, soft_punish_cache: 8 };
  const open = async () => {
    const asked: number[] = [];
    // Every other response counts, so some groups of two have no variance.
    const score: Reward['score'] = (texts) =>
      Promise.resolve(texts.map(({ response }) => response.length % 2));
    const writer = await RolloutWriter.create(dynamic, model, {
      tokenizer,
      prompts: {
        at: (i) => {
          asked.push(i);
          return { prompt: PROMPT };
        },
      },
      rewardFunctions: new WeightedRewards([{ name: 'rule', score }]),
    });
    return { writer, asked };
  };
  const whole = await open();
  await whole.writer.write(0);
  await whole.writer.write(1);
  whole.asked.length = 0;
  const wanted = await whole.writer.write(2);
  const resumed = await open();
  const groups = await resumed.writer.write(2);
  expect(groups).toEqual(wanted);
  expect(resumed.asked).toEqual(whole.asked);
  const fresh = resumed.asked.slice(PARTS);
  expect(resumed.asked.slice(0, PARTS)).toEqual([8, 9, 10, 11]);
  expect(fresh.length).toBeGreaterThan(0);
  expect(fresh.every((index) => index >= 2 ** 50)).toBe(true);
  const reports = groups.map((group) => resumed.writer.describe(group, [0, 0]));
  const metrics = resumed.writer.metrics(groups, reports);
  expect(metrics['dynamic_sampling/fresh_prompts']).toBe(fresh.length);
  // These completions are never longer than the limit, and a random policy rarely ends one.
  expect(metrics['rewards/soft_overlong_punishment_reward/mean']).toBeLessThan(0);
  expect(groups[0]!.reward[0]).toBeCloseTo(
    groups[0]!.rewards[0]!.rule! + groups[0]!.rewards[0]!.soft_overlong_punishment_reward!,
    12,
  );
  whole.writer.destroy();
  resumed.writer.destroy();
});
