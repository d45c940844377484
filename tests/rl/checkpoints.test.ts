/** The checkpoints of a run: what they hold, which of them stay, and what a kill may leave. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Gpu } from '../../src/gpu/device.ts';
import { openNodeGpu } from '../../src/gpu/node.ts';
import { AdamW } from '../../src/model/adamw.ts';
import type { TrainingRunner } from '../../src/model/batch-runner.ts';
import type { LoraConfig } from '../../src/model/lora.ts';
import { LanguageModel } from '../../src/model/language-model.ts';
import type { ParameterPool } from '../../src/model/parameter-pool.ts';
import { Random } from '../../src/rl/random.ts';
import { adamwOptions, makeRecipe } from '../../src/rl/recipe/recipe.ts';
import { Run } from '../../src/rl/runs/run.ts';
import { lastCheckpoint } from '../../src/rl/runs/checkpoints.ts';
import type { RunFolder } from '../../src/rl/runs/run-folder.ts';
import { nodeRunFolder } from '../../src/rl/runs/run-folder.node.ts';
import type { Trained, Trainer } from '../../src/rl/trainers/trainer.ts';
import { valueModel } from '../../src/rl/trainers/value-model.ts';
import { CONFIGS } from '../random-model.ts';

const config = CONFIGS['llama, tied']!;
const LORA: LoraConfig = { task: 'CAUSAL_LM', r: 2, alpha: 4, targets: ['q_proj', 'down_proj'] };

let root: string;
let gpu: Gpu;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'ponder-'));
  gpu = await openNodeGpu();
});
afterAll(async () => {
  gpu.close();
  await rm(root, { recursive: true });
});

let folder: RunFolder;
let runs = 0;
beforeEach(() => {
  folder = nodeRunFolder(join(root, String(runs++)));
});

async function trained(lora?: LoraConfig): Promise<Trained> {
  const model = LanguageModel.allocate(gpu, config, { lora });
  const optimizer = await AdamW.create(model, adamwOptions(recipeOf()));
  // The pass before a save is tested in not-finite.test.ts.
  const runner = { forward: () => Promise.resolve() } as unknown as TrainingRunner;
  return { model, optimizer, runner };
}

const recipeOf = (keys: Record<string, unknown> = {}) =>
  makeRecipe({
    ...{ algorithm: 'sft', world: 'meal-planner', model_name_or_path: 'model' },
    ...keys,
  });

/** A trainer whose steps are made elsewhere. */
const trainerOf = (policy: Trained, value?: Trained): Trainer => ({
  ...policy,
  ...(value && { value }),
  step: 0,
  tokensSeen: 0,
  trainStep: () => Promise.reject(new Error('nothing is trained here')),
  destroy: () => undefined,
});

const pools = ({ model, optimizer }: Trained): ParameterPool[] => [
  model.trainable,
  optimizer.memory.m,
  optimizer.memory.v,
];

function randomize(of: Trained, seed: number): void {
  const random = new Random(seed);
  for (const pool of pools(of)) {
    for (const { name, shape } of pool.layout.parameters.values()) {
      const count = shape.reduce((a, b) => a * b, 1);
      pool.setTensor(
        name,
        Float32Array.from({ length: count }, () => random.normal()),
      );
    }
  }
}

const numbers = (of: Trained) => Promise.all(pools(of).map((pool) => pool.read(gpu)));

async function saveAt(run: Run, ...steps: number[]): Promise<void> {
  for (const step of steps) {
    run.trainer.step = step;
    await run.save();
  }
}

describe.each([
  ['all weights', undefined],
  ['an adapter', LORA],
])('a checkpoint of %s', (_, lora) => {
  it('brings weights, moments and counters back, to the bit', async () => {
    const [policy, value] = [await trained(lora), await trained(lora)];
    randomize(policy, 1);
    randomize(value, 2);
    const before = [await numbers(policy), await numbers(value)];
    const trainer = trainerOf(policy, value);
    Object.assign(trainer, { tokensSeen: 77 });
    policy.optimizer.steps = 9;
    await saveAt(new Run(recipeOf(), trainer, folder, new Map()), 3);

    const again = trainerOf(await trained(lora), await trained(lora));
    expect(await new Run(recipeOf(), again, folder, new Map()).resume()).toBe(true);
    expect([await numbers(again), await numbers(again.value!)]).toEqual(before);
    expect(again).toMatchObject({ step: 3, tokensSeen: 77 });
    expect([again.optimizer.steps, again.value!.optimizer.steps]).toEqual([9, 9]);
  });
});

it('a resumed run has no completions and evaluations of the steps that it does again', async () => {
  await saveAt(new Run(recipeOf(), trainerOf(await trained(LORA)), folder, new Map()), 3);
  for (const kind of ['completions', 'evaluations']) {
    for (const step of [2, 3, 4]) await folder.write(`${kind}/step-${step}.jsonl`, '{}\n');
  }
  await new Run(recipeOf(), trainerOf(await trained(LORA)), folder, new Map()).resume();
  for (const kind of ['completions', 'evaluations']) {
    expect(await folder.list(kind)).toEqual(['step-2.jsonl', 'step-3.jsonl']);
  }
});

it.each([
  ['all weights', undefined],
  ['an adapter', LORA],
])('a value model begins as the policy of %s, with a score head of zeros', async (_, lora) => {
  const policy = await trained(lora);
  randomize(policy, 1);
  const { head, ...same } = Object.fromEntries(
    [...(await valueModel(policy.model).trainable.read(gpu))].map(([name, values]) =>
      name.endsWith('score.weight') ? ['head', values] : [name, values],
    ),
  );
  expect(head).toEqual(new Float32Array(config.hiddenSize));
  expect(same).toEqual(Object.fromEntries(await policy.model.trainable.read(gpu)));
});

it('a checkpoint of another recipe, or without a file, is refused in a sentence', async () => {
  const recipe = recipeOf();
  await saveAt(new Run(recipe, trainerOf(await trained(LORA)), folder, new Map()), 3);
  const wider = trainerOf(await trained({ ...LORA, r: 4 }));
  await expect(new Run(recipe, wider, folder, new Map()).resume()).rejects.toThrow(
    /adapter_model\.safetensors: .*lora_A\.weight is \[2, 24\], and \[4, 24\] is trained; resume/,
  );
  await folder.remove('checkpoints/step-3/optimizer.safetensors');
  const same = trainerOf(await trained(LORA));
  await expect(new Run(recipe, same, folder, new Map()).resume()).rejects.toThrow(
    'no checkpoint of this run can be used: checkpoints/step-3/optimizer.safetensors is missing; start',
  );
});

it('a finished run without a checkpoint is not begun again', async () => {
  const run = new Run(recipeOf(), trainerOf(await trained()), folder, new Map());
  expect(await run.resume()).toBe(false);
  await folder.write('summary.json', '{}');
  await expect(run.resume()).rejects.toThrow('this run is finished and has no checkpoint to go on');
  expect(await folder.list('')).toEqual(['summary.json']);
});

describe('save_total_limit', () => {
  const limited = async (limit: number | null, within = folder): Promise<Run> =>
    new Run(
      recipeOf({ save_total_limit: limit }),
      trainerOf(await trained(LORA)),
      within,
      new Map(),
    );
  const kept = () => folder.list('checkpoints');

  it('keeps the newest checkpoints, by number; without it all stay', async () => {
    await saveAt(await limited(null), 2, 9, 10);
    expect(await kept()).toEqual(['step-10', 'step-2', 'step-9']);
    await saveAt(await limited(2), 11);
    expect(await kept()).toEqual(['step-10', 'step-11']);
    await saveAt(await limited(1), 12);
    expect(await kept()).toEqual(['step-12']);
  });

  it('deletes an old checkpoint only after the new one is complete, its trainer_state.json first', async () => {
    const done: string[] = [];
    const told: RunFolder = {
      ...folder,
      write: async (path, data) => {
        await folder.write(path, data);
        done.push(`wrote ${path}`);
      },
      remove: async (path) => {
        await folder.remove(path);
        done.push(`removed ${path}`);
      },
    };
    await saveAt(await limited(1, told), 1, 2);
    expect(done.slice(-3)).toEqual([
      'wrote checkpoints/step-2/trainer_state.json',
      'removed checkpoints/step-1/trainer_state.json',
      'removed checkpoints/step-1',
    ]);
  });

  it('sweeps away what a kill left half removed or half written', async () => {
    await saveAt(await limited(null), 1, 2);
    await folder.remove('checkpoints/step-1/trainer_state.json');
    await folder.write('checkpoints/step-3/model.safetensors', 'half');
    await folder.write('checkpoints/step-3/trainer_state.json', '');
    expect(await lastCheckpoint(folder)).toBe(2);
    await saveAt(await limited(2), 4);
    expect(await kept()).toEqual(['step-2', 'step-4']);
  });

  it('does not stop a run whose old checkpoint cannot be removed now', async () => {
    const held: RunFolder = { ...folder, remove: () => Promise.reject(new Error('in use')) };
    await saveAt(await limited(1, held), 1, 2);
    expect(await lastCheckpoint(folder)).toBe(2);
    await saveAt(await limited(1), 3);
    expect(await kept()).toEqual(['step-3']);
  });
});

describe('a file of a run', () => {
  async function* pieces(fails: boolean): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    for (const text of ['one ', 'two']) yield await Promise.resolve(new TextEncoder().encode(text));
    if (fails) throw new Error('the card is gone');
  }
  const textOf = async (path: string): Promise<string> =>
    new TextDecoder().decode(await (await folder.open(path))!.read());

  it('is written in pieces and read in ranges', async () => {
    await folder.write('a/b', pieces(false));
    expect(await textOf('a/b')).toBe('one two');
    const source = await folder.open('a/b');
    expect(source!.size).toBe(7);
    expect(new TextDecoder().decode(await source!.read(4, 7))).toBe('two');
    expect(await folder.open('a')).toBeUndefined();
    expect(await folder.open('a/c')).toBeUndefined();
  });

  it('that fails while it is written leaves what was there before', async () => {
    await folder.write('old', 'before');
    for (const path of ['old', 'new']) {
      await expect(folder.write(path, pieces(true))).rejects.toThrow('the card is gone');
    }
    expect(await folder.list('.')).toEqual(['old']);
    expect(await textOf('old')).toBe('before');
  });

  it('is removed, or its folder with all in it; nothing happens where there is none', async () => {
    await folder.write('a/b/c', '1');
    await folder.write('a/d', '2');
    await folder.remove('a/b');
    expect(await folder.list('a')).toEqual(['d']);
    await folder.remove('a/d');
    await folder.remove('a/d');
    expect(await folder.list('a')).toEqual([]);
  });
});
