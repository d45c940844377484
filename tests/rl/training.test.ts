/** Small whole runs on the built-in world: warm start, reward model, GRPO, checkpoints and resume. */
import { mkdtemp, readFile, rm, writeFile, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openAt } from '../../src/cli/open.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { openNodeGpu } from '../../src/gpu/node.ts';
import { KERNELS_FOR } from '../../src/gpu/variants.ts';
import { exporting } from '../../src/cli/export.ts';
import { logits } from '../../src/cli/logits.ts';
import { asRewardConfig } from '../../src/model/config.ts';
import { configToJson, type ModelConfig } from '../../src/model/config.ts';
import { describeModel } from '../../src/model/describe.ts';
import { nodeFolder } from '../../src/model/node-files.ts';
import { planTraining } from '../../src/app/memory-plan.ts';
import type { MetricsRow } from '../../src/rl/report.ts';
import { Random } from '../../src/rl/random.ts';
import { mean } from '../../src/rl/statistics.ts';
import { makeRecipe } from '../../src/rl/recipe/recipe.ts';
import { recordRun } from '../../src/rl/runs/record.ts';
import { Run } from '../../src/rl/runs/run.ts';
import { nodeRunFolder } from '../../src/rl/runs/run-folder.node.ts';
import { openRewardModel } from '../../src/app/opening/rewards.ts';
import { openTrainer } from '../../src/app/opening/trainer.ts';
import { preferenceGroup } from '../../src/rl/world/preferences.ts';
import { drawPrompt } from '../../src/rl/world/prompts.ts';
import { worldTokenizerFiles } from '../../src/rl/world/tokenizer-files.ts';
import { EOS, PAD, VOCABULARY } from '../../src/rl/world/menu.ts';
import { randomTensors, saveModel } from '../random-model.ts';

const config: ModelConfig = {
  family: 'llama',
  kind: 'causal',
  vocabSize: VOCABULARY.length,
  hiddenSize: 32,
  intermediateSize: 64,
  layers: 2,
  heads: 2,
  kvHeads: 1,
  headDim: 16,
  rmsNormEps: 1e-6,
  ropeTheta: 10000,
  maxPositions: 128,
  tieWordEmbeddings: true,
  eosTokenIds: [VOCABULARY.indexOf(EOS)],
  padTokenId: VOCABULARY.indexOf(PAD),
};

let gpu: Gpu;
/** The same adapter with the kernels for cards. */
let gpuAsCard: Gpu;
let judgeGpu: Gpu;
let root: string;
beforeAll(async () => {
  gpu = await openNodeGpu();
  gpuAsCard = await openNodeGpu({ variants: KERNELS_FOR.card });
  judgeGpu = await openNodeGpu();
  root = await mkdtemp(join(tmpdir(), 'ponder-'));
  const save = async (of: 'policy' | 'reward'): Promise<void> => {
    const folder = join(root, `blank-${of}`);
    await mkdir(folder);
    const shape = of === 'reward' ? asRewardConfig(config) : config;
    const files = { 'config.json': configToJson(shape), ...worldTokenizerFiles() };
    for (const [name, json] of Object.entries(files)) {
      await writeFile(join(folder, name), JSON.stringify(json));
    }
  };
  await save('policy');
  await save('reward');
});
afterAll(async () => {
  for (const opened of [gpu, gpuAsCard, judgeGpu]) opened.close();
  await rm(root, { recursive: true });
});

async function openRun(values: Record<string, unknown>, out: string, on = gpu): Promise<Run> {
  const recipe = makeRecipe(values);
  const { trainer, tokenizerFiles: files } = await openTrainer(recipe, {
    gpu: on,
    folder: nodeFolder,
    readFile: (path) => readFile(path, 'utf8'),
    openReward: async (path) => openRewardModel(judgeGpu, await openAt(path)),
  });
  return new Run(recipe, trainer, nodeRunFolder(join(root, out)), files);
}

async function finish(run: Run): Promise<MetricsRow[]> {
  const rows: MetricsRow[] = [];
  while (!run.finished) rows.push((await run.advance()).metrics);
  run.trainer.destroy();
  return rows;
}

/** The metrics that a rerun must repeat: all but the time. */
const timeless = (rows: readonly MetricsRow[]): MetricsRow[] =>
  rows.map((row) => ({ ...row, step_time: 0 }));

const shared = { seed: 3, learning_rate: 3e-3, adam_beta2: 0.95, lr_scheduler_type: 'constant' };

describe('a warm start, a reward model, and GRPO', () => {
  it('learns the demonstrations', async () => {
    const run = await openRun(
      {
        ...shared,
        algorithm: 'sft',
        model_name_or_path: join(root, 'blank-policy'),
        random_init: true,
        world: 'meal-planner',
        per_device_train_batch_size: 16,
        max_length: 100,
        max_steps: 40,
        save_steps: 40,
      },
      'sft',
    );
    await run.begin();
    const rows = await finish(run);
    expect(rows[0]!.loss).toBeCloseTo(Math.log(VOCABULARY.length), 0);
    expect(rows.at(-1)!.loss).toBeLessThan(0.6 * rows[0]!.loss!);
  });

  it('learns preferences', async () => {
    const random = new Random(1, 'preferences');
    const groups = Array.from({ length: 64 }, () =>
      preferenceGroup(random, drawPrompt(random), [], 4),
    );
    const file = join(root, 'preferences.jsonl');
    await writeFile(file, groups.map((group) => JSON.stringify(group) + '\n').join(''));
    const run = await openRun(
      {
        ...shared,
        algorithm: 'reward',
        model_name_or_path: join(root, 'blank-reward'),
        random_init: true,
        datasets: [{ path: 'json', data_files: [file], split: 'train' }],
        per_device_train_batch_size: 8,
        max_length: 320,
        max_steps: 60,
        save_steps: 60,
      },
      'reward',
    );
    await run.begin();
    const rows = await finish(run);
    expect(rows[0]!.loss).toBeCloseTo(Math.log(2), 2);
    // 960 pairs: of five steps alone, the accuracy would vary by 0.03 from one adapter to another.
    const late = rows.slice(-20).map((row) => row.accuracy as number);
    expect(mean(late)).toBeGreaterThan(0.6);
  });

  const grpo = {
    ...shared,
    algorithm: 'grpo',
    world: 'meal-planner',
    gold: 'meal-planner',
    num_generations: 4,
    per_device_train_batch_size: 8,
    gradient_accumulation_steps: 2,
    max_prompt_length: 24,
    max_completion_length: 24,
    temperature: 1,
    beta: 0.04,
    max_steps: 4,
    save_steps: 2,
  };
  const models = (): Record<string, string> => ({
    model_name_or_path: join(root, 'sft', 'checkpoints', 'step-40'),
    reward_model_name_or_path: join(root, 'reward', 'checkpoints', 'step-60'),
  });

  it('runs GRPO on policy, and a resumed run repeats the uninterrupted one', async () => {
    const whole = await openRun({ ...grpo, ...models() }, 'grpo');
    await whole.begin();
    const rows = await finish(whole);
    for (const row of rows) {
      for (const value of Object.values(row)) expect(Number.isFinite(value)).toBe(true);
      // The first update of a step is on policy, so the decoder and the training pass agree.
      expect(row['sampling/sampling_logp_difference/max']).toBeLessThan(1e-3);
      expect(row.grad_norm).toBeGreaterThan(0);
    }
    // The policy equals the reference before the first update.
    expect(rows[0]!.kl).toBeLessThan(1e-6);
    expect(rows[3]!.kl).toBeGreaterThan(1e-5);

    const again = await openRun({ ...grpo, ...models() }, 'grpo-again');
    await again.begin();
    await again.advance();
    await again.advance();
    await again.advance();
    again.trainer.destroy();
    const resumed = await openRun({ ...grpo, ...models() }, 'grpo-again');
    expect(await resumed.resume()).toBe(true);
    expect(resumed.trainer.step).toBe(2);
    expect(timeless(await finish(resumed))).toEqual(timeless(rows.slice(2)));
    // The recording for the page: a group of every step, and the recipe keys that are not defaults.
    const recorded = await recordRun(nodeRunFolder(join(root, 'grpo')), 'grpo');
    expect(recorded.steps.map(({ metrics }) => metrics.step)).toEqual([1, 2, 3, 4]);
    expect(recorded.steps[0]!.group!.samples.length).toBe(4);
    const { trace, tokens, completion } = recorded.steps[0]!.group!.samples[0]!;
    expect(trace!.text.join('')).toBe(completion);
    for (const column of ['logp', 'entropy', 'kl', 'after'] as const) {
      expect(trace![column]!.length, column).toBe(tokens);
    }
    expect(trace!.after).not.toEqual(trace!.logp);
    expect(recorded.steps[3]!.metrics.reward).toBeCloseTo(rows[3]!.reward!, 3);
    expect(recorded.recipe).toMatchObject({ algorithm: 'grpo', beta: 0.04, max_steps: 4 });
    expect(recorded.recipe).not.toHaveProperty('epsilon');
    const log = await readFile(join(root, 'grpo-again', 'metrics.jsonl'), 'utf8');
    expect(log.trim().split('\n').length).toBe(4);
  });

  it('runs GRPO on an adapter by the kernels for cards, and takes the memory that was planned', async () => {
    const values = {
      ...{ ...grpo, ...models(), use_peft: true, lora_r: 4, lora_alpha: 8 },
      ...{ load_in_8bit: true, gradient_checkpointing: true },
    };
    const before = { ...gpuAsCard.ledger };
    const whole = await openRun(values, 'lora', gpuAsCard);
    const facts = await describeModel(await nodeFolder(models().model_name_or_path!));
    const storage = { layers: 'int8', tables: 'f32' } as const;
    const plan = planTraining(
      whole.recipe,
      { config: facts.config, storage },
      gpuAsCard.maxBinding,
      gpuAsCard.variants,
    );
    for (const lifetime of Object.keys(before) as (keyof typeof before)[]) {
      expect(gpuAsCard.ledger[lifetime] - before[lifetime], lifetime).toBe(plan.ledger[lifetime]);
    }
    await whole.begin();
    const rows = await finish(whole);
    expect(rows[0]!.kl).toBeLessThan(1e-6);
    expect(rows[3]!.kl).toBeGreaterThan(1e-7);
    for (const row of rows) {
      expect(row['sampling/sampling_logp_difference/max']).toBeLessThan(1e-3);
      expect(row.grad_norm).toBeGreaterThan(0);
    }
    const again = await openRun(values, 'lora-again', gpuAsCard);
    await again.begin();
    for (let step = 0; step < 3; step++) await again.advance();
    again.trainer.destroy();
    const resumed = await openRun(values, 'lora-again', gpuAsCard);
    expect(await resumed.resume()).toBe(true);
    expect(timeless(await finish(resumed))).toEqual(timeless(rows.slice(2)));
  });

  it('exports the adapter alone and merged, with the same logits', async () => {
    const prompt = ['--ids', '3,5,7,11,13'];
    const logitsOf = async (path: string, ...more: string[]): Promise<number[]> => {
      const text = await logits.run(['--model', path, ...prompt, ...more], true);
      return (JSON.parse(text) as { logits: number[][] }).logits.flat();
    };
    const run = join(root, 'lora');
    await exporting.run([run, '--to', 'peft', '--out', join(root, 'adapter')], false);
    await exporting.run([run, '--to', 'merged', '--out', join(root, 'merged')], false);
    const [base, adapter, merged] = [
      await logitsOf(models().model_name_or_path!),
      await logitsOf(join(root, 'adapter')),
      await logitsOf(join(root, 'merged')),
    ];
    const gap = (a: number[], b: number[]): number =>
      Math.max(...a.map((x, i) => Math.abs(x - b[i]!)));
    expect(gap(adapter, merged)).toBeLessThan(1e-4);
    expect(gap(adapter, base)).toBeGreaterThan(1e-3);
    await exporting.run([join(root, 'grpo'), '--to', 'hf', '--out', join(root, 'hf')], false);
    const trained = await logitsOf(join(root, 'grpo', 'checkpoints', 'step-4'));
    expect(await logitsOf(join(root, 'hf'))).toEqual(trained);
  });

  it('refuses exports that are impossible, and adapters of another base', async () => {
    const refusal = (...argv: string[]): Promise<string> =>
      exporting.run(argv, false).then(
        () => 'accepted',
        (error: unknown) => (error as Error).message,
      );
    const [lora, full, out] = [join(root, 'lora'), join(root, 'grpo'), join(root, 'refused')];
    expect(await refusal(lora, '--to', 'hf', '--out', out)).toMatch(/is an adapter; use --to peft/);
    expect(await refusal(full, '--to', 'peft', '--out', out)).toMatch(
      /has no adapter; use --to hf/,
    );
    expect(await refusal(lora, '--to', 'peft', '--out', full)).toMatch(/is not empty/);
    const other = join(root, 'other');
    const wider = { ...config, intermediateSize: 48 };
    await saveModel(other, wider, randomTensors(wider, 1));
    expect(await refusal(lora, '--to', 'merged', '--out', out, '--base', other)).toMatch(
      /is an adapter for another base: .*gate_proj\.lora_B\.weight is \[64, 4\], the base takes \[48, 4\]/,
    );
  });
});
