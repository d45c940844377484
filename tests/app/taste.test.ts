/**
 * A person's taste, learned from forty clicks: a reward model is trained on the labels of a person
 * who likes to be greeted, and a few steps with this reward make the shipped policy greet.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Gpu } from '../../src/gpu/device.ts';
import { openNodeGpu } from '../../src/gpu/node.ts';
import { loadModel } from '../../src/model/checkpoint.ts';
import type { LanguageModel } from '../../src/model/language-model.ts';
import { nodeFolder } from '../../src/model/node-files.ts';
import { Tokenizer } from '../../src/model/tokenizer.ts';
import { Random } from '../../src/rl/random.ts';
import { makeRecipe, type Recipe } from '../../src/rl/recipe/recipe.ts';
import { RewardModel } from '../../src/rl/rewards/reward-model.ts';
import { sampleCompletions, UNFILTERED } from '../../src/rl/rollout/sample.ts';
import { openTrainer } from '../../src/app/opening/trainer.ts';
import {
  ENOUGH_LABELS,
  tasteModelRecipe,
  labelRows,
  pairAccuracy,
  tastePolicyRecipe,
  type TasteLabel,
} from '../../src/app/taste.ts';
import type { Trainer } from '../../src/rl/trainers/trainer.ts';
import { goldUtility } from '../../src/rl/world/gold.ts';
import { drawPrompts, promptText, type Split } from '../../src/rl/world/prompts.ts';

const POLICY = 'public/models/policy';
/** Without thoughts, because the taste is about the answer, and this takes a fifth of the time. */
const UNTHINKING = { thinking: false, max_completion_length: 15 };
const STEPS = 10;
/** Enough to see the share that greets rise from about half to most. */
const PROMPTS = 128;
/** Forty are for training; of the rest, over forty show the taste, so chance plays a small part. */
const PAIRS = 160;

let gpu: Gpu;
let tokenizer: Tokenizer;
beforeAll(async () => {
  gpu = await openNodeGpu();
  tokenizer = await Tokenizer.load(await nodeFolder(POLICY));
});
afterAll(() => gpu.close());

const greets = (response: string): boolean => response.startsWith('hello');

/** A response that greets is preferred; if both or neither greet, the better dinner is. */
function choose(prompt: string, a: string, b: string): TasteLabel {
  const liking = (response: string): number =>
    10 * Number(greets(response)) + goldUtility(prompt, response).value;
  return liking(a) >= liking(b)
    ? { prompt, chosen: a, rejected: b }
    : { prompt, chosen: b, rejected: a };
}

async function responses(
  model: LanguageModel,
  split: Split,
  count: number,
  samplesPerPrompt: number,
): Promise<{ prompt: string; responses: string[] }[]> {
  const prompts = drawPrompts(new Random(7, 'taste'), split, count).map(promptText);
  const groups = await sampleCompletions(model, tokenizer, prompts, {
    samplesPerPrompt,
    thinking: false,
    malformed: 'lenient',
    sampling: { temperature: 1, ...UNFILTERED, seed: 5, maxNewTokens: 15 },
  });
  return groups.map(({ prompt, samples }) => ({
    prompt,
    responses: samples.map(({ response }) => response),
  }));
}

async function train(recipe: Recipe, labels: string, judge?: RewardModel): Promise<Trainer> {
  const { trainer } = await openTrainer(recipe, {
    gpu,
    folder: nodeFolder,
    readFile: () => Promise.resolve(labels),
    openReward: () => Promise.resolve(judge!),
  });
  return trainer;
}

it('forty labels train a judge of that taste, and a few steps with this judge a policy', async () => {
  const policy = await loadModel(gpu, await nodeFolder(POLICY));
  const labels = (await responses(policy, 'train', PAIRS, 2))
    .map(({ prompt, responses: [a, b] }) => choose(prompt, a!, b!))
    .filter(({ chosen, rejected }) => chosen !== rejected);
  const known = labels.slice(0, ENOUGH_LABELS);
  const fresh = labels
    .slice(ENOUGH_LABELS)
    .filter(({ chosen, rejected }) => greets(chosen) !== greets(rejected));

  const recipe = makeRecipe(tasteModelRecipe(known.length, 'taste.jsonl'));
  const judging = await train(recipe, labelRows(known));
  const judge = await RewardModel.create(
    judging.model,
    await Tokenizer.load(await nodeFolder('public/models/reward')),
    { maxTokens: 2048, maxTargets: 128 },
  );
  const accuracy = async (): Promise<number> =>
    pairAccuracy(
      await judge.score(fresh.map(({ prompt, chosen }) => ({ prompt, response: chosen }))),
      await judge.score(fresh.map(({ prompt, rejected }) => ({ prompt, response: rejected }))),
    );
  while (judging.step < recipe.max_steps) await judging.trainStep();
  expect(await accuracy()).toBeGreaterThan(0.7);

  const share = async (model: LanguageModel): Promise<number> => {
    const written = await responses(model, 'dev', PROMPTS, 1);
    return written.filter(({ responses: [response] }) => greets(response!)).length / PROMPTS;
  };
  const before = await share(policy);
  const learner = await train(
    makeRecipe({
      algorithm: 'grpo',
      model_name_or_path: POLICY,
      world: 'meal-planner',
      max_prompt_length: 24,
      ...tastePolicyRecipe('my-taste'),
      ...UNTHINKING,
    }),
    '',
    judge,
  );
  for (let step = 0; step < STEPS; step++) await learner.trainStep();
  expect(await share(learner.model)).toBeGreaterThan(before + 0.2);
}, 300_000);
