/** A tab may be closed at any moment: its run goes on as if it had never stopped. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { nodeSurroundings } from '../../src/cli/open.ts';
import type { LiveSurroundings } from '../../src/app/live-devices.ts';
import { LiveRun } from '../../src/app/live-run.ts';
import type { Status } from '../../src/app/training-service.ts';
import type { Reward } from '../../src/rl/rewards/reward.ts';
import { Random } from '../../src/rl/random.ts';
import type { MetricsRow } from '../../src/rl/report.ts';
import { parseJsonLines } from '../../src/rl/data/json-lines.ts';
import { readText, type RunFolder } from '../../src/rl/runs/run-folder.ts';
import { VOCABULARY } from '../../src/rl/world/menu.ts';
import { asReward, CONFIGS, randomTensors, saveModel } from '../random-model.ts';
import { memoryFolder } from './memory-folder.ts';

const config = { ...CONFIGS['llama, tied']!, vocabSize: VOCABULARY.length };
const KILLS = 20;
const STEPS = 30;
/** A step takes this long on the simulated clock. */
const STEP_SECONDS = 15;

let root: string;
let around: Awaited<ReturnType<typeof nodeSurroundings>>;
/** All lives share it: it never changes, and its kernels are compiled once. */
let judge: Promise<Reward> | undefined;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'ponder-'));
  await saveModel(join(root, 'policy'), config, randomTensors(config, 1));
  await saveModel(join(root, 'judge'), asReward(config), randomTensors(asReward(config), 2));
  around = await nodeSurroundings();
});
afterAll(async () => {
  around.close();
  await rm(root, { recursive: true });
});

const recipe = () => ({
  algorithm: 'grpo',
  world: 'meal-planner',
  model_name_or_path: join(root, 'policy'),
  reward_model_name_or_path: join(root, 'judge'),
  num_generations: 2,
  per_device_train_batch_size: 4,
  max_prompt_length: 24,
  max_completion_length: 6,
  learning_rate: 1e-2,
  eval_strategy: 'steps',
  eval_steps: 5,
  eval_num_prompts: 2,
  save_steps: 1000,
  max_steps: STEPS,
});

/** One life of a tab with a run: until its end, or until its tab is closed at event number `killAt`. */
async function live(disk: RunFolder, killAt: number) {
  let clock = 0;
  let killed = (): void => undefined;
  const death = new Promise<void>((resolve) => (killed = resolve));
  /** The step that it goes on from; null if it was killed before. */
  const life: { restored: number | null } = { restored: null };
  let reported = 0;
  const surroundings: LiveSurroundings = {
    ...around,
    openReward: (path, kind) => (judge ??= around.openReward(path, kind)),
    claim: () => Promise.resolve(mortal(disk, killAt, killed)),
    close: () => undefined,
  };
  const run = new LiveRun(
    () => Promise.resolve(surroundings),
    {},
    // Asked before and after each step.
    () => (clock += 1000 * STEP_SECONDS),
  );
  const isThere = (await disk.open('recipe.yaml')) !== undefined;
  const finished = new Promise<void>((resolve, reject) => {
    const listener = {
      onStatus: ({ phase, error }: Status): void => {
        if (phase === 'failed') reject(new Error(error));
        if (phase === 'finished') resolve();
      },
      onStep: ({ metrics }: { metrics: MetricsRow }): void => void (reported = metrics.step),
    };
    const opened = isThere
      ? run.goOn({ id: 'a' }, listener)
      : run.begin({ id: 'a', recipe: recipe() }, listener);
    opened
      .then(() => {
        life.restored = reported;
        return run.start();
      })
      .catch(reject);
  });
  const end = await Promise.race([finished.then(() => 'finished'), death.then(() => 'killed')]);
  return { end, ...life, trained: Math.floor(clock / 1000 / STEP_SECONDS / 2) };
}

/** A folder whose tab is closed at its event number `killAt`: from then on no call answers. */
function mortal(disk: RunFolder, killAt: number, onKilled: () => void): RunFolder {
  let events = 0;
  const event = async (): Promise<void> => {
    if (++events < killAt) return;
    onKilled();
    await new Promise(() => undefined);
  };
  return {
    open: (path) => disk.open(path),
    list: (path) => disk.list(path),
    async write(path, data) {
      await event();
      await disk.write(path, data);
      await event();
    },
    async append(path, text) {
      await event();
      if (events + 1 >= killAt) await disk.append(path, text.slice(0, text.length / 2));
      await event();
      await disk.append(path, text);
      await event();
    },
    async remove(path) {
      await event();
      await disk.remove(path);
    },
  };
}

const rowsOf = async (disk: RunFolder): Promise<MetricsRow[]> =>
  parseJsonLines<MetricsRow>((await readText(disk, 'metrics.jsonl')) ?? '').rows;

/** All that a run has written, without times. */
async function written(disk: RunFolder) {
  const rows = (await rowsOf(disk)).map((row) => ({ ...row, step_time: 0 }));
  const files: Record<string, string | undefined> = {};
  for (const kind of ['completions', 'evaluations']) {
    for (const name of await disk.list(kind)) {
      files[name] = await readText(disk, `${kind}/${name}`);
    }
  }
  return { rows, files };
}

it(`goes on after ${KILLS} kills as if it had never stopped, and loses at most a minute`, async () => {
  const whole = memoryFolder();
  expect(await live(whole, Infinity)).toMatchObject({ end: 'finished', trained: STEPS });

  const disk = memoryFolder();
  const random = new Random(7, 'kills');
  let reached = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const { end, restored, trained } = await live(disk, 1 + random.below(70));
    expect(end).toBe('killed');
    if (restored === null) continue;
    expect((reached - restored) * STEP_SECONDS).toBeLessThanOrEqual(60);
    reached = restored + trained;
  }
  expect((await live(disk, Infinity)).end).toBe('finished');
  expect(await written(disk)).toEqual(await written(whole));
});
