/**
 * The graphics device of a live run is destroyed at random moments; the run goes on by itself, and its
 * curve is that of a run that never stopped. PONDER_FAULTS is how often (default 4); the figures are in
 * results/reliability.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { nodeSurroundings } from '../../src/cli/open.ts';
import type { LiveSurroundings } from '../../src/app/live-devices.ts';
import { LiveRun } from '../../src/app/live-run.ts';
import { gaveUp, Losses } from '../../src/app/lost-device.ts';
import type { Status } from '../../src/app/training-service.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { GpuLostError } from '../../src/gpu/errors.ts';
import { Random } from '../../src/rl/random.ts';
import type { MetricsRow } from '../../src/rl/report.ts';
import { readText } from '../../src/rl/runs/run-folder.ts';
import { nodeRunFolder } from '../../src/rl/runs/run-folder.node.ts';
import { VOCABULARY } from '../../src/rl/world/menu.ts';
import { CONFIGS, randomTensors, saveModel } from '../random-model.ts';

const FAULTS = Number(process.env.PONDER_FAULTS ?? 4);
const MOST_MS = 100_000 + 30_000 * FAULTS;

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'ponder-'));
  const config = { ...CONFIGS['llama, tied']!, vocabSize: VOCABULARY.length, layers: 1 };
  await saveModel(join(root, 'policy'), config, randomTensors(config, 1));
});
afterAll(() => rm(root, { recursive: true }));

const recipe = () => ({
  ...{ algorithm: 'sft', model_name_or_path: join(root, 'policy'), world: 'meal-planner' },
  ...{ per_device_train_batch_size: 2, max_length: 60, learning_rate: 1e-3 },
  ...{ max_steps: 3 * FAULTS + 2, save_steps: 2 },
});

/**
 * Trains to the end, or to a failure.
 * @param onDevice is told of each device that is opened, `onNewStep` of each step further on it
 */
async function train(
  name: string,
  onDevice: (gpu: Gpu) => void,
  onNewStep: (gpu: Gpu, seconds: number) => void = () => undefined,
) {
  const statuses: Status[] = [];
  const reported: number[] = [];
  const devices: Gpu[] = [];
  const folder = nodeRunFolder(join(root, name));
  const live = new LiveRun(async (): Promise<LiveSurroundings> => {
    const around = await nodeSurroundings();
    devices.push(around.gpu);
    onDevice(around.gpu);
    return { ...around, claim: () => Promise.resolve(folder) };
  });
  await live.begin(
    { id: 'a', recipe: recipe() },
    {
      onStatus: (status) => void statuses.push(status),
      onStep: ({ metrics }) => {
        reported.push(metrics.step);
        onNewStep(devices.at(-1)!, metrics['step_time']!);
      },
    },
  );
  await live.start();
  const ended = (): boolean => ['finished', 'failed'].includes(statuses.at(-1)!.phase);
  await expect.poll(ended, { timeout: MOST_MS, interval: 20 }).toBe(true);
  await live.stop();
  const text = (await readText(folder, 'metrics.jsonl')) ?? '';
  const rows = text
    .trim()
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as MetricsRow);
  const curve = rows.map((row) => ({ ...row, step_time: 0 }));
  return { status: statuses.at(-1)!, statuses, reported, devices: devices.length, curve };
}

it(
  'goes on from the last checkpoint, with the numbers of a run that never stopped',
  async () => {
    const whole = await train('whole', () => undefined);
    expect(whole).toMatchObject({ status: { phase: 'finished' }, devices: 1 });

    const seed = Math.floor(1e9 * Math.random());
    const random = new Random(seed, 'faults');
    const doomed = new Set<Gpu>();
    /** Once for each device, within the time of about two steps. */
    const destroySoon = (gpu: Gpu, seconds: number): void => {
      if (doomed.has(gpu) || doomed.size === FAULTS) return;
      doomed.add(gpu);
      setTimeout(() => gpu.device.destroy(), 2000 * seconds * random.uniform());
    };
    const hurt = await train('hurt', () => undefined, destroySoon);
    expect(hurt.status, `seed ${seed}: ${hurt.status.error}`).toMatchObject({ phase: 'finished' });
    expect(hurt.devices).toBeGreaterThan(1 + FAULTS / 2);
    expect(hurt.curve).toEqual(whole.curve);
    // The page gets each step once.
    expect(hurt.reported).toEqual(whole.reported);
    console.log(
      `| device destroyed at a random moment | ${hurt.devices - 1} | ` +
        `${whole.curve.length - hurt.curve.length} | 0 |`,
    );
  },
  MOST_MS,
);

it('gives up after three losses in a row, and says what to change', async () => {
  const { status, statuses, devices } = await train('hopeless', (gpu) => gpu.device.destroy());
  expect(devices).toBe(4);
  expect(status.phase).toBe('failed');
  expect(status.error).toMatch(/^The graphics device was lost several times.*Choose a smaller/);
  const told = statuses.map(({ detail }) => detail).filter((detail) => detail?.includes('lost'));
  expect([...new Set(told)]).toEqual(
    [1, 2, 3].map((n) => `The graphics device was lost; opening a new one (${n} of 3).`),
  );
});

it('counts only the losses between which no step was done', async () => {
  const losses = new Losses();
  expect([5, 5, 4, 6, 6, 6, 6].map((step) => losses.goesOn(step))).toEqual([
    ...[true, true, true, true, true, true],
    false,
  ]);
  const lost = Object.assign(new Error('lost'), { name: 'GpuLostError' });
  expect(await losses.explain(lost, undefined, 0)).toBe(true);
  const full = Object.assign(new Error('full'), { name: 'GpuMemoryError' });
  expect(await losses.explain(full, undefined, 0)).toBe(false);
  expect(await losses.explain(full, undefined, 3)).toBe(true);
  expect(await losses.explain(new Error('other'), undefined, 3)).toBe(false);
  expect(gaveUp(new GpuLostError('Lost.'))).toContain('(Lost.)');
});
