/** A live run as the page controls it: start, pause, step, stop, and resume after the tab was closed. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { nodeSurroundings } from '../../src/cli/open.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import type { LiveSurroundings } from '../../src/app/live-devices.ts';
import { LiveRun } from '../../src/app/live-run.ts';
import { readFacts, unknownFacts, writeFacts, type RunFacts } from '../../src/app/runs/facts.ts';
import type { Status } from '../../src/app/training-service.ts';
import type { RecipeValues } from '../../src/rl/recipe/values.ts';
import type { StepReport } from '../../src/rl/report.ts';
import { nowhere, readText, type RunFolder } from '../../src/rl/runs/run-folder.ts';
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

const FACTS: RunFacts = { ...unknownFacts('a'), name: 'Mine', slot: 3 };

const recipe = (): RecipeValues => ({
  model_name_or_path: join(root, 'policy'),
  reward_model_name_or_path: join(root, 'judge'),
  per_device_train_batch_size: 4,
  max_completion_length: 6,
  learning_rate: 1e-3,
  max_steps: 5,
});

/** A live run, with all its reports; `changes` are to its surroundings. */
function openLive(
  claim: (id: string) => Promise<RunFolder>,
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
    return { ...around, claim, close, ...changes };
  };
  const live = new LiveRun(surroundings, {
    algorithm: 'grpo',
    world: 'meal-planner',
    num_generations: 2,
    max_prompt_length: 24,
  });
  const listener = {
    onStatus: (status: Status): void => void statuses.push(status),
    onStep: (report: StepReport): void => void steps.push(report),
  };
  const begin = (changes: RecipeValues = {}): Promise<void> =>
    live.begin({ id: 'a', recipe: { ...recipe(), ...changes } }, listener);
  const goOn = (maxSteps?: number): Promise<void> =>
    live.goOn({ id: 'a', ...(maxSteps !== undefined && { maxSteps }) }, listener);
  return { live, begin, goOn, statuses, steps, devices, closed: () => closed };
}

it('pauses, steps, stops, and resumes after the tab was closed', async () => {
  const folder = (): Promise<RunFolder> => Promise.resolve(nodeRunFolder(join(root, 'kept')));
  const first = openLive(folder);
  await first.begin();
  expect(first.statuses.at(-1)).toMatchObject({ phase: 'paused', step: 0, maxSteps: 5 });
  const loading = first.statuses.filter(({ phase }) => phase === 'loading');
  expect(loading.at(-1)!.detail).toMatch(/^loading policy \(\d+%\)$/);
  const compiled = first.statuses
    .filter(({ phase }) => phase === 'compiling')
    .map(({ detail }) => Number(/^compiling programs \((\d+) so far\)$/.exec(detail!)?.[1]));
  expect(compiled.length).toBeGreaterThan(3);
  expect(compiled).toEqual([...compiled].sort((a, b) => a - b));
  expect(compiled.at(-1)).toBeGreaterThan(3);
  await writeFacts(await folder(), FACTS);
  await first.live.step();
  expect(first.statuses.at(-1)).toMatchObject({ phase: 'paused', step: 1 });
  await first.live.step();
  await first.live.stop();
  expect(first.statuses.at(-1)).toMatchObject({ phase: 'stopped', step: 2, savedStep: 2 });
  expect(first.steps.map(({ metrics }) => metrics.step)).toEqual([1, 2]);

  const second = openLive(folder);
  await second.goOn();
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
  await third.goOn();
  expect(third.statuses.at(-1)).toMatchObject({ phase: 'finished', step: 5 });
  await third.live.stop();
  expect(await readFacts(await folder(), 'a')).toEqual(FACTS);

  // It goes on if it gets more steps, and its recipe then has them.
  const fourth = openLive(folder);
  await fourth.goOn(6);
  expect(fourth.statuses.at(-1)).toMatchObject({ phase: 'paused', step: 5, maxSteps: 6 });
  expect(await (await folder()).open('summary.json')).toBeUndefined();
  await fourth.live.step();
  expect(fourth.statuses.at(-1)).toMatchObject({ phase: 'finished', step: 6 });
  expect(await readText(await folder(), 'recipe.yaml')).toMatch(/^max_steps: 6$/m);
  await fourth.live.stop();
});

it('stops after the step it is in, however often it is asked', async () => {
  const { live, begin, statuses, steps, closed } = openLive(() => Promise.resolve(nowhere));
  await begin();
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

it.each(['opening the graphics card', 'loading'])(
  'stops while it is %s, and writes nothing',
  async (detail) => {
    const place = nodeRunFolder(join(root, detail));
    const { live, begin, statuses, closed, devices } = openLive(() => Promise.resolve(place));
    const opened = begin();
    await expect
      .poll(() => statuses.at(-1)?.detail, { interval: 1, timeout: 60_000 })
      .toMatch(detail);
    await live.stop();
    expect(statuses.at(-1)).toMatchObject({ phase: 'stopped', step: 0 });
    await opened;
    await devices[0]!.lost;
    await live.start();
    expect(statuses.at(-1)).toMatchObject({ phase: 'stopped', step: 0 });
    expect(await place.list('')).toEqual([]);
    expect(closed()).toBe(1);
  },
);

it('leaves nothing behind when its recipe is refused, or it is stopped before a step', async () => {
  const place = nodeRunFolder(join(root, 'empty'));
  const refused = openLive(() => Promise.resolve(place));
  await expect(refused.begin({ num_generations: 3 })).rejects.toThrow(/multiple/);
  const failed = openLive(() => Promise.resolve(place));
  await failed.begin({ model_name_or_path: join(root, 'nowhere') });
  expect(failed.statuses.at(-1)).toMatchObject({ phase: 'failed' });
  await failed.live.stop();
  const stopped = openLive(() => Promise.resolve(place));
  await stopped.begin();
  expect(await place.list('')).toContain('recipe.yaml');
  await stopped.live.stop();
  expect(await place.list('')).toEqual([]);
});

it('leaves a run alone that it cannot go on with', async () => {
  const place = nodeRunFolder(join(root, 'damaged'));
  const first = openLive(() => Promise.resolve(place));
  await first.begin();
  await first.live.step();
  await first.live.stop();
  await place.write('checkpoints/step-1/optimizer.safetensors', 'half');
  const before = await place.list('');
  const second = openLive(() => Promise.resolve(place));
  await second.goOn();
  expect(second.statuses.at(-1)).toMatchObject({ phase: 'failed' });
  await second.live.stop();
  expect(await place.list('')).toEqual(before);
  expect(await readText(place, 'metrics.jsonl')).toMatch(/^\{"step":1,/);

  const elsewhere = openLive(() => Promise.reject(new Error('training in another tab')));
  await elsewhere.goOn();
  expect(elsewhere.statuses.at(-1)).toMatchObject({ error: 'training in another tab' });
  await elsewhere.live.stop();
});

it('saves after the step when it is asked to, and does not pause', async () => {
  const place = nodeRunFolder(join(root, 'asked'));
  const { live, begin, statuses } = openLive(() => Promise.resolve(place));
  await begin();
  await live.start();
  await live.save();
  await expect.poll(() => statuses.at(-1)?.phase, { timeout: 60_000 }).toBe('finished');
  const saved = statuses.map(({ savedStep }) => savedStep);
  expect(saved).toContain(1);
  expect(statuses.filter(({ phase }) => phase === 'paused')).toHaveLength(1);
  await live.stop();
});

it('says why it failed once, and a stop after it gives the device back', async () => {
  const { live, begin, statuses, closed } = openLive(() => Promise.resolve(nowhere), {
    openReward: () => Promise.reject(new Error('The reward worker stopped.')),
  });
  await begin();
  await live.stop();
  expect(statuses.at(-1)).toMatchObject({ phase: 'failed', error: 'The reward worker stopped.' });
  expect(closed()).toBe(1);
});

it('continues to train, and reports it, when nothing can be saved', async () => {
  const full: RunFolder = {
    ...nodeRunFolder(join(root, 'full')),
    write: () => Promise.reject(new Error('the disk is full')),
  };
  const { live, begin, statuses, steps } = openLive(() => Promise.resolve(full));
  await begin();
  await live.step();
  expect(steps.length).toBe(1);
  expect(statuses.at(-1)).toMatchObject({ phase: 'paused', step: 1 });
  expect(statuses.at(-1)!.unsaved).toMatch(/not saved now \(the disk is full\)/);
  await live.stop();
});

it('trains in a browser without storage', async () => {
  const { live, begin, statuses } = openLive(() => Promise.reject(new Error('no storage')));
  await begin();
  await live.step();
  expect(statuses.at(-1)).toMatchObject({ phase: 'paused', step: 1 });
  expect(statuses.at(-1)!.unsaved).toMatch(/no storage/);
  await live.stop();
});
