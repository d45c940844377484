/** Asking a policy before and after training, as the page does. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Gpu } from '../../src/gpu/device.ts';
import { openNodeGpu } from '../../src/gpu/node.ts';
import { droppedFolder, type CheckpointFolder } from '../../src/model/files.ts';
import { nodeFolder } from '../../src/model/node-files.ts';
import type { LoraConfig } from '../../src/model/peft.ts';
import { Random } from '../../src/rl/random.ts';
import type { Draft } from '../../src/app/answer.ts';
import { PolicyPair } from '../../src/app/policy-pair.ts';
import type { PairProgress } from '../../src/app/judge-pair.ts';
import type { Side, Trained } from '../../src/app/policy-pair-service.ts';
import { nowhere, type RunFolder } from '../../src/rl/runs/run-folder.ts';
import { nodeRunFolder } from '../../src/rl/runs/run-folder.node.ts';
import { VOCABULARY } from '../../src/rl/world/menu.ts';
import { goldUtility } from '../../src/rl/world/gold.ts';
import { worldEvaluation } from '../../src/rl/world/judging.ts';
import { asReward, CONFIGS, randomTensors, saveAdapter, saveModel } from '../random-model.ts';
import { writeSafetensors } from '../safetensors.ts';

const config = { ...CONFIGS['llama, tied']!, vocabSize: VOCABULARY.length };
const PROMPT =
  'menu ham 1 tart 7 pizza 7 gratin 1 sorbet 8 custard 5 beans 4 for cleo veggie budget 15';

/** Every pair here has one run. */
const RUN = 'a';
const ignore = (): void => undefined;

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
): PolicyPair =>
  new PolicyPair(
    () =>
      Promise.resolve({
        gpu,
        folder: (path) =>
          path === 'public/models/trained'
            ? Promise.resolve(shipped ?? droppedFolder(new Map()))
            : base
              ? Promise.resolve(base)
              : nodeFolder(path),
        readFile: () => Promise.reject(new Error('no file is needed')),
        run: () => Promise.resolve(typeof run === 'function' ? run() : run),
      }),
    recipe,
  );

/** What a pair answers, and the checkpoint that it names. */
async function ask(
  from: PolicyPair,
  seed = 1,
): Promise<Record<Side, Draft[]> & { checkpoint: Trained | undefined }> {
  const drafts: Record<Side, Draft[]> = { base: [], trained: [] };
  let checkpoint: Trained | undefined;
  await from.ask(
    RUN,
    { prompt: PROMPT, temperature: 1, seed },
    (trained) => (checkpoint = trained),
    (side, draft) => drafts[side].push(draft),
  );
  return { ...drafts, checkpoint };
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
    const drafts = await ask(pair);
    expect(drafts.checkpoint).toEqual({ step: 12 });
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
    const after = await ask(pair);
    expect(after.checkpoint).toEqual({ step: 30 });
    expect(after.base).toEqual(before.base);
    expect(after.trained).not.toEqual(before.trained);
  });

  it('without a run uses the shipped policy, and without that only the base', async () => {
    const shipped = pairOf(nowhere, await nodeFolder(join(root, 'run/checkpoints/step-3')));
    const { checkpoint, trained } = await ask(shipped);
    expect(checkpoint).toBe('shipped');
    expect(trained.length).toBeGreaterThan(0);
    const drafts = await ask(pairOf(nowhere));
    expect(drafts.checkpoint).toBeNull();
    expect(drafts.trained).toEqual([]);
    expect(drafts.base.at(-1)!.done).toBe(true);
  });

  it('stops after a few tokens, and then answers the next question', async () => {
    const pair = pairOf(kept);
    const heard: Draft[] = [];
    const question = { prompt: PROMPT, temperature: 1, seed: 1 };
    const stopping = pair.ask(RUN, question, ignore, (_, draft) => {
      heard.push(draft);
      void pair.stop('question');
    });
    await expect(stopping).rejects.toThrow('stopped');
    expect(heard.length).toBeLessThanOrEqual(2);
    expect(heard.some(({ done }) => done)).toBe(false);
    expect((await ask(pair)).base.at(-1)!.done).toBe(true);
  });

  it('lets judges compare both sides on held-out prompts, and tries other thoughts', async () => {
    const pair = pairOf(kept);
    const choice = { prompts: 3, models: [], lengthMargin: 500 };
    const heard: PairProgress[] = [];
    const models = [{ path: join(root, 'judge'), kind: 'classifier' as const }];
    const { judged, trained } = await pair.judgePair(RUN, { ...choice, models }, (at) =>
      heard.push(at),
    );
    expect(trained).toEqual({ step: 30 });
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
    const prompts = worldEvaluation('held-out', 3, 0).prompts;
    const { after } = await pair.writeBoth(RUN, prompts, 0);
    const texts = after.map(({ response }, i) => ({ prompt: prompts[i]!, response }));
    const rewards = await pair.score(join(root, 'judge'), texts);
    expect(own!.ours).toBeCloseTo(rewards.reduce((a, b) => a + b) / 3, 4);

    const stopping = pair.judgePair(RUN, choice, () => void pair.stop('judging'));
    await expect(stopping).rejects.toThrow('stopped');
    const alone = pairOf(nowhere).judgePair(RUN, choice, ignore);
    await expect(alone).rejects.toThrow('train one first');
  });

  it('names the words that the model does not know', async () => {
    const question = { temperature: 1, seed: 1 };
    const refuse = (prompt: string): Promise<void> =>
      pairOf(kept).ask(RUN, { prompt, ...question }, ignore, ignore);
    await expect(refuse('menu pasta 3 for Ana veggie budget 9')).rejects.toThrow(
      'does not know the words “pasta” and “Ana”',
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
      await pair.ask(RUN, question, ignore, () => {
        order.push('before the run');
        run = kept;
        next ??= pair.ask(RUN, question, ignore, () => order.push('after it'));
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
    const written = await pairOf(kept).write(RUN, [PROMPT, PROMPT.replace('15', '9')], 2, 4);
    expect(written.map(({ length }) => length)).toEqual([2, 2]);
    expect(written[0]![0]).not.toEqual(written[0]![1]);
  });
});
