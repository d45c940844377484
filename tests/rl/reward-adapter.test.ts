/** A reward model that is an adapter: trained, used as a judge, exported alone or merged. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exporting } from '../../src/cli/export.ts';
import { info } from '../../src/cli/info.ts';
import { openAt } from '../../src/cli/open.ts';
import { score } from '../../src/cli/score.ts';
import { train } from '../../src/cli/train.ts';
import { openNodeGpu } from '../../src/gpu/node.ts';
import { nodeFolder } from '../../src/model/node-files.ts';
import { readAdapterConfig } from '../../src/model/adapter-config.ts';
import { ADAPTER_CONFIG, type LoraConfig } from '../../src/model/peft.ts';
import { inspectFolder } from '../../src/app/inspect.ts';
import { openRewardModel } from '../../src/app/opening/rewards.ts';
import { VOCABULARY } from '../../src/rl/world/menu.ts';
import { asReward, CONFIGS, randomTensors, saveAdapter, saveModel } from '../random-model.ts';

const config = { ...CONFIGS['llama, untied, llama3 rope scaling']!, vocabSize: VOCABULARY.length };
const lora = { use_peft: true, lora_r: 4, lora_alpha: 8 };
/** Chosen responses contain ham, rejected ones beans. */
const pairs = ['pizza', 'gratin', 'tart', 'custard'].flatMap((dish) =>
  ['veggie', 'budget', 'cleo'].map((word) => ({
    prompt: [{ role: 'user', content: `menu ${dish} 7 for ${word}` }],
    chosen: [{ role: 'assistant', content: `ham ${dish}` }],
    rejected: [{ role: 'assistant', content: `beans ${dish}` }],
  })),
);

let root: string;
const at = (...path: string[]): string => join(root, ...path);

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'ponder-'));
  await saveModel(at('base'), config, randomTensors(config, 1));
  await saveModel(at('judge'), asReward(config), randomTensors(asReward(config), 2));
  await writeFile(at('pairs.jsonl'), pairs.map((pair) => `${JSON.stringify(pair)}\n`).join(''));
  const datasets = ['train', 'test'].map((split) => ({
    ...{ path: 'json', data_files: at('pairs.jsonl'), split },
  }));
  const trained = await trainIn('run', {
    ...{ ...lora, algorithm: 'reward', model_name_or_path: at('base'), datasets },
    ...{ max_steps: 20, per_device_train_batch_size: 6, max_length: 48, learning_rate: 0.02 },
    eval_strategy: 'steps',
  });
  expect(trained.eval_accuracy).toBe(1);
  await exporting.run([at('run'), '--to', 'peft', '--out', at('adapter')], false);
  await exporting.run([at('run'), '--to', 'merged', '--out', at('merged')], false);
});
afterAll(() => rm(root, { recursive: true }));

async function trainIn(
  out: string,
  recipe: Record<string, unknown>,
): Promise<Record<string, number>> {
  await writeFile(at('recipe.yaml'), JSON.stringify(recipe));
  const text = await train.run([at('recipe.yaml'), '--out', at(out)], true);
  return JSON.parse(text) as Record<string, number>;
}

const refusal = (run: Promise<unknown>): Promise<string> =>
  run.then(
    () => 'accepted',
    (error: unknown) => (error as Error).message,
  );

async function scoreOf(model: string, response: string): Promise<number> {
  const asked = ['--prompt', 'menu pizza 7 for cleo', '--response', response];
  const text = await score.run(['--model', model, ...asked], true);
  return (JSON.parse(text) as { score: number }).score;
}

it('prefers the chosen words, and gives the same scores merged into its base', async () => {
  for (const response of ['ham pizza', 'beans pizza']) {
    const own = await scoreOf(at('adapter'), response);
    expect(await scoreOf(at('merged'), response)).toBeCloseTo(own, 4);
  }
  expect(await scoreOf(at('adapter'), 'ham pizza')).toBeGreaterThan(
    (await scoreOf(at('adapter'), 'beans pizza')) + 1,
  );
});

it('is a folder as peft writes it, and is recognised as a reward model', async () => {
  const json = JSON.parse(await readFile(at('adapter', ADAPTER_CONFIG), 'utf8')) as object;
  expect(json).toMatchObject({ task_type: 'SEQ_CLS', modules_to_save: ['score'] });
  const found = await inspectFolder(await nodeFolder(at('adapter')), nodeFolder);
  expect(found).toMatchObject({ role: 'reward', lora: { r: 4, base: at('base') } });
  const merged = JSON.parse(await readFile(at('merged', 'config.json'), 'utf8')) as object;
  expect(merged).toMatchObject({ architectures: ['LlamaForSequenceClassification'] });
  const facts = JSON.parse(await info.run(['--model', at('adapter')], true)) as object;
  expect(facts).toMatchObject({ kind: 'reward', base: at('base'), lora_r: 4 });
});

it('rewards a run', async () => {
  const gpu = await openNodeGpu();
  const reward = await openRewardModel(gpu, await openAt(at('adapter')));
  const texts = [{ prompt: 'menu pizza 7 for cleo', response: 'ham pizza' }];
  const [own] = await reward.score(texts);
  expect(own).toBeCloseTo(await scoreOf(at('adapter'), 'ham pizza'), 5);
  gpu.close();
  const row = await trainIn('policy', {
    ...{ algorithm: 'grpo', world: 'meal-planner', model_name_or_path: at('base') },
    ...{ reward_model_name_or_path: at('adapter'), num_generations: 2, max_steps: 1 },
    ...{ per_device_train_batch_size: 4, max_prompt_length: 24, max_completion_length: 6 },
  });
  expect(row.reward).toBeTypeOf('number');
});

describe('is trained further', () => {
  const more = {
    ...{ ...lora, algorithm: 'reward', max_steps: 1, per_device_train_batch_size: 6 },
    ...{ max_length: 48, learning_rate: 1e-9 },
  };

  it('from itself, with its weights', async () => {
    const datasets = [{ path: 'json', data_files: at('pairs.jsonl') }];
    const row = await trainIn('further', {
      ...{ ...more, model_name_or_path: at('adapter'), datasets },
    });
    expect(row.accuracy).toBe(1);
    const saved = await nodeFolder(at('further', 'checkpoints', 'step-1'));
    expect(await readAdapterConfig(saved)).toMatchObject({ task: 'SEQ_CLS', base: at('base') });
  });

  it('from a whole reward model, with its score head', async () => {
    const datasets = [{ path: 'json', data_files: at('pairs.jsonl') }];
    await trainIn('adapted', { ...more, model_name_or_path: at('judge'), datasets });
    expect(await scoreOf(at('adapted', 'checkpoints', 'step-1'), 'ham tart')).toBeCloseTo(
      await scoreOf(at('judge'), 'ham tart'),
      4,
    );
    await exporting.run([at('adapted'), '--to', 'merged', '--out', at('judge-too')], false);
    expect(await scoreOf(at('judge-too'), 'ham tart')).toBeCloseTo(
      await scoreOf(at('judge'), 'ham tart'),
      4,
    );
  });

  it('with factors that were saved without a score head', async () => {
    const bare: LoraConfig = {
      ...{ task: 'CAUSAL_LM', r: 2, alpha: 2, targets: ['q_proj'], base: at('judge') },
    };
    await saveAdapter(at('bare'), config, bare, () => 0);
    expect(await scoreOf(at('bare'), 'ham tart')).toBeCloseTo(
      await scoreOf(at('judge'), 'ham tart'),
      6,
    );
  });

  it('not as a policy', async () => {
    const policy = {
      ...{ algorithm: 'grpo', world: 'meal-planner', use_peft: true, num_generations: 2 },
      ...{ model_name_or_path: at('adapter'), reward_model_name_or_path: at('judge') },
    };
    expect(await refusal(trainIn('no', policy))).toMatch(
      /adapter is a reward model; set model_name_or_path to a causal language model/,
    );
  });

  it('not with modules other than a score head', async () => {
    const file = at('adapter', ADAPTER_CONFIG);
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace('"score"', '"embed_tokens"'));
    expect(await refusal(openAt(at('adapter')))).toMatch(
      /modules_to_save has "embed_tokens"; only LoRA factors are supported/,
    );
    await writeFile(file, text);
  });
});
