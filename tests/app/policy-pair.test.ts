/** Asking a policy before and after training, as the page does. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Gpu } from '../../src/gpu/device.ts';
import { openNodeGpu } from '../../src/gpu/node.ts';
import { blobSource, droppedFolder, type CheckpointFolder } from '../../src/model/files.ts';
import { nodeFolder } from '../../src/model/node-files.ts';
import type { LoraConfig } from '../../src/model/peft.ts';
import { Random } from '../../src/rl/random.ts';
import type { Draft } from '../../src/app/answer.ts';
import { PolicyPair } from '../../src/app/policy-pair.ts';
import type { PairProgress } from '../../src/app/judge-pair.ts';
import type { Side } from '../../src/app/policy-pair-service.ts';
import { nowhere, type RunFolder } from '../../src/rl/runs/run-folder.ts';
import { nodeRunFolder } from '../../src/rl/runs/run-folder.node.ts';
import { VOCABULARY } from '../../src/rl/world/menu.ts';
import { goldUtility } from '../../src/rl/world/gold.ts';
import { splitOf } from '../../src/rl/world/prompts.ts';
import { asReward, CONFIGS, randomTensors, saveAdapter, saveModel } from '../random-model.ts';
import { writeSafetensors } from '../safetensors.ts';

const config = { ...CONFIGS['llama, tied']!, vocabSize: VOCABULARY.length };
const PROMPT =
  'menu ham 1 tart 7 pizza 7 gratin 1 sorbet 8 custard 5 beans 4 for cleo veggie budget 15';

let root: string;
let gpu: Gpu;
let kept: RunFolder;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'ponder-'));
  gpu = await openNodeGpu();
  await saveModel(join(root, 'policy'), config, randomTensors(config, 1));
  await saveModel(join(root, 'judge'), asReward(config), randomTensors(asReward(config), 2));
  // A run with two checkpoints.
  kept = nodeRunFolder(join(root, 'run'));
  await kept.write('recipe.yaml', JSON.stringify(recipe));
  for (const step of [3, 12]) await checkpoint(step);
});
afterAll(async () => {
  gpu.close();
  await rm(root, { recursive: true });
});

const recipe = {
  algorithm: 'grpo',
  world: 'meal-planner',
  gold: 'meal-planner',
  max_completion_length: 20,
  get model_name_or_path() {
    return join(root, 'policy');
  },
  get reward_model_name_or_path() {
    return join(root, 'judge');
  },
};

async function checkpoint(step: number): Promise<void> {
  const at = join(root, 'run', 'checkpoints', `step-${step}`);
  await saveModel(at, config, randomTensors(config, step));
  await complete(join(root, 'run'), step);
}

/** What a checkpoint has beside its model. */
async function complete(run: string, step: number): Promise<void> {
  const at = join(run, 'checkpoints', `step-${step}`);
  await writeFile(join(at, 'optimizer.safetensors'), writeSafetensors(new Map()));
  await writeFile(join(at, 'trainer_state.json'), JSON.stringify({ global_step: step }));
}

const pairOf = (
  run: RunFolder | (() => RunFolder),
  shipped?: CheckpointFolder,
  base?: CheckpointFolder,
): PolicyPair => {
  const pair = new PolicyPair(
    () =>
      Promise.resolve({
        gpu,
        folder: (path) =>
          path === 'public/models/trained'
            ? Promise.resolve(shipped ?? droppedFolder(new Map()))
            : base
              ? Promise.resolve(base)
              : nodeFolder(path),
        readFile: (path) =>
          path === 'test'
            ? Promise.resolve('{"prompt": "tea?"}\n{"prompt": "more?"}')
            : Promise.reject(new Error('no other file is needed')),
        run: () => Promise.resolve(typeof run === 'function' ? run() : run),
      }),
    recipe,
  );
  void pair.choose('a');
  return pair;
};

const withRecipe =
  (yaml: string): RunFolder['open'] =>
  (path) =>
    path === 'recipe.yaml' ? Promise.resolve(blobSource(path, new Blob([yaml]))) : kept.open(path);

async function ask(from: PolicyPair, seed = 1): Promise<Record<Side, Draft[]>> {
  const drafts: Record<Side, Draft[]> = { base: [], trained: [] };
  await from.ask({ prompt: PROMPT, temperature: 1, seed }, (side, draft) => {
    drafts[side].push(draft);
  });
  return drafts;
}

/** Bytes of weights that `work` leaves on the device. */
async function allocatedBy(work: () => Promise<unknown>): Promise<number> {
  const before = gpu.ledger.weights;
  await work();
  return gpu.ledger.weights - before;
}

describe('base against trained', () => {
  it('uses the last checkpoint of the kept run, streams both answers, and scores them', async () => {
    const pair = pairOf(kept);
    expect(await pair.look()).toMatchObject({
      trained: { step: 12 },
      thinking: true,
      dinner: true,
    });
    const drafts = await ask(pair);
    for (const side of ['base', 'trained'] as const) {
      const all = drafts[side];
      const last = all.at(-1)!;
      expect(all.length).toBeGreaterThan(1);
      expect(all.map(({ done }) => done)).toEqual(all.map((_, i) => i === all.length - 1));
      // Text stays once it is written: a later draft begins with the earlier one.
      const texts = all
        .slice(0, -1)
        .map(({ thought, response }) => (thought ?? '') + (response ?? ''));
      texts.slice(1).forEach((text, i) => expect(text.startsWith(texts[i]!)).toBe(true));
      expect(last.gold).toBe(goldUtility(PROMPT, last.response!).value);
      expect(Number.isFinite(last.reward)).toBe(true);
    }
    expect(drafts.base.at(-1)!.response).not.toBe(drafts.trained.at(-1)!.response);
    expect(await ask(pair)).toEqual(drafts);
    expect(await ask(pair, 2)).not.toEqual(drafts);
    const [score] = await pair.score(join(root, 'judge'), [
      { prompt: PROMPT, response: drafts.base.at(-1)!.response! },
    ]);
    expect(score).toBeCloseTo(drafts.base.at(-1)!.reward!, 4);
  });

  it('notices a newer checkpoint', async () => {
    const pair = pairOf(kept);
    const before = await ask(pair);
    await checkpoint(30);
    expect(await pair.look()).toMatchObject({ trained: { step: 30 } });
    const after = await ask(pair);
    expect(after.base).toEqual(before.base);
    expect(after.trained).not.toEqual(before.trained);
  });

  it('without a run uses the shipped policy, and without that only the base', async () => {
    const shipped = pairOf(nowhere, await nodeFolder(join(root, 'run/checkpoints/step-3')));
    expect(await shipped.look()).toMatchObject({ trained: 'shipped' });
    expect((await ask(shipped)).trained.length).toBeGreaterThan(0);
    const alone = pairOf(nowhere);
    expect(await alone.look()).toMatchObject({ trained: null });
    const drafts = await ask(alone);
    expect(drafts.trained).toEqual([]);
    expect(drafts.base.at(-1)!.done).toBe(true);
  });

  it('stops after a few tokens, and then answers the next question', async () => {
    const pair = pairOf(kept);
    const heard: Draft[] = [];
    const question = { prompt: PROMPT, temperature: 1, seed: 1 };
    const stopping = pair.ask(question, (_, draft) => {
      heard.push(draft);
      void pair.stop();
    });
    await expect(stopping).rejects.toThrow('stopped');
    expect(heard.length).toBeLessThanOrEqual(2);
    expect(heard.some(({ done }) => done)).toBe(false);
    expect((await ask(pair)).base.at(-1)!.done).toBe(true);
  });

  it('judges held-out prompts as it judges an answer', async () => {
    const pair = pairOf(kept);
    const prompts = await pair.heldOutPrompts(3, 1);
    expect(prompts.map(splitOf)).toEqual(['held-out', 'held-out', 'held-out']);
    expect(await pair.heldOutPrompts(3, 2)).not.toEqual(prompts);
    const { reward, gold, response } = (await ask(pair)).base.at(-1)!;
    const [judgement] = await pair.judge([{ prompt: PROMPT, response: response! }]);
    expect(judgement!.reward).toBeCloseTo(reward!, 4);
    expect(judgement!.gold).toBe(gold);
  });

  it('lets judges compare both sides on held-out prompts, and tries other thoughts', async () => {
    const pair = pairOf(kept);
    const choice = { prompts: 3, models: [], lengthMargin: 500 };
    const heard: PairProgress[] = [];
    const models = [{ path: join(root, 'judge'), kind: 'classifier' as const }];
    const judged = await pair.judgePair({ ...choice, models }, (at) => heard.push(at));
    expect(judged.comparisons.map(({ judge }) => judge)).toEqual([
      'reward',
      models[0]!.path,
      'gold',
    ]);
    // The run has one reward, which is the same model.
    const [own, same] = judged.comparisons;
    expect(same).toMatchObject({ ours: own!.ours, baseline: own!.baseline });
    expect(own!.ours).not.toBe(own!.baseline);
    expect([...new Set(heard.map(({ doing }) => doing))].slice(0, 4)).toEqual([
      ...['before', 'after', 'judges', 'traits'],
    ]);
    // It writes what it writes elsewhere with the same seed.
    const prompts = await pair.heldOutPrompts(3, 0);
    const written = await pair.write('trained', prompts, 1, 0);
    const texts = written.map(({ prompt, samples }) => ({
      prompt,
      response: samples[0]!.response,
    }));
    const rewards = (await pair.judge(texts)).map(({ reward }) => reward);
    expect(own!.ours).toBeCloseTo(rewards.reduce((a, b) => a + b) / 3, 4);

    const stopping = pair.judgePair(choice, () => void pair.stop());
    await expect(stopping).rejects.toThrow('stopped');
    const alone = pairOf(nowhere).judgePair(choice, () => undefined);
    await expect(alone).rejects.toThrow('train one first');
  });

  it('draws from the held-out prompts of a run with its own data, or reports that there are none', async () => {
    const prompts = (splits: string[]): Promise<string[]> => {
      const datasets = splits.map((split) => ({ path: 'json', data_files: split, split }));
      const own = { ...recipe, world: null, gold: null, datasets, eval_num_prompts: 1 };
      const run = { ...kept, open: withRecipe(JSON.stringify(own)) };
      return pairOf(run).heldOutPrompts(99, 1);
    };
    await expect(prompts(['train'])).rejects.toThrow(/ten or more/);
    expect((await prompts(['train', 'test'])).sort()).toEqual(['more?', 'tea?']);
  });

  it('names the words that the model does not know', async () => {
    const question = { temperature: 1, seed: 1 };
    const refuse = (prompt: string): Promise<void> =>
      pairOf(kept).ask({ prompt, ...question }, () => undefined);
    await expect(refuse('menu pasta 3 for Ana veggie budget 9')).rejects.toThrow(
      'does not know the words “Ana” and “pasta”',
    );
    await expect(refuse(' ')).rejects.toThrow(/prompt is empty/);
  });

  it('loads the models once for two questions at the same time', async () => {
    const once = await allocatedBy(() => ask(pairOf(nowhere)));
    expect(once).toBeGreaterThan(0);
    const twice = await allocatedBy(async () => {
      const pair = pairOf(nowhere);
      const [first, second] = await Promise.all([ask(pair), ask(pair)]);
      expect(second).toEqual(first);
    });
    expect(twice).toBe(once);
  });

  it('frees the models of an older checkpoint only when no question uses them any more', async () => {
    let run = nowhere;
    const pair = pairOf(() => run);
    const once = await allocatedBy(() => ask(pair));
    const question = { prompt: PROMPT, temperature: 1, seed: 1 };
    const order: string[] = [];
    let next: Promise<void> | undefined;
    const added = await allocatedBy(async () => {
      await pair.ask(question, () => {
        order.push('before the run');
        run = kept;
        next ??= pair.ask(question, () => order.push('after it'));
      });
      await next;
    });
    const fresh = await allocatedBy(() => ask(pairOf(kept)));
    expect(added).toBe(fresh - once);
    expect(order).toContain('after it');
    expect(order.lastIndexOf('before the run')).toBeLessThan(order.indexOf('after it'));
  });

  it('frees all memory when one of the two cannot be loaded', async () => {
    const broken = pairOf(kept, undefined, droppedFolder(new Map()));
    expect(await allocatedBy(() => expect(ask(broken)).rejects.toThrow('no tokenizer.json'))).toBe(
      0,
    );
  });

  it('shows the answers of the first adapter as the base of a run that trained it further', async () => {
    const lora: LoraConfig = {
      task: 'CAUSAL_LM',
      r: 2,
      alpha: 2,
      targets: ['q_proj', 'down_proj'],
    };
    const save = (folder: string, seed: number): Promise<void> => {
      const random = new Random(seed);
      const adapter = { ...lora, base: join(root, 'policy') };
      return saveAdapter(join(root, folder), config, adapter, () => random.normal());
    };
    // Two runs; the second one trains the adapter of the first one further.
    const runOf = async (folder: string, seed: number): Promise<RunFolder> => {
      await save(`${folder}/checkpoints/step-2`, seed);
      await complete(join(root, folder), 2);
      return nodeRunFolder(join(root, folder));
    };
    const [first, second] = [await runOf('first', 1), await runOf('second', 2)];
    const answers = async (run: RunFolder, from: string): Promise<Record<Side, string>> => {
      const own = { ...recipe, model_name_or_path: join(root, from), use_peft: true };
      await run.write('recipe.yaml', JSON.stringify(own));
      const { base, trained } = await ask(pairOf(run));
      return { base: JSON.stringify(base.at(-1)), trained: JSON.stringify(trained.at(-1)) };
    };
    const began = await answers(first, 'policy');
    const wentOn = await answers(second, 'first/checkpoints/step-2');
    expect(wentOn.base).toBe(began.trained);
    expect(new Set([began.base, began.trained, wentOn.trained]).size).toBe(3);
  });

  it('writes several responses for several prompts', async () => {
    const groups = await pairOf(kept).write('base', [PROMPT, PROMPT.replace('15', '9')], 2, 4);
    expect(groups.map(({ samples }) => samples.length)).toEqual([2, 2]);
    expect(groups[0]!.samples[0]).not.toEqual(groups[0]!.samples[1]);
  });
});
