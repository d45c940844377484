/** How a live run goes on after losses, step by step, without a graphics device. */
import { beforeEach, expect, it, vi } from 'vitest';
import type { LiveSurroundings } from '../../src/app/live-devices.ts';
import { LiveRun } from '../../src/app/live-run.ts';
import type { Status } from '../../src/app/training-service.ts';
import { GpuLostError } from '../../src/gpu/errors.ts';
import { makeRecipe, recipeYaml } from '../../src/rl/recipe/recipe.ts';
import { nowhere } from '../../src/rl/runs/run-folder.ts';
import { memoryFolder } from './memory-folder.ts';

/** A device that can be lost. */
class FakeGpu {
  info = { description: 'fake', vendor: '' };
  ledger = {};
  isLost = false;
  lose!: () => void;
  readonly lost = new Promise<GpuLostError>((resolve) => {
    this.lose = () => {
      this.isLost = true;
      resolve(new GpuLostError('The graphics device was lost (test).'));
    };
  });
}

/** What a folder keeps over devices: the checkpoint's step, and each step's row as often as it was done. */
const kept = {
  saved: 0,
  rows: [] as number[],
  /** Steps in which the device is lost; 0 is while a run is read. */
  loseIn: [] as number[],
  /** Runs while a checkpoint is written. */
  whileSaving: (() => undefined) as (gpu: FakeGpu) => unknown,
};

vi.mock('../../src/app/opening/trainer.ts', () => ({
  openTrainer: (_: unknown, { gpu }: { gpu: FakeGpu }) =>
    Promise.resolve({
      trainer: { step: 0, gpu, destroy: () => undefined },
      tokenizerFiles: new Map(),
    }),
}));
vi.mock('../../src/rl/runs/run.ts', () => ({
  Run: class {
    savedStep = 0;
    notices = [];
    folder = { remove: () => Promise.resolve() };
    constructor(
      readonly recipe: { max_steps: number; save_steps: number },
      readonly trainer: { step: number; gpu: FakeGpu },
    ) {}
    get finished(): boolean {
      return this.trainer.step >= this.recipe.max_steps;
    }
    get saved(): boolean {
      return this.trainer.step === this.savedStep;
    }
    begin = () => Promise.resolve();
    write = () => Promise.resolve();
    evaluateFirst = () => Promise.resolve(undefined);
    resume(): Promise<boolean> {
      if (kept.loseIn[0] === 0) {
        kept.loseIn.shift();
        this.trainer.gpu.lose();
        return Promise.reject(new GpuLostError('lost'));
      }
      this.trainer.step = this.savedStep = kept.saved;
      return Promise.resolve(kept.saved > 0);
    }
    async step() {
      const step = this.trainer.step + 1;
      if (kept.loseIn[0] === step) {
        kept.loseIn.shift();
        this.trainer.gpu.lose();
      }
      await Promise.resolve();
      // The map of a lost device is rejected with an error of its own.
      if (this.trainer.gpu.isLost) throw new Error('AbortError');
      this.trainer.step = step;
      return { metrics: { step }, groups: [] };
    }
    async record({ metrics }: { metrics: { step: number } }) {
      kept.rows.push(metrics.step);
      if (metrics.step % this.recipe.save_steps === 0) await this.save();
    }
    async save(): Promise<void> {
      const { step, gpu } = this.trainer;
      await kept.whileSaving(gpu);
      if (gpu.isLost) throw new GpuLostError('lost');
      expect(this.trainer.step).toBe(step);
      kept.saved = this.savedStep = step;
    }
  },
}));

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

beforeEach(() =>
  Object.assign(kept, { saved: 0, rows: [], loseIn: [], whileSaving: () => undefined }),
);

const recipe = {
  ...{ algorithm: 'sft', model_name_or_path: 'm', world: 'meal-planner' },
  ...{ max_steps: 6, save_steps: 2 },
};

/** @param stored rows of the folder of a run to go on with, by their steps; a new run if there are none */
async function open(stored: readonly number[] = []) {
  const folder = stored.length > 0 ? memoryFolder() : nowhere;
  const rows = stored.map((step) => JSON.stringify({ step }));
  await folder.write('recipe.yaml', recipeYaml(makeRecipe(recipe)));
  await folder.write('metrics.jsonl', rows.join('\n'));
  const statuses: Status[] = [];
  const steps: number[] = [];
  const devices: FakeGpu[] = [];
  const live = new LiveRun(() => {
    const gpu = new FakeGpu();
    devices.push(gpu);
    const around = { gpu, claim: () => Promise.resolve(folder), close: () => gpu.lose() };
    return Promise.resolve(around as unknown as LiveSurroundings);
  });
  const listener = {
    onStatus: (status: Status) => void statuses.push(status),
    onStep: ({ metrics }: { metrics: { step: number } }) => void steps.push(metrics.step),
  };
  await (stored.length > 0
    ? live.goOn({ id: 'a' }, listener)
    : live.begin({ id: 'a', recipe }, listener));
  const phase = (): string => statuses.at(-1)!.phase;
  return { live, statuses, steps, devices, phase };
}

it('does the steps after the last checkpoint again, and reports each step once', async () => {
  const { live, steps, devices, phase } = await open();
  kept.loseIn = [4, 3, 6];
  await live.start();
  await expect.poll(phase, { timeout: 20_000 }).toBe('finished');
  expect(kept.rows).toEqual([1, 2, 3, 3, 4, 5, 5, 6]);
  expect(steps).toEqual([1, 2, 3, 4, 5, 6]);
  expect(devices).toHaveLength(4);
});

it('a run that rests opens a new device too, and rests on', async () => {
  const { live, devices, phase, statuses } = await open();
  await live.step();
  await live.step();
  expect(phase()).toBe('paused');
  devices[0]!.lose();
  await expect.poll(() => devices.length, { timeout: 5000 }).toBe(2);
  await expect.poll(phase).toBe('paused');
  expect(statuses.at(-1)).toMatchObject({ step: 2 });
  await live.step();
  expect(statuses.at(-1)).toMatchObject({ phase: 'paused', step: 3 });
  expect(devices).toHaveLength(2);
});

it('opens one new device if it is lost while a run that rests is saved', async () => {
  const { live, devices, phase, statuses } = await open();
  await live.step();
  await live.step();
  expect(kept.saved).toBe(2);
  kept.whileSaving = async (gpu) => {
    kept.whileSaving = () => undefined;
    gpu.lose();
    await pause(20);
  };
  await Promise.all([live.step(), live.pause()]);
  await pause(50);
  await expect.poll(phase, { timeout: 5000 }).toBe('paused');
  expect(devices).toHaveLength(2);
  expect(statuses.at(-1)).toMatchObject({ step: 2 });
  expect(statuses.at(-1)!.unsaved).toBeUndefined();
});

it('opens a new device if it is lost after the last weight was read', async () => {
  const { live, devices, phase } = await open();
  const save = { done: (): void => undefined };
  await live.step();
  await live.step();
  // The device is lost while the checkpoint is written, which needs it no more.
  kept.whileSaving = () => new Promise<void>((resolve) => (save.done = resolve));
  const stepped = live.step();
  await expect.poll(() => phase()).toBe('paused');
  setTimeout(() => devices[0]!.lose(), 20);
  await pause(40);
  devices[0]!.isLost = false;
  save.done();
  await stepped;
  await expect.poll(() => devices.length, { timeout: 5000 }).toBe(2);
});

it('shows the steps of a stored run, also if the device is lost while it is read', async () => {
  Object.assign(kept, { saved: 2, loseIn: [0] });
  const { steps, devices, phase } = await open([1, 2]);
  await expect.poll(phase).toBe('paused');
  expect(devices).toHaveLength(2);
  expect(steps).toEqual([1, 2]);
});

it('begins a stored run again only if it was killed before its first checkpoint', async () => {
  const killed = await open([1, 2]);
  expect(killed.phase()).toBe('paused');
  const longer = await open([0, 1, 2, 3]);
  expect(longer.phase()).toBe('failed');
  expect(longer.statuses.at(-1)!.error).toBe(
    'This run has 3 steps and no checkpoint to continue from. Copy its settings to the recipe to train it again.',
  );
});

it('trains on only when the checkpoint is whole', async () => {
  const { live, phase, statuses } = await open();
  kept.whileSaving = () => pause(30);
  await live.step();
  await live.step();
  const stepped = live.step();
  await pause(10);
  await live.start();
  await stepped;
  await expect.poll(phase, { timeout: 5000 }).toBe('finished');
  expect(kept.saved).toBe(6);
  expect(statuses.map(({ unsaved }) => unsaved).filter(Boolean)).toEqual([]);
});

it('a run that is stopped opens no other device', async () => {
  const { live, devices, phase } = await open();
  kept.loseIn = [1];
  await live.start();
  await live.stop();
  expect(phase()).toBe('stopped');
  expect(devices.length).toBeLessThanOrEqual(2);
});

it('gives up after three losses without a step between', async () => {
  const { live, devices, phase, statuses } = await open();
  kept.loseIn = [1, 1, 1, 1];
  await live.start();
  await expect.poll(phase, { timeout: 20_000 }).toBe('failed');
  expect(devices).toHaveLength(4);
  expect(statuses.at(-1)!.error).toMatch(/^The graphics device was lost several times/);
});

it('an error of its own ends a run, on a device that is not lost', async () => {
  const { live, devices, phase, statuses } = await open();
  vi.spyOn(live as unknown as { train(): Promise<void> }, 'train').mockRejectedValue(
    new Error('no such file'),
  );
  await live.start();
  await expect.poll(phase, { timeout: 5000 }).toBe('failed');
  expect(statuses.at(-1)!.error).toBe('no such file');
  expect(devices).toHaveLength(1);
});
