import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { GpuMemoryError } from '../gpu/errors.ts';
import type { Run } from '../rl/runs/run.ts';
import { TrainingError } from '../rl/trainers/trainer.ts';
import { Saver } from './saver.ts';

const full = new Error('there is no room left');

/** A run whose next checkpoints fail. */
function fakeRun(failures: number) {
  let left = failures;
  const run = {
    trainer: { step: 0 },
    savedStep: 0,
    get saved() {
      return this.savedStep === this.trainer.step;
    },
    save: vi.fn(() => {
      if (left-- > 0) return Promise.reject(full);
      run.savedStep = run.trainer.step;
      return Promise.resolve();
    }),
  };
  return run as unknown as typeof run & Run;
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('tries again every minute when the storage fails, and says when the run is saved again', async () => {
  const [saver, run] = [new Saver(), fakeRun(2)];
  await saver.keep(run, () => Promise.reject(full));
  expect(saver.unsaved).toMatch(
    /^This run is not saved now \(there is no room left\).*tries again every minute/,
  );
  const tries: number[] = [];
  for (let step = 1; step <= 20; step++) {
    run.trainer.step = step;
    const before = run.save.mock.calls.length;
    await saver.afterStep(run, 10, 10);
    if (run.save.mock.calls.length > before) tries.push(step);
    expect(saver.unsaved === undefined).toBe(step >= 18);
  }
  expect(tries).toEqual([6, 12, 18]);
  expect(saver.again).toBe('The run is saved again, with all steps up to 18.');
  await saver.keep(run, () => Promise.reject(full));
  expect([saver.again, saver.hopes]).toEqual([undefined, true]);
});

it('waits at the end until the last step is saved, as long as somebody waits', async () => {
  const [saver, run] = [new Saver(), fakeRun(3)];
  run.trainer.step = 9;
  const end = saver.saveAtLast(run, () => true);
  await vi.advanceTimersByTimeAsync(170_000);
  expect([run.save.mock.calls.length, run.savedStep]).toEqual([3, 0]);
  await vi.advanceTimersByTimeAsync(15_000);
  await end;
  expect([run.savedStep, saver.hopes]).toEqual([9, false]);
  run.trainer.step = 10;
  run.save.mockRejectedValue(full);
  await saver.saveAtLast(run, () => false);
  expect(saver.hopes).toBe(true);
});

it('without a place, a run trains unsaved to its end', () => {
  const saver = new Saver();
  saver.giveUp(full);
  expect([saver.hopes, saver.unsaved]).toEqual([
    false,
    'This run cannot be saved (there is no room left). Training continues; leave this tab open, and ' +
      'allow this page to store data before the next run.',
  ]);
});

it.each([new TrainingError('loss is NaN'), new GpuMemoryError('full')])(
  'does not go on with a model that cannot be saved (%s)',
  async (bad) => {
    const saver = new Saver();
    const saving = saver.keep(fakeRun(0), () => Promise.reject(bad));
    await expect(saving).rejects.toBe(bad);
    expect(saver.unsaved).toBeUndefined();
  },
);
