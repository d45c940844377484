/** A live run as the page controls it: start, pause, step, stop, and resume after the tab was closed. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { nodeSurroundings } from '../../src/cli/open.ts';
import { LiveRun } from '../../src/app/live-run.ts';
import type { Status } from '../../src/app/training-service.ts';
import type { StepReport } from '../../src/rl/report.ts';
import type { RunFolder } from '../../src/rl/runs/run-folder.ts';
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

/** A live run, with all its reports. */
function openLive(keptRun: (fresh: boolean) => Promise<RunFolder>) {
  const statuses: Status[] = [];
  const steps: StepReport[] = [];
  const live = new LiveRun(async () => ({ ...(await nodeSurroundings()), keptRun }), {
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
  return { live, open, statuses, steps };
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
  await second.live.stop();
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
