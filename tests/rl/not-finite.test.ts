/** A number that is not finite stops what computes it, before anything bad is written or shown. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Gpu } from '../../src/gpu/device.ts';
import { openNodeGpu } from '../../src/gpu/node.ts';
import { openTrainer } from '../../src/app/opening/trainer.ts';
import { openRewardModel } from '../../src/app/opening/rewards.ts';
import { openCheckpoint } from '../../src/model/adapted.ts';
import { loadModel } from '../../src/model/checkpoint.ts';
import type { ModelConfig } from '../../src/model/config.ts';
import { sequenceLogits } from '../../src/model/logits.ts';
import { nodeFolder } from '../../src/model/node-files.ts';
import { Tokenizer } from '../../src/model/tokenizer.ts';
import { makeRecipe } from '../../src/rl/recipe/recipe.ts';
import type { Reward } from '../../src/rl/rewards/reward.ts';
import { sampleCompletions, UNFILTERED } from '../../src/rl/rollout/sample.ts';
import { Run } from '../../src/rl/runs/run.ts';
import { findCheckpoint } from '../../src/rl/runs/checkpoints.ts';
import { nodeRunFolder } from '../../src/rl/runs/run-folder.node.ts';
import { EOS, PAD, VOCABULARY } from '../../src/rl/world/menu.ts';
import { worldTokenizerFiles } from '../../src/rl/world/tokenizer-files.ts';
import { asReward, CONFIGS, randomTensors, saveModel, wide } from '../random-model.ts';

const config: ModelConfig = {
  ...CONFIGS['llama, tied']!,
  ...{ vocabSize: VOCABULARY.length, hiddenSize: 16, intermediateSize: 32, layers: 1, heads: 2 },
  kvHeads: 1,
  eosTokenIds: [VOCABULARY.indexOf(EOS)],
  padTokenId: VOCABULARY.indexOf(PAD),
};
const PROMPT = 'menu ham 1';

let gpu: Gpu;
let root: string;
beforeAll(async () => {
  gpu = await openNodeGpu();
  root = await mkdtemp(join(tmpdir(), 'ponder-'));
  await saveModel(at('policy'), config, randomTensors(config, 7));
  await saveModel(at('huge'), config, huge(config));
  await saveModel(at('huge-judge'), asReward(config), huge(asReward(config)));
  const pair = { prompt: PROMPT, chosen: '1 2 3', rejected: 'ham and tart' };
  await writeFile(at('pairs.jsonl'), `${JSON.stringify(pair)}\n`.repeat(2));
});
afterAll(async () => {
  gpu.close();
  await rm(root, { recursive: true });
});

/** Finite numbers whose products are not. */
const huge = (of: ModelConfig) =>
  new Map([...randomTensors(of, 7)].map(([name, x]) => [name, x.map((value) => 1e16 * value)]));

const at = (name: string): string => join(root, name);

const rewardOf = (score: (i: number) => number): Reward => ({
  name: 'made',
  score: (texts) => Promise.resolve(texts.map((_, i) => score(i))),
});

async function openRun(values: Record<string, unknown>, out: string, reward?: Reward) {
  const recipe = makeRecipe({ model_name_or_path: at('policy'), ...values });
  const { trainer, tokenizerFiles } = await openTrainer(recipe, {
    gpu,
    folder: nodeFolder,
    readFile: (path) => readFile(path, 'utf8'),
    openReward: () => Promise.resolve(reward ?? rewardOf((i) => i % 3)),
  });
  const run = new Run(recipe, trainer, nodeRunFolder(at(out)), tokenizerFiles);
  await run.begin();
  return run;
}

const sampled = {
  ...{ reward_model_name_or_path: 'made', world: 'meal-planner', thinking: false, seed: 1 },
  ...{ num_generations: 4, per_device_train_batch_size: 4, max_prompt_length: 24 },
  ...{ max_completion_length: 4, learning_rate: 1e-3, max_steps: 3, save_steps: 1 },
};
const rows = { per_device_train_batch_size: 2, max_steps: 3, save_steps: 1, learning_rate: 1e-3 };

describe('training, when its weights have grown too large to compute with', () => {
  it.each([
    ['sft', { ...rows, world: 'meal-planner', max_length: 60 }, 'A log-probability'],
    ['reward', { ...rows, max_length: 16 }, 'A score'],
    ['dpo', { ...rows, max_prompt_length: 12, max_completion_length: 6 }, 'A log-probability'],
    ['grpo', { ...sampled, beta: 0 }, 'A logit of the next token'],
    ['ppo', { ...sampled, num_ppo_epochs: 1 }, 'A logit of the next token'],
  ])(
    'stops %s, says at what, and keeps the last good checkpoint',
    async (algorithm, keys, what) => {
      const datasets = (algorithm === 'reward' || algorithm === 'dpo') && {
        datasets: [{ path: 'json', data_files: at('pairs.jsonl') }],
      };
      const run = await openRun({ algorithm, ...keys, ...datasets }, algorithm);
      await run.advance();
      const { model } = run.trainer;
      for (const name of model.weights.layout.parameters.keys()) {
        const values = (await model.weights.read(gpu)).get(name)!;
        model.weights.setTensor(
          name,
          values.map((value) => 1e16 * value),
        );
      }
      await expect(run.advance()).rejects.toThrow(
        new RegExp(
          `^Training stopped in step 2: ${what}.* is (NaN|-?Inf).*This step is not saved; the checkpoints ` +
            'of earlier steps, if there are any, are good. Train again with a lower learning_rate',
        ),
      );
      // Nor does a save of this state, such as that of a pause, make a checkpoint.
      run.trainer.step = 2;
      await expect(run.save()).rejects.toThrow(/^Training stopped in step 2: /);
      expect((await findCheckpoint(run.folder, 'contents')).found?.step).toBe(1);
      const log = await readFile(join(at(algorithm), 'metrics.jsonl'), 'utf8');
      expect(log.trim().split('\n').length).toBe(1);
      run.trainer.destroy();
      model.destroy();
    },
  );

  it('does not save a weight that is not finite, even one that no pass reads', async () => {
    const run = await openRun({ algorithm: 'sft', ...rows, world: 'meal-planner' }, 'unread');
    await run.advance();
    run.trainer.optimizer.memory.m.setTensor(
      'model.norm.weight',
      new Float32Array(config.hiddenSize).fill(Infinity),
    );
    run.trainer.step = 2;
    await expect(run.save()).rejects.toThrow(/A number of the checkpoint is NaN or infinite/);
    expect((await findCheckpoint(run.folder, 'contents')).found?.step).toBe(1);
  });
});

describe('training, when its data cannot be learned from', () => {
  it.each([
    ['of one prompt', (i: number) => (i % 2 ? 1e308 : -1e308), {}, /^The rewards of one prompt go/],
    ['as advantages', (i: number) => (i % 2 ? 1e60 : 0), { scale_rewards: 'none' }, /An advantage/],
  ])('refuses rewards too large %s', async (name, score, keys, sentence) => {
    const recipe = { algorithm: 'grpo', ...sampled, beta: 0, ...keys };
    const run = await openRun(recipe, `large ${name}`, rewardOf(score));
    await expect(run.advance()).rejects.toThrow(sentence);
    run.trainer.destroy();
  });

  it('says that a step has no token to learn', async () => {
    await saveModel(at('endless'), { ...config, eosTokenIds: [] }, randomTensors(config, 7));
    const words = worldTokenizerFiles()['tokenizer_config.json'];
    const text = JSON.stringify({ ...words, eos_token: null });
    await writeFile(join(at('endless'), 'tokenizer_config.json'), text);
    await writeFile(at('empty.jsonl'), `${JSON.stringify({ prompt: PROMPT, completion: '' })}\n`);
    const run = await openRun(
      {
        ...{ algorithm: 'sft', model_name_or_path: at('endless'), ...rows },
        datasets: [{ path: 'json', data_files: at('empty.jsonl') }],
      },
      'nothing',
    );
    await expect(run.advance()).rejects.toThrow(
      /^Training stopped in step 1: no example of the step has a token to learn\. Leave out rows/,
    );
  });
});

describe('a model whose numbers leave the range of float32', () => {
  const refused = /is NaN or infinite|is (NaN|-?Infinity)\. The model's weights are damaged/;

  it('writes no text, and has no logits', async () => {
    const folder = await nodeFolder(at('huge'));
    const model = await loadModel(gpu, folder);
    await expect(sequenceLogits(model, [3, 4, 5])).rejects.toThrow(refused);
    const tokenizer = await Tokenizer.load(folder);
    const written = sampleCompletions(model, tokenizer, [PROMPT], {
      ...{ samplesPerPrompt: 2, thinking: false, malformed: 'lenient' },
      sampling: { temperature: 1, ...UNFILTERED, seed: 0, maxNewTokens: 4 },
    });
    await expect(written).rejects.toThrow(refused);
    model.destroy();
  });

  it('is not quantised where float16 cannot express its steps', async () => {
    await saveModel(at('wide'), wide, huge(wide));
    const folder = await nodeFolder(at('wide'));
    await expect(loadModel(gpu, folder, { quantised: 'int4' })).rejects.toThrow(
      /^tensor .* is too large for its storage \(int4 cannot store numbers from .*load_in_4bit/,
    );
  });

  it('judges nothing', async () => {
    const checkpoint = await openCheckpoint(await nodeFolder(at('huge-judge')), nodeFolder);
    const judge = await openRewardModel(gpu, checkpoint);
    await expect(judge.score([{ prompt: PROMPT, response: 'ham' }])).rejects.toThrow(refused);
    judge.destroy();
  });
});
