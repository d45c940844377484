/** Every algorithm learns an easy rule from random weights, resumes, and takes the planned memory. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Gpu } from '../../src/gpu/device.ts';
import { openNodeGpu } from '../../src/gpu/node.ts';
import type { ModelConfig } from '../../src/model/config.ts';
import { nodeFolder } from '../../src/model/node-files.ts';
import { readAdapterConfig } from '../../src/model/adapter-config.ts';
import { planTraining } from '../../src/app/memory-plan.ts';
import type { MetricsRow } from '../../src/rl/report.ts';
import { makeRecipe } from '../../src/rl/recipe/recipe.ts';
import { recordRun } from '../../src/rl/runs/record.ts';
import type { Reward } from '../../src/rl/rewards/reward.ts';
import { Run } from '../../src/rl/runs/run.ts';
import { nodeRunFolder } from '../../src/rl/runs/run-folder.node.ts';
import { openTrainer } from '../../src/app/opening/trainer.ts';
import type { Trained } from '../../src/rl/trainers/trainer.ts';
import { EOS, PAD, VOCABULARY } from '../../src/rl/world/menu.ts';
import { randomTensors, saveModel } from '../random-model.ts';

/** What training a model has changed. */
async function stateOf({ model, optimizer }: Trained) {
  const { m, v } = optimizer.memory;
  const pools = [model.trainable, m, v].map((pool) => pool.read(model.gpu));
  return [optimizer.steps, ...(await Promise.all(pools))];
}

const config: ModelConfig = {
  family: 'llama',
  kind: 'causal',
  vocabSize: VOCABULARY.length,
  hiddenSize: 16,
  intermediateSize: 32,
  layers: 1,
  heads: 2,
  kvHeads: 1,
  headDim: 8,
  rmsNormEps: 1e-6,
  ropeTheta: 10000,
  maxPositions: 64,
  tieWordEmbeddings: true,
  eosTokenIds: [VOCABULARY.indexOf(EOS)],
  padTokenId: VOCABULARY.indexOf(PAD),
};

/** The share of words that are numbers. */
const numbers: Reward = {
  name: 'numbers',
  score: (texts) =>
    Promise.resolve(
      texts.map(({ response }) => {
        const words = response.split(/\s+/).filter(Boolean);
        return words.filter((word) => /^\d+$/.test(word)).length / Math.max(1, words.length);
      }),
    ),
};

let gpu: Gpu;
let root: string;
beforeAll(async () => {
  gpu = await openNodeGpu();
  root = await mkdtemp(join(tmpdir(), 'ponder-'));
  await saveModel(join(root, 'policy'), config, randomTensors(config, 7));
});
afterAll(async () => {
  gpu.close();
  await rm(root, { recursive: true });
});

async function openRun(
  values: Record<string, unknown>,
  out: string,
  reward = numbers,
): Promise<Run> {
  const recipe = makeRecipe({ model_name_or_path: join(root, 'policy'), ...values });
  const { trainer, tokenizerFiles } = await openTrainer(recipe, {
    gpu,
    folder: nodeFolder,
    readFile: (path) => readFile(path, 'utf8'),
    openReward: () => Promise.resolve(reward),
  });
  return new Run(recipe, trainer, nodeRunFolder(join(root, out)), tokenizerFiles);
}

/** The caller frees the policy, the trainer everything else. */
function close({ trainer }: Run): void {
  trainer.destroy();
  trainer.model.destroy();
}

async function finish(run: Run): Promise<MetricsRow[]> {
  const rows: MetricsRow[] = [];
  if (run.trainer.step === 0) await run.begin();
  while (!run.finished) rows.push((await run.advance()).metrics);
  close(run);
  return rows;
}

/** The metrics that a rerun must repeat: all but the time. */
const timeless = (rows: readonly MetricsRow[]): MetricsRow[] =>
  rows.map((row) => ({ ...row, step_time: 0 }));

const meanOf = (rows: readonly MetricsRow[], metric: string): number =>
  rows.reduce((sum, row) => sum + row[metric]!, 0) / rows.length;

const sampled = {
  seed: 1,
  reward_model_name_or_path: 'numbers',
  world: 'meal-planner',
  thinking: false,
  num_generations: 8,
  per_device_train_batch_size: 16,
  gradient_accumulation_steps: 2,
  max_prompt_length: 24,
  max_completion_length: 6,
  temperature: 1,
  learning_rate: 1e-2,
  lr_scheduler_type: 'constant',
  adam_beta2: 0.95,
  max_steps: 10,
  save_steps: 7,
};

/** Trains once without a stop, and once up to step 8, resumed from step 7; returns the metrics. */
async function trainTwice(values: Record<string, unknown>, out: string): Promise<MetricsRow[]> {
  const before = { ...gpu.ledger };
  const whole = await openRun(values, out);
  const storage = { layers: 'f32', tables: 'f32' } as const;
  const plan = planTraining(whole.recipe, { config, storage }, gpu.maxBinding, gpu.variants);
  for (const lifetime of Object.keys(before) as (keyof typeof before)[]) {
    expect(gpu.ledger[lifetime] - before[lifetime], lifetime).toBe(plan.ledger[lifetime]);
  }
  await whole.begin();
  const rows = await finish(whole);
  expect(gpu.ledger).toEqual(before);

  const again = await openRun(values, `${out}-again`);
  await again.begin();
  while (again.trainer.step < 8) await again.advance();
  close(again);
  const resumed = await openRun(values, `${out}-again`);
  expect(await resumed.resume()).toBe(true);
  expect(timeless(await finish(resumed))).toEqual(timeless(rows.slice(7)));
  return rows;
}

/** The same rows for training and evaluation. */
const pairs = (file: string) =>
  ['train', 'test'].map((split) => ({ path: 'json', data_files: file, split }));

describe('GRPO', () => {
  it.each([
    { loss_type: 'sapo' },
    { loss_type: 'vespo' },
    { loss_type: 'luspo', importance_sampling_level: 'sequence' },
  ])('learns with loss_type $loss_type', async (loss) => {
    const run = await openRun({ ...sampled, ...loss, num_iterations: 2 }, loss.loss_type);
    const rows = await finish(run);
    expect(meanOf(rows.slice(-3), 'reward')).toBeGreaterThan(
      meanOf(rows.slice(0, 3), 'reward') + 0.1,
    );
    expect('clip_ratio/low_mean' in rows[0]!).toBe(loss.loss_type === 'luspo');
  });

  it('raises entropy if only the entropy bonus counts', async () => {
    // All rewards are equal, so only the bonus moves the weights.
    const alike = { ...sampled, beta: 0, scale_rewards: 'none', reward_weights: [0], max_steps: 4 };
    const still = await finish(await openRun(alike, 'still'));
    expect(still.map(({ grad_norm }) => grad_norm)).toEqual([0, 0, 0, 0]);
    const rows = await finish(await openRun({ ...alike, entropy_coef: 1 }, 'undecided'));
    expect(rows[0]!.loss).toBeCloseTo(-rows[0]!.entropy!, 5);
    expect(rows.at(-1)!.entropy).toBeGreaterThan(rows[0]!.entropy! + 0.01);
  });
});

describe('PPO', () => {
  const ppo = { ...sampled, algorithm: 'ppo', num_ppo_epochs: 2, num_mini_batches: 2 };

  it('learns, and its value model too; a resumed run repeats the uninterrupted one', async () => {
    const rows = await trainTwice({ ...ppo, missing_eos_penalty: 0.1 }, 'ppo');
    expect(meanOf(rows.slice(-3), 'reward')).toBeGreaterThan(
      meanOf(rows.slice(0, 3), 'reward') + 0.1,
    );
    // The score head starts at zero, so the first values are all zero.
    expect(rows.at(-1)!['loss/value_avg']).toBeLessThan(0.5 * rows[0]!['loss/value_avg']!);
    expect(rows[0]!['objective/kl']).toBeCloseTo(0, 4);
    expect(rows.at(-1)!.kl).toBeGreaterThan(1e-3);
    for (const row of rows) {
      expect(row['objective/rlhf_reward']).toBeCloseTo(
        row['objective/scores']! + row['objective/non_score_reward']!,
        10,
      );
    }
  });

  it('traces the tokens of the first group, and keeps the traces of some steps', async () => {
    const { steps } = await recordRun(nodeRunFolder(join(root, 'ppo')), 'ppo');
    expect(steps.map(({ group }) => group!.samples[0]!.trace !== undefined)).toEqual([
      ...[true, false, false, false, false, false, false, false, false, true],
    ]);
    const [sample] = steps[0]!.group!.samples;
    const { text, ...columns } = sample!.trace!;
    expect(text.join('')).toBe(sample!.completion);
    expect(Object.keys(columns).sort()).toEqual(
      ['logp', 'entropy', 'kl', 'after', 'reward', 'value', 'advantage'].sort(),
    );
    for (const values of Object.values(columns)) expect(values.length).toBe(sample!.tokens);
    // There is no penalty yet, so the last token has the score and the others have zero.
    const score = sample!.reward - (sample!.truncated ? 0.1 : 0);
    columns.reward!.forEach((value, t) =>
      expect(value).toBeCloseTo(t === sample!.tokens! - 1 ? score : 0, 3),
    );
    expect(sample!.rewards).toEqual({ numbers: sample!.reward });
  });

  it('trains an adapter, with a second adapter on the same weights as the value model', async () => {
    const values = { ...ppo, use_peft: true, lora_r: 4, lora_alpha: 8, learning_rate: 0.05 };
    const rows = await trainTwice(values, 'ppo-lora');
    expect(meanOf(rows.slice(-3), 'reward')).toBeGreaterThan(
      meanOf(rows.slice(0, 3), 'reward') + 0.05,
    );
    expect(rows.at(-1)!['loss/value_avg']).toBeLessThan(0.5 * rows[0]!['loss/value_avg']!);
    expect(rows[0]!['objective/kl']).toBeCloseTo(0, 4);
    const saved = await nodeFolder(join(root, 'ppo-lora', 'checkpoints', 'step-10', 'value'));
    expect(await readAdapterConfig(saved)).toMatchObject({ task: 'SEQ_CLS', r: 4, alpha: 8 });
  });

  it('can have the penalty in the loss', async () => {
    const run = await openRun(
      { ...ppo, kl_in: 'loss', kl_estimator: 'k3', max_steps: 2 },
      'ppo-loss',
    );
    const rows = await finish(run);
    expect(rows[1]!['objective/kl']).toBeGreaterThan(0);
    expect(rows[1]!['objective/non_score_reward']).toBeCloseTo(0, 12);
  });
});

describe('DPO', () => {
  const dpo = { ...sampled, algorithm: 'dpo', beta: 0.1, learning_rate: 1e-2 };

  it('learns from the initial policy; a resumed run repeats the uninterrupted one', async () => {
    const evaluated = { eval_strategy: 'steps', eval_steps: 5, eval_num_prompts: 64 };
    const rows = await trainTwice({ ...dpo, ...evaluated }, 'dpo');
    expect(rows[0]!.loss).toBeCloseTo(Math.log(2), 4);
    // The pairs of every step are new, so the margins are those of unseen pairs.
    expect(meanOf(rows.slice(-5), 'rewards/margins')).toBeGreaterThan(0.02);
    // The initial policy writes all samples, so they do not improve.
    expect(meanOf(rows.slice(-3), 'samples/reward')).toBeLessThan(
      meanOf(rows.slice(0, 3), 'samples/reward') + 0.1,
    );
    expect(rows[0]).not.toHaveProperty('reward');
    const { steps } = await recordRun(nodeRunFolder(join(root, 'dpo')), 'dpo');
    // Evaluations are of the current policy, before the first step and later.
    const judged = steps.filter(({ metrics }) => 'eval_reward' in metrics);
    expect(judged.map(({ metrics }) => metrics.step)).toEqual([0, 5, 10]);
    const [before, , after] = judged.map(({ metrics }) => metrics.eval_reward!);
    expect(after).toBeGreaterThan(before! + 0.02);
    const { pair, samples } = steps[1]!.group!;
    const rewards = samples.map(({ reward }) => reward);
    expect(rewards[pair!.chosen]).toBe(Math.max(...rewards));
    expect(rewards[pair!.rejected]).toBe(Math.min(...rewards));
    const trace = samples[pair!.chosen]!.trace!;
    const total = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
    expect(total(trace.after!)).not.toBe(total(trace.logp));
  });

  it('trains an adapter, whose reference is the base', async () => {
    const rows = await trainTwice({ ...dpo, use_peft: true, lora_r: 2, max_steps: 9 }, 'dpo-lora');
    expect(rows[0]!.loss).toBeCloseTo(Math.log(2), 4);
    expect(rows.at(-1)!['rewards/margins']).not.toBeCloseTo(0, 4);
  });

  it('writes better completions online', async () => {
    const rows = await finish(await openRun({ ...dpo, online: true }, 'dpo-online'));
    expect(meanOf(rows.slice(-3), 'reward')).toBeGreaterThan(
      meanOf(rows.slice(0, 3), 'reward') + 0.1,
    );
  });

  it('learns from a file of preferences', async () => {
    const file = join(root, 'pairs.jsonl');
    const pair = { prompt: 'menu ham 1', chosen: '1 2 3', rejected: 'ham and tart' };
    await writeFile(file, `${JSON.stringify(pair)}\n`);
    const fromFile = {
      ...{ algorithm: 'dpo', thinking: false, learning_rate: 1e-2, lr_scheduler_type: 'constant' },
      ...{ datasets: pairs(file), max_steps: 4, eval_strategy: 'steps', eval_steps: 2 },
      ...{ per_device_train_batch_size: 2, max_prompt_length: 12, max_completion_length: 6 },
    };
    const rows = await finish(await openRun(fromFile, 'dpo-file'));
    expect(rows[0]!['rewards/margins']).toBeCloseTo(0, 5);
    expect(rows[3]!['rewards/margins']).toBeGreaterThan(0.1);
    // The evaluation after a step has the same pair as the next step.
    expect(rows[1]!['eval_rewards/margins']).toBeCloseTo(rows[2]!['rewards/margins']!, 5);
    await expect(openRun({ ...fromFile, max_completion_length: 3 }, 'dpo-long')).rejects.toThrow(
      /pairs\.jsonl, line 1: a completion has 4 tokens, more than max_completion_length \(3\)/,
    );
  });
});

describe('a gradient that is not finite', () => {
  const rate = { learning_rate: 1e-3, lr_scheduler_type: 'constant', max_steps: 3, save_steps: 1 };
  const little = { ...sampled, num_generations: 4, per_device_train_batch_size: 4, ...rate };
  const batch = { per_device_train_batch_size: 2, ...rate };
  const ranked = (): unknown => [{ path: 'json', data_files: join(root, 'two.jsonl') }];

  it.each([
    ['sft', { ...batch, world: 'meal-planner', max_length: 60 }, 'grad_norm'],
    ['reward', { ...batch, max_length: 16 }, 'grad_norm'],
    ['grpo', { ...little, beta: 0.1 }, 'grad_norm'],
    ['ppo', { ...little, num_ppo_epochs: 1 }, 'grad_norm'],
    ['ppo', { ...little, num_ppo_epochs: 1 }, 'val/grad_norm'],
    ['dpo', { ...little, beta: 0.1 }, 'grad_norm'],
  ] as const)('stops %s before it does harm', async (algorithm, values, metric) => {
    const pair = { prompt: 'menu ham 1', chosen: '1 2 3', rejected: 'ham and tart' };
    await writeFile(join(root, 'two.jsonl'), `${JSON.stringify(pair)}\n`.repeat(2));
    const datasets = algorithm === 'reward' && { datasets: ranked() };
    const out = `stopped-${algorithm}-${metric.length}`;
    const recipe = { algorithm, ...values, ...datasets };
    const run = await openRun(recipe, out);
    const { trainer } = run;
    await run.begin();
    await run.advance();

    const hurt = metric === 'grad_norm' ? trainer : trainer.value!;
    const { gradients } = hurt.optimizer;
    const gain = new Float32Array(config.hiddenSize).fill(NaN);
    const [before, tokens] = [await stateOf(hurt), trainer.tokensSeen];
    gradients.setTensor('model.norm.weight', gain);
    await expect(run.advance()).rejects.toThrow(
      `Training stopped in step 2: ${metric}, the norm of the gradient, is NaN.`,
    );
    expect(await stateOf(hurt)).toEqual(before);
    expect([trainer.step, trainer.tokensSeen]).toEqual([1, tokens]);
    close(run);

    const log = await readFile(join(root, out, 'metrics.jsonl'), 'utf8');
    expect(
      log
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as MetricsRow).step),
    ).toEqual([1]);
    const resumed = await openRun(recipe, out);
    expect(await resumed.resume()).toBe(true);
    const [row] = await finish(resumed);
    expect(row).toMatchObject({ step: 2 });
    expect(row![metric]).toBeGreaterThan(0);
  });

  it('is not computed when a reward is no number', async () => {
    const none: Reward = { ...numbers, score: (texts) => Promise.resolve(texts.map(() => NaN)) };
    const run = await openRun(little, 'no-reward', none);
    await expect(run.advance()).rejects.toThrow(
      / is NaN for the response .* must be a finite number/,
    );
    close(run);
  });
});

it('a reward model is judged on held-out pairs', async () => {
  const file = join(root, 'ranked.jsonl');
  const pair = { prompt: 'menu ham 1', chosen: '1 2 3', rejected: 'ham and tart' };
  await writeFile(file, `${JSON.stringify(pair)}\n`);
  const run = await openRun(
    {
      ...{ algorithm: 'reward', datasets: pairs(file), eval_strategy: 'steps', eval_steps: 2 },
      ...{ per_device_train_batch_size: 2, max_length: 16, learning_rate: 1e-2, max_steps: 4 },
    },
    'reward',
  );
  await run.begin();
  await finish(run);
  const log = await readFile(join(root, 'reward', 'metrics.jsonl'), 'utf8');
  const rows = log
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as MetricsRow);
  const judged = rows.filter((row) => 'eval_loss' in row);
  expect(judged.map(({ step }) => step)).toEqual([0, 2, 4]);
  // A new score head gives every text the same score.
  expect(judged[0]).toMatchObject({ eval_accuracy: 0, eval_margin: 0 });
  expect(judged[0]!.eval_loss).toBeCloseTo(Math.log(2), 6);
  expect(judged[2]).toMatchObject({ eval_accuracy: 1 });
  expect(judged[2]!.eval_loss).toBeLessThan(judged[0]!.eval_loss!);
});

it('a reward model learns the margin of a pair', async () => {
  const file = join(root, 'margin.jsonl');
  const pair = { prompt: 'menu ham 1', chosen: '1 2 3', rejected: 'ham and tart', margin: 2 };
  await writeFile(file, `${JSON.stringify(pair)}\n`);
  const datasets = [{ path: 'json', data_files: file }];
  const size = { per_device_train_batch_size: 2, max_length: 16, max_steps: 1 };
  const rows = await finish(await openRun({ algorithm: 'reward', datasets, ...size }, 'margin'));
  // A new score head gives every text the same score.
  expect(rows[0]!.loss).toBeCloseTo(Math.log(1 + Math.exp(2)), 5);
  expect(rows[0]!.margin).toBe(0);
});

it('a reward model is not trained on a world, which has no pairs', async () => {
  for (const eval_strategy of ['no', 'steps']) {
    const run = openRun({ algorithm: 'reward', world: 'meal-planner', eval_strategy }, 'none');
    await expect(run).rejects.toThrow(
      /^a reward model learns from pairs, but a world has none; remove world, and set datasets/,
    );
  }
});
