/** A live run as the page controls it: start, pause, step, stop, and resume after the tab was closed. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { nodeSurroundings } from '../../src/cli/open.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { LiveRun, type LiveSurroundings } from '../../src/app/live-run.ts';
import type { Status } from '../../src/app/training-service.ts';
import type { StepReport } from '../../src/rl/report.ts';
import { nowhere, type RunFolder } from '../../src/rl/runs/run-folder.ts';
import { nodeRunFolder } from '../../src/rl/runs/run-folder.node.ts';
import { VOCABULARY } from '../../src/rl/world/menu.ts';
import { asReward, CONFIGS, randomTensors, saveModel } from '../random-model.ts';

const config = { ...CONFIGS['llama, tied']!, vocabSize: VOCABULARY.length };

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'ponder-'));
  await saveModel(join(root, 'policy'), config, randomTensors(config, 1));
  await saveModel(join(root, 'judge'), asReward(config), randomTensors(asReward(config), 2));
});
afterAll(() => rm(root, { recursive: true }));

/** A live run, with all its reports; `changes` are to its surroundings. */
function openLive(
  keptRun: (fresh: boolean) => Promise<RunFolder>,
  changes: Partial<LiveSurroundings> = {},
) {
  const statuses: Status[] = [];
  const steps: StepReport[] = [];
  const devices: Gpu[] = [];
  let closed = 0;
  const surroundings = async (): Promise<LiveSurroundings> => {
    const around = await nodeSurroundings();
    devices.push(around.gpu);
    const close = (): void => {
      closed++;
      around.close();
    };
    return { ...around, keptRun, close, ...changes };
  };
  const live = new LiveRun(surroundings, {
    algorithm: 'grpo',
    world: 'meal-planner',
    num_generations: 2,
    max_prompt_length: 24,
  });
  const open = (resume: boolean): Promise<void> =>
    live.open(
      {
        model_name_or_path: join(root, 'policy'),
        reward_model_name_or_path: join(root, 'judge'),
        per_device_train_batch_size: 4,
        max_completion_length: 6,
        learning_rate: 1e-3,
        max_steps: 5,
      },
      { onStatus: (status) => statuses.push(status), onStep: (report) => steps.push(report) },
      resume,
    );
  return { live, open, statuses, steps, devices, closed: () => closed };
}

it('pauses, steps, stops, and resumes after the tab was closed', async () => {
  const folder = (): Promise<RunFolder> => Promise.resolve(nodeRunFolder(join(root, 'kept')));
  const first = openLive(folder);
  await first.open(false);
  expect(first.statuses.at(-1)).toMatchObject({ phase: 'paused', step: 0, maxSteps: 5 });
  const loading = first.statuses.filter(({ phase }) => phase === 'loading');
  expect(loading.at(-1)!.detail).toMatch(/^loading .*policy \(\d+%\)$/);
  await first.live.step();
  expect(first.statuses.at(-1)).toMatchObject({ phase: 'paused', step: 1 });
  await first.live.step();
  await first.live.stop();
  expect(first.statuses.at(-1)).toMatchObject({ phase: 'stopped', step: 2, savedStep: 2 });
  expect(first.steps.map(({ metrics }) => metrics.step)).toEqual([1, 2]);

  const second = openLive(folder);
  await second.open(true);
  // The earlier steps are reported again, so that the curves are complete.
  expect(second.steps.map(({ metrics }) => metrics.step)).toEqual([1, 2]);
  expect(second.steps[1]!.group!.samples.map(({ completion }) => completion)).toEqual(
    first.steps[1]!.group!.samples.map(({ completion }) => completion),
  );
  await second.live.start();
  await expect.poll(() => second.statuses.at(-1)?.phase, { timeout: 60_000 }).toBe('finished');
  expect(second.steps.map(({ metrics }) => metrics.step)).toEqual([1, 2, 3, 4, 5]);
  // A browser has little room: of the checkpoints after steps 1, 2 and 5 two stay.
  expect(await (await folder()).list('checkpoints')).toEqual(['step-2', 'step-5']);
  await second.live.stop();

  // It was finished, and stays so: what comes late changes nothing.
  await second.devices[0]!.lost;
  await second.live.start();
  await second.live.step();
  await second.live.pause();
  await second.live.stop();
  expect(second.statuses.at(-1)).toMatchObject({ phase: 'finished', step: 5 });
  expect(second.steps).toHaveLength(5);
  expect(second.closed()).toBe(1);

  const third = openLive(folder);
  await third.open(true);
  expect(third.statuses.at(-1)).toMatchObject({ phase: 'finished', step: 5 });
  await third.live.stop();
});

it('stops after the step it is in, however often it is asked', async () => {
  const { live, open, statuses, steps, closed } = openLive(() => Promise.resolve(nowhere));
  await open(false);
  await live.start();
  const stops = [live.stop(), live.stop()];
  // Too late.
  await live.start();
  await Promise.all(stops);
  await live.step();
  expect(steps).toHaveLength(1);
  expect(statuses.filter(({ phase }) => phase === 'stopped')).toHaveLength(1);
  expect(statuses.at(-1)).toMatchObject({ phase: 'stopped', step: 1 });
  expect(closed()).toBe(1);
});

it.each(['opening the graphics device', 'loading'])(
  'stops while it is %s, and leaves the kept run alone',
  async (detail) => {
    const asked: boolean[] = [];
    const { live, open, statuses, closed, devices } = openLive((fresh) => {
      asked.push(fresh);
      return Promise.resolve(nowhere);
    });
    const opened = open(false);
    await expect.poll(() => statuses.at(-1)?.detail, { interval: 1 }).toMatch(detail);
    await live.stop();
    expect(statuses.at(-1)).toMatchObject({ phase: 'stopped', step: 0 });
    await opened;
    await devices[0]!.lost;
    await live.start();
    expect(statuses.at(-1)).toMatchObject({ phase: 'stopped', step: 0 });
    expect(asked).toEqual([]);
    expect(closed()).toBe(1);
  },
);

it('says why it failed once, and a stop after it gives the device back', async () => {
  const { live, open, statuses, closed } = openLive(() => Promise.resolve(nowhere), {
    openReward: () => Promise.reject(new Error('The reward worker stopped.')),
  });
  await open(false);
  await live.stop();
  expect(statuses.at(-1)).toMatchObject({ phase: 'failed', error: 'The reward worker stopped.' });
  expect(closed()).toBe(1);
});

it('continues to train, and reports it, when nothing can be saved', async () => {
  const full: RunFolder = {
    ...nodeRunFolder(join(root, 'full')),
    write: () => Promise.reject(new Error('the disk is full')),
  };
  const { live, open, statuses, steps } = openLive(() => Promise.resolve(full));
  await open(false);
  await live.step();
  expect(steps.length).toBe(1);
  expect(statuses.at(-1)).toMatchObject({ phase: 'paused', step: 1 });
  expect(statuses.at(-1)!.unsaved).toMatch(/not saved any more \(the disk is full\)/);
  await live.stop();
});

it('trains in a browser without storage', async () => {
  const { live, open, statuses } = openLive(() => Promise.reject(new Error('no storage')));
  await open(false);
  await live.step();
  expect(statuses.at(-1)).toMatchObject({ phase: 'paused', step: 1 });
  expect(statuses.at(-1)!.unsaved).toMatch(/no storage/);
  await live.stop();
});
