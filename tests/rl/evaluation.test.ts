/** Evaluations inside a run: at fixed steps, on fixed prompts, by judges that training does not use. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openAt } from '../../src/cli/open.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { openNodeGpu } from '../../src/gpu/node.ts';
import { loadModel } from '../../src/model/checkpoint.ts';
import { nodeFolder } from '../../src/model/node-files.ts';
import { Tokenizer } from '../../src/model/tokenizer.ts';
import type { Evaluated } from '../../src/rl/evaluation/evaluate.ts';
import { thoughtEffect, thoughtTokens } from '../../src/rl/evaluation/thought-effect.ts';
import type { MetricsRow } from '../../src/rl/report.ts';
import { makeRecipe } from '../../src/rl/recipe/recipe.ts';
import { recordRun } from '../../src/rl/runs/record.ts';
import type { GoldJudge } from '../../src/rl/rewards/reward.ts';
import { Run } from '../../src/rl/runs/run.ts';
import { nodeRunFolder } from '../../src/rl/runs/run-folder.node.ts';
import { openRewardModel } from '../../src/app/opening/rewards.ts';
import { openTrainer } from '../../src/app/opening/trainer.ts';
import { sampleCompletions, UNFILTERED } from '../../src/rl/rollout/sample.ts';
import { worldEvaluation } from '../../src/rl/world/judging.ts';
import { VOCABULARY } from '../../src/rl/world/menu.ts';
import { splitOf } from '../../src/rl/world/prompts.ts';
import { RolloutWriter } from '../../src/rl/trainers/rollout-writer.ts';
import { asReward, CONFIGS, randomTensors, saveModel } from '../random-model.ts';

const config = { ...CONFIGS['llama, tied']!, vocabSize: VOCABULARY.length };

let root: string;
let gpu: Gpu;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'ponder-'));
  gpu = await openNodeGpu();
  await saveModel(join(root, 'policy'), config, randomTensors(config, 1));
  for (const [name, seed] of Object.entries({ reward: 2, other: 3 })) {
    await saveModel(join(root, name), asReward(config), randomTensors(asReward(config), seed));
  }
});
afterAll(async () => {
  gpu.close();
  await rm(root, { recursive: true });
});

async function openRun(out: string, values: Record<string, unknown> = {}): Promise<Run> {
  const recipe = makeRecipe({
    algorithm: 'grpo',
    seed: 4,
    model_name_or_path: join(root, 'policy'),
    reward_model_name_or_path: join(root, 'reward'),
    world: 'meal-planner',
    gold: join(root, 'other'),
    per_device_train_batch_size: 4,
    num_generations: 2,
    max_prompt_length: 24,
    max_completion_length: 6,
    learning_rate: 1e-2,
    max_steps: 3,
    save_steps: 1,
    eval_strategy: 'steps',
    eval_steps: 2,
    eval_num_prompts: 9,
    ...values,
  });
  const { trainer, tokenizerFiles } = await openTrainer(recipe, {
    gpu,
    folder: nodeFolder,
    readFile: (path) => readFile(path, 'utf8'),
    openReward: async (path) => openRewardModel(gpu, await openAt(path)),
  });
  return new Run(recipe, trainer, nodeRunFolder(join(root, out)), tokenizerFiles);
}

async function lines<T>(out: string, file: string): Promise<T[]> {
  const text = await readFile(join(root, out, file), 'utf8');
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as T);
}

async function finish(run: Run): Promise<void> {
  while (!run.finished) await run.advance();
  run.trainer.destroy();
}

const timeless = (rows: readonly MetricsRow[]): MetricsRow[] =>
  rows.map((row) => ('step_time' in row ? { ...row, step_time: 0 } : row));

it('thought effect: after its own thought a policy gives its own answer', async () => {
  const folder = await nodeFolder('public/models/policy');
  const model = await loadModel(gpu, folder);
  const tokenizer = await Tokenizer.load(folder);
  const { prompts, gold } = worldEvaluation('dev', 12, 1);
  // Always the most probable token, so that sampling is not random.
  const sampling = { temperature: 0, ...UNFILTERED, seed: 1, maxNewTokens: 76 };
  const asked = prompts.map((prompt) => ({ prompt }));
  const groups = await sampleCompletions(model, tokenizer, prompts, {
    samplesPerPrompt: 1,
    thinking: true,
    malformed: 'strict',
    sampling,
  });
  const thoughts = thoughtTokens(tokenizer, groups, asked);
  expect(thoughts.length).toBeGreaterThan(6);
  const seen: string[][] = [];
  const spy: GoldJudge = {
    score: (texts) => {
      seen.push(texts.map(({ response }) => response));
      return gold.score(texts);
    },
  };
  const policy = { model, tokenizer };
  const effect = await thoughtEffect(policy, thoughts, sampling, 'strict', { gold: spy });
  const answers = groups.flatMap(({ samples: [sample] }) =>
    sample!.wellFormed ? [sample!.response] : [],
  );
  expect(seen[0]).toEqual(answers);
  const [own, swapped] = effect;
  expect(own!.scores.gold!.mean).toBeGreaterThan(swapped!.scores.gold!.mean);
  const lost = own!.scores.gold!.mean - swapped!.scores.gold!.mean;
  expect(swapped!.loss!.gold!.mean).toBeCloseTo(lost, 9);
});

describe('eval_strategy: steps', () => {
  const HOUR = 3600;
  beforeAll(() => {
    // To follow held-out prompts takes an hour, by this clock. It is no part of a step's time.
    let late = 0;
    const now = performance.now.bind(performance);
    vi.spyOn(performance, 'now').mockImplementation(() => now() + late);
    const write = Reflect.get(RolloutWriter.prototype, 'writeHeldOut');
    vi.spyOn(RolloutWriter.prototype, 'writeHeldOut').mockImplementation(function (
      this: RolloutWriter,
      asked,
    ) {
      late += 1000 * HOUR;
      return write.call(this, asked);
    });
  });
  afterAll(() => vi.restoreAllMocks());

  it('judges the same prompts before, during and after training', async () => {
    const run = await openRun('judged');
    await run.begin();
    await finish(run);
    const rows = await lines<MetricsRow>('judged', 'metrics.jsonl');
    expect(rows.map(({ step }) => step)).toEqual([0, 1, 2, 3]);
    expect(rows.map((row) => 'eval_reward' in row)).toEqual([true, false, true, true]);
    const [start, end] = await Promise.all(
      [0, 3].map((step) => lines<Evaluated>('judged', `evaluations/step-${step}.jsonl`)),
    );
    expect(start!.length).toBe(9);
    expect(end!.map(({ prompt }) => prompt)).toEqual(start!.map(({ prompt }) => prompt));
    expect(new Set(start!.map(({ prompt }) => splitOf(prompt)))).toEqual(new Set(['dev']));
    const average = (key: 'reward' | 'gold') => start!.reduce((sum, row) => sum + row[key]!, 0) / 9;
    expect(rows[0]!.eval_reward).toBeCloseTo(average('reward'), 10);
    expect(rows[0]!.eval_gold).toBeCloseTo(average('gold'), 10);
    // The gold judge is not the reward model of training.
    expect(rows[0]!.eval_gold).not.toBeCloseTo(rows[0]!.eval_reward!, 3);
    expect(rows[1]!.gold).not.toBeCloseTo(rows[1]!.reward!, 3);
    expect(rows[3]!.eval_reward).not.toBe(rows[0]!.eval_reward);
    for (const { step_time } of rows.slice(1)) expect(step_time).toBeLessThan(HOUR);

    const summary = JSON.parse(await readFile(join(root, 'judged', 'summary.json'), 'utf8')) as {
      diverged_at: number | null;
    };
    expect(summary.diverged_at).toBe(null);
    const { steps } = await recordRun(nodeRunFolder(join(root, 'judged')), 'judged');
    expect(steps.map(({ evaluation }) => evaluation?.length)).toEqual([8, undefined, 8, 8]);
    expect(steps[0]!.evaluation![0]!.prompt).toBe(start![0]!.prompt);
  });

  it('follows the first held-out prompts: groups like those of training, never trained on', async () => {
    const { steps } = await recordRun(nodeRunFolder(join(root, 'judged')), 'judged');
    // A recorded run has them where it has traces; two prompts fill a sampling batch.
    expect(steps.map(({ followed }) => followed?.length)).toEqual([undefined, 2, undefined, 2]);
    expect((await lines('judged', 'followed/step-2.jsonl')).length).toBe(4);
    const asked = steps[0]!.evaluation!.slice(0, 2).map(({ prompt }) => prompt);
    for (const { followed, group } of [steps[1]!, steps[3]!]) {
      expect(followed!.map(({ prompt }) => prompt)).toEqual(asked);
      expect(asked).not.toContain(group!.prompt);
      for (const { samples, mean } of followed!) {
        expect(samples.length).toBe(2);
        expect(samples.reduce((sum, { reward }) => sum + reward, 0) / 2).toBeCloseTo(mean, 3);
        for (const { trace, tokens } of samples) {
          for (const column of ['text', 'logp', 'entropy', 'after'] as const) {
            expect(trace![column]!.length).toBe(tokens);
          }
        }
      }
    }
    const [first, last] = [1, 3].map((step) => steps[step]!.followed![0]!.samples[0]!.trace!);
    // Each update is seen on a prompt that it did not use.
    for (const trace of [first!, last!]) expect(trace.after).not.toEqual(trace.logp);
  });

  it.each([
    ['ppo', ['value', 'reward', 'advantage']],
    ['dpo', ['ref', 'kl']],
  ])(
    'follows them in %s too, with the current policy, and trains the same',
    async (algorithm, own) => {
      const steps = async (eval_strategy: string) => {
        const name = `${algorithm} ${eval_strategy}`;
        // Without thoughts every completion is well-formed, so that DPO finds pairs.
        const keys = { thinking: false, max_steps: 2, save_steps: 2, warmup_ratio: 0 };
        const run = await openRun(name, { ...keys, algorithm, eval_strategy });
        await run.begin();
        await finish(run);
        return recordRun(nodeRunFolder(join(root, name)), name).then((recorded) => recorded.steps);
      };
      const judged = await steps('steps');
      const asked = judged[0]!.evaluation!.slice(0, 2).map(({ prompt }) => prompt);
      const written = judged.slice(1).map(({ followed }) => {
        expect(followed!.map(({ prompt }) => prompt)).toEqual(asked);
        for (const { trace, tokens } of followed!.flatMap(({ samples }) => samples)) {
          for (const column of ['text', 'logp', 'entropy', 'after', ...own] as const) {
            expect(trace![column as 'logp'].length, column).toBe(tokens);
          }
          expect(trace!.after).not.toEqual(trace!.logp);
        }
        return followed!.map(({ samples }) => samples.map(({ completion }) => completion));
      });
      // The random numbers are the same, so another policy writes something else.
      expect(written[1]).not.toEqual(written[0]);
      for (const { metrics } of judged.slice(1)) expect(metrics.step_time).toBeLessThan(HOUR);
      const norms = (all: typeof judged) => all.slice(-2).map(({ metrics }) => metrics.grad_norm);
      expect(norms(await steps('no'))).toEqual(norms(judged));
    },
  );

  it('does not change training, and a resumed run repeats the evaluations', async () => {
    const plain = await openRun('plain', { eval_strategy: 'no' });
    await plain.begin();
    await finish(plain);
    const without = timeless(await lines<MetricsRow>('plain', 'metrics.jsonl'));
    const judged = timeless(await lines<MetricsRow>('judged', 'metrics.jsonl'));
    expect(judged.slice(1).map((row) => row.reward)).toEqual(without.map((row) => row.reward));

    const first = await openRun('resumed');
    await first.begin();
    await first.advance();
    first.trainer.destroy();
    const again = await openRun('resumed');
    expect(await again.resume()).toBe(true);
    await finish(again);
    expect(timeless(await lines<MetricsRow>('resumed', 'metrics.jsonl'))).toEqual(judged);

    // If a run ended between its last checkpoint and its summary, only the summary is left to write.
    const summary = join(root, 'resumed', 'summary.json');
    await rm(summary);
    const late = await openRun('resumed');
    expect(await late.resume()).toBe(true);
    late.trainer.destroy();
    expect(JSON.parse(await readFile(summary, 'utf8'))).toMatchObject({ steps: 3 });
  });

  it('uses the rows of split test, and refuses if there are none', async () => {
    const file = (name: string): string => join(root, `${name}.jsonl`);
    await writeFile(file('train'), '{"prompt": "ham 1"}\n');
    await writeFile(file('test'), '{"prompt": "tart 2"}\n');
    const datasets = (...splits: string[]) => ({
      world: null,
      datasets: splits.map((split) => ({ path: 'json', data_files: file(split), split })),
    });
    const run = await openRun('files', { ...datasets('train', 'test'), max_steps: 1 });
    await run.begin();
    await finish(run);
    const judged = await lines<Evaluated>('files', 'evaluations/step-0.jsonl');
    expect(judged.map(({ prompt }) => prompt)).toEqual(['tart 2']);
    const trained = await lines<{ prompt: string }>('files', 'completions/step-1.jsonl');
    expect(new Set(trained.map(({ prompt }) => prompt))).toEqual(new Set(['ham 1']));
    await expect(openRun('none', datasets('train'))).rejects.toThrow(/split: test/);
  });
});
