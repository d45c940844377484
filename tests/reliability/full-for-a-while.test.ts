/**
 * The browser's storage is full for a while, from every call on: the page's run trains on, tries again,
 * and its folder is then that of a run without faults.
 */
import { afterAll, afterEach, expect, it, vi } from 'vitest';
import type { LiveSurroundings } from '../../src/app/live-devices.ts';
import { LiveRun } from '../../src/app/live-run.ts';
import type { Status } from '../../src/app/training-service.ts';
import type { Recipe } from '../../src/rl/recipe/recipe.ts';
import { findCheckpoint } from '../../src/rl/runs/checkpoints.ts';
import { browserRuns } from '../../src/rl/runs/run-folder.browser.ts';
import { within } from '../../src/rl/runs/run-folder.ts';
import { FakeOpfs } from './fake-opfs.ts';
import { FAKE_VALUES, FakeTrainer, STEPS } from './fake-trainer.ts';
import { filesIn, written } from './written.ts';

vi.mock('../../src/rl/trainers/trainer.ts', async (original) => {
  const { fakeWeights } = await import('./fake-model.ts');
  return { ...(await original<object>()), ...fakeWeights };
});
vi.mock('../../src/app/opening/trainer.ts', () => ({
  openTrainer: (recipe: Recipe) =>
    Promise.resolve({ trainer: new FakeTrainer(recipe), tokenizerFiles: new Map() }),
}));

/** As in run-folder.test.ts. */
const EVERY = Number(process.env['FAULTS_EVERY'] ?? 10);
let injected = 0;
afterAll(() => console.log(`| the browser's storage is full for a while | ${injected} |`));
afterEach(() => void vi.useRealTimers());

/** Trains in a storage where the calls from `at` to `until` fail. A step takes 40 s. */
async function train(at: number, until: number) {
  vi.useFakeTimers();
  const opfs = new FakeOpfs();
  vi.stubGlobal('navigator', { storage: { getDirectory: () => Promise.resolve(opfs.root) } });
  opfs.rearm({ at, until, name: 'QuotaExceededError' });
  const statuses: Status[] = [];
  let clock = 0;
  const gpu = { info: { description: 'fake' }, ledger: {}, lost: new Promise(() => undefined) };
  const claim = async (id: string) => within(await browserRuns(), id);
  const live = new LiveRun(
    () => Promise.resolve({ gpu, claim, close: () => undefined } as unknown as LiveSurroundings),
    {},
    () => (clock += 40_000),
  );
  await live.begin(
    { id: 'run-1', recipe: { ...FAKE_VALUES, save_steps: 100 } },
    { onStatus: (status) => void statuses.push(status), onStep: () => undefined },
  );
  await live.start();
  while (statuses.at(-1)!.phase !== 'finished') await vi.advanceTimersByTimeAsync(10_000);
  const folder = within(await browserRuns(), 'run-1');
  const summary = (await filesIn(folder)).some(([path]) => path === 'summary.json');
  const { found, problems } = await findCheckpoint(folder, 'contents');
  expect(problems).toEqual([]);
  // The state marks the rows since the checkpoint before, which is another one.
  const state = `checkpoints/step-${STEPS}/trainer_state.json`;
  const files = { ...(await written(folder)), [state]: undefined };
  return { files, history: found?.state.log_history, summary, statuses, calls: opfs.calls };
}

it('writes later what it could not write, and says so', async () => {
  const whole = await train(Infinity, Infinity);
  expect(whole.statuses.every(({ unsaved }) => unsaved === undefined)).toBe(true);
  // Before call 2 there is no place for runs at all.
  for (let at = 3; at <= whole.calls; at += EVERY) {
    const length = [1, 12, 60][injected % 3]!;
    const hurt = await train(at, at + length);
    expect(hurt.files, `calls ${at} to ${at + length}`).toEqual(whole.files);
    expect(hurt).toMatchObject({ history: whole.history, summary: true });
    const last = hurt.statuses.at(-1)!;
    expect(last).toMatchObject({ phase: 'finished', step: STEPS, savedStep: STEPS });
    expect(last.unsaved).toBeUndefined();
    if (hurt.statuses.some(({ unsaved }) => unsaved !== undefined)) {
      expect(last.notice).toMatch(/^The run is saved again, with all steps up to \d+\.$/);
    }
    injected++;
  }
});
