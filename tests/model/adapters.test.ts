/** Adapters as the start of a run, and refusals: each is one sentence, before anything is loaded. */
import { cp, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Command } from '../../src/cli/command.ts';
import { exporting } from '../../src/cli/export.ts';
import { info } from '../../src/cli/info.ts';
import { train } from '../../src/cli/train.ts';
import { openAt } from '../../src/cli/open.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { openNodeGpu } from '../../src/gpu/node.ts';
import { describeModel } from '../../src/model/describe.ts';
import { nodeFolder } from '../../src/model/node-files.ts';
import { layoutParameters } from '../../src/model/parameters.ts';
import { readAdapterConfig } from '../../src/model/adapter-config.ts';
import { planJudge, planTraining } from '../../src/app/memory-plan.ts';
import { makeRecipe } from '../../src/rl/recipe/recipe.ts';
import { openRewardModel } from '../../src/app/opening/rewards.ts';
import { openTrainer } from '../../src/app/opening/trainer.ts';
import { VOCABULARY } from '../../src/rl/world/menu.ts';
import { asReward, CONFIGS, randomTensors, saveModel } from '../random-model.ts';

const config = { ...CONFIGS['llama, tied']!, vocabSize: VOCABULARY.length };
const values = {
  algorithm: 'grpo',
  world: 'meal-planner',
  use_peft: true,
  ...{ per_device_train_batch_size: 4, num_generations: 2, max_prompt_length: 24 },
  ...{ max_completion_length: 6, learning_rate: 0.1, beta: 0.04, max_steps: 1 },
};

let root: string;
let gpu: Gpu;
beforeAll(async () => {
  gpu = await openNodeGpu();
  root = await mkdtemp(join(tmpdir(), 'ponder-'));
  const wider = { ...config, intermediateSize: 48 };
  await saveModel(at('base'), config, randomTensors(config, 1));
  await writeFile(at('base', 'generation_config.json'), '{"top_k": 7}');
  await saveModel(at('other'), wider, randomTensors(wider, 1));
  await saveModel(at('judge'), asReward(config), randomTensors(asReward(config), 2));
  // The adapter comes from a run of one step.
  await trainIn('run', at('base'), { lora_r: 3, lora_alpha: 5, lora_target_modules: ['q_proj'] });
  await exporting.run([at('run'), '--to', 'peft', '--out', at('adapter')], false);
});
afterAll(async () => {
  gpu.close();
  await rm(root, { recursive: true });
});

const at = (...path: string[]): string => join(root, ...path);

async function trainIn(
  out: string,
  model: string,
  more: Record<string, unknown> = {},
): Promise<Record<string, number>> {
  const recipe = {
    ...values,
    model_name_or_path: model,
    reward_model_name_or_path: at('judge'),
    ...more,
  };
  await writeFile(at('recipe.yaml'), JSON.stringify(recipe));
  const text = await train.run([at('recipe.yaml'), '--out', at(out)], true);
  return JSON.parse(text) as Record<string, number>;
}

async function refusal(run: () => Promise<unknown>): Promise<string> {
  const message = await run().then(
    () => 'accepted',
    (error: unknown) => (error as Error).message,
  );
  expect(message).not.toContain('\n');
  return message;
}

const refused = (command: Command, ...argv: string[]): Promise<string> =>
  refusal(() => command.run(argv, false));

describe('an adapter that is trained further', () => {
  it('keeps its rank, projections and base; the reference is the adapter before training', async () => {
    // The adapter's own rank and projections are used, not the recipe's.
    const first = await trainIn('further', at('adapter'), { lora_r: 8 });
    expect(first.kl).toBeLessThan(1e-6);
    const saved = (await readAdapterConfig(
      await nodeFolder(at('further', 'checkpoints', 'step-1')),
    ))!;
    expect(saved).toEqual({
      ...{ task: 'CAUSAL_LM', r: 3, alpha: 5, targets: ['q_proj'], base: at('base') },
    });
    await exporting.run([at('further'), '--to', 'merged', '--out', at('merged')], false);
    const merged = await describeModel(await nodeFolder(at('merged')));
    expect(await readFile(at('merged', 'generation_config.json'), 'utf8')).toBe('{"top_k": 7}');
    expect(merged.parameters).toBe((await describeModel(await nodeFolder(at('base')))).parameters);
  });

  it('starts DPO with equal log-probs to the reference, on its own completions', async () => {
    const dpo = { algorithm: 'dpo', beta: 0.1, num_generations: 4, thinking: false };
    const first = await trainIn('dpo', at('adapter'), dpo);
    expect(first.pairs).toBeGreaterThan(0);
    expect(first.loss).toBeCloseTo(Math.log(2), 4);
    const [sample] = (await readFile(at('dpo', 'completions', 'step-1.jsonl'), 'utf8')).split('\n');
    const { trace } = JSON.parse(sample!) as { trace: { kl: number[] } };
    for (const kl of trace.kl) expect(Math.abs(kl)).toBeLessThan(1e-6);
  });

  it('takes the memory that was planned, and its judge does too', async () => {
    const recipe = makeRecipe({
      ...values,
      model_name_or_path: at('adapter'),
      reward_model_name_or_path: at('judge'),
    });
    const judge = await openNodeGpu();
    const before = { ...gpu.ledger };
    const loaded: string[] = [];
    const { trainer } = await openTrainer(recipe, {
      gpu,
      folder: nodeFolder,
      readFile: () => Promise.reject(new Error('there are no files to read')),
      openReward: async (path, _kind, _question, onLoading) =>
        openRewardModel(judge, await openAt(path), onLoading),
      onLoading: (model, share) => loaded.push(`${model} ${share}`),
    });
    const lora = await readAdapterConfig(await nodeFolder(at('adapter')));
    const base = { ...(await describeModel(await nodeFolder(at('base')))), lora };
    const plan = planTraining(recipe, base, gpu.maxBinding, gpu.variants);
    const judging = planJudge(
      await describeModel(await nodeFolder(at('judge'))),
      judge.maxBinding,
      judge.variants,
    );
    for (const lifetime of Object.keys(before) as (keyof typeof before)[]) {
      expect(gpu.ledger[lifetime] - before[lifetime], lifetime).toBe(plan.ledger[lifetime]);
      expect(judge.ledger[lifetime], lifetime).toBe(judging.ledger[lifetime]);
    }
    expect(loaded).toContain(`${at('base')} 1`);
    expect(loaded.at(-1)).toBe(`${at('judge')} 1`);
    trainer.destroy();
    judge.close();
  });

  it('finds its base in a folder beside it by the name from the Hub', async () => {
    await cp(at('adapter'), at('from-the-hub'), { recursive: true });
    const file = at('from-the-hub', 'adapter_config.json');
    const text = (await readFile(file, 'utf8')).replace(at('base'), 'somebody/base');
    await writeFile(file, text);
    const facts = JSON.parse(await info.run(['--model', at('from-the-hub')], true)) as object;
    expect(facts).toMatchObject({ base: at('base'), lora_r: 3, family: 'llama' });
    await rename(at('base'), at('moved'));
    expect(await refused(info, '--model', at('from-the-hub'))).toMatch(
      /from-the-hub is an adapter for somebody\/base, which cannot be opened \(it does not exist here, and/,
    );
    await rename(at('moved'), at('base'));
  });
});

describe('what cannot be trained', () => {
  it('an adapter for another base', async () => {
    const file = at('adapter', 'adapter_config.json');
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace(at('base'), at('other')));
    // q_proj has the same shapes in both bases, so the other base needs more layers to differ.
    const deeper = { ...config, layers: 3 };
    await saveModel(at('other'), deeper, randomTensors(deeper, 1));
    expect(await refusal(() => trainIn('no', at('adapter')))).toMatch(
      /adapter is an adapter for another base: it has no .*layers\.2\..*; choose the model it was trained on/,
    );
    await writeFile(file, text);
  });

  it('an adapter in full', async () => {
    expect(await refusal(() => trainIn('no', at('adapter'), { use_peft: false }))).toMatch(
      /is an adapter; set use_peft: true to train it further, or export it as a merged model/,
    );
  });

  it('a reward model as a policy, a policy or an adapter as a reward model', async () => {
    const rewarded = (path: string) => ({ reward_model_name_or_path: at(path) });
    expect(await refusal(() => trainIn('no', at('judge')))).toMatch(
      /judge is a reward model; set model_name_or_path to a causal language model/,
    );
    expect(await refusal(() => trainIn('no', at('base'), rewarded('base')))).toMatch(
      /base is not a reward model .*; choose a sequence classifier/,
    );
    expect(await refusal(() => trainIn('no', at('base'), rewarded('adapter')))).toMatch(
      /adapter is not a reward model .*; choose a sequence classifier/,
    );
  });

  it('a model with the tokenizer of another', async () => {
    await cp(at('base'), at('mixed'), { recursive: true });
    const short = { ...config, vocabSize: 40 };
    await saveModel(at('mixed'), short, randomTensors(short, 1));
    expect(await refusal(() => trainIn('no', at('mixed')))).toMatch(
      /mixed\/tokenizer\.json has \d+ ids but the model's embedding has 40 rows/,
    );
    const other = { ...config, vocabSize: 4096, eosTokenIds: [4000] };
    await saveModel(at('mixed'), other, randomTensors(other, 1));
    expect(await refusal(() => trainIn('no', at('mixed')))).toMatch(
      /tokenizer\.json is for another model: it has no token 4000/,
    );
  });

  it('folders that hold something else', async () => {
    const folder = async (name: string, keep: string[], add: string[] = []): Promise<string> => {
      await cp(at('base'), at(name), { recursive: true, filter: (path) => copies(path, keep) });
      for (const file of add) await writeFile(at(name, file), 'x');
      return refused(info, '--model', at(name));
    };
    const copies = (path: string, keep: string[]): boolean =>
      !path.includes('.') || keep.some((name) => path.endsWith(name));
    expect(await folder('gguf', [], ['tiny-Q4_1.gguf'])).toMatch(
      /gguf\/tiny-Q4_1\.gguf does not begin with GGUF, so it is not a GGUF file/,
    );
    expect(await folder('pickled', ['config.json'], ['pytorch_model.bin'])).toMatch(
      /pickled has no model\.safetensors .*; save pytorch_model\.bin as safetensors/,
    );
    expect(await folder('holiday', [], ['photo.jpg'])).toMatch(
      /holiday has no config\.json; choose a Hugging Face model folder/,
    );
    const shards = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'];
    expect(await folder('shards', ['config.json'], shards)).toMatch(
      /shards has 2 safetensors files and no model\.safetensors\.index\.json/,
    );
  });
});

it('a weight file with another name is read if it is the only one', async () => {
  await cp(at('base'), at('renamed'), { recursive: true });
  await rename(at('renamed', 'model.safetensors'), at('renamed', 'tiny.safetensors'));
  const facts = await describeModel(await nodeFolder(at('renamed')));
  expect(facts.parameters).toBe((await describeModel(await nodeFolder(at('base')))).parameters);
});

it('a layer that is too large for the buffers of the card is refused in one sentence', () => {
  expect(() => layoutParameters(config, undefined, 4096)).toThrow(
    /model\.layers\.0\.self_attn\.q_proj\.weight and .* in one piece, and this graphics card takes 0\.00410 MB; choose a smaller model/,
  );
});
