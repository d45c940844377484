/** When the folder of a deleted run goes. */
import { beforeEach, expect, it, vi } from 'vitest';
import { UNDO_MS } from '../../src/app/runs/facts.ts';
import { removeLater, removeRun, restoreRun } from '../../src/app/runs/removal.ts';
import { listRuns } from '../../src/app/runs/stored-runs.ts';
import { FakeLocks } from './fake-locks.ts';
import { memoryFolder } from './memory-folder.ts';

beforeEach(() => {
  vi.stubGlobal('navigator', { locks: new FakeLocks() });
  vi.useFakeTimers({ toFake: ['setTimeout', 'Date'] });
  return () => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  };
});

async function storedRun() {
  const runs = memoryFolder();
  await runs.write('run-7/recipe.yaml', 'seed: 1');
  await runs.write('run-7/metrics.jsonl', '{"step":1}\n');
  /** Lets time pass, and then the reading and writing that it has started. */
  const wait = async (milliseconds: number): Promise<void> => {
    vi.advanceTimersByTime(milliseconds);
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
  };
  return { runs, wait, isThere: () => runs.files.has('run-7/metrics.jsonl') };
}

it('a deletion that was undone takes nothing from the time of the next one', async () => {
  const { runs, wait, isThere } = await storedRun();
  await removeRun(runs, 'run-7');
  await wait(0.5 * UNDO_MS);
  await restoreRun(runs, 'run-7');
  await wait(0.3 * UNDO_MS);
  await removeRun(runs, 'run-7');
  // The time of the first deletion passes.
  await wait(0.4 * UNDO_MS);
  expect(isThere()).toBe(true);
  await restoreRun(runs, 'run-7');
  await wait(2 * UNDO_MS);
  expect(isThere()).toBe(true);
  await removeRun(runs, 'run-7');
  await wait(UNDO_MS - 1);
  expect(isThere()).toBe(true);
  await wait(1);
  expect(runs.files.size).toBe(0);
});

it('a visit removes what the last visit deleted, when its time has passed', async () => {
  const { runs, wait, isThere } = await storedRun();
  const deleted = Date.now() - 0.9 * UNDO_MS;
  await runs.write('run-7/run.json', JSON.stringify({ deleted }));
  // Every list of the runs asks again.
  for (let i = 0; i < 2; i++) {
    const [run] = await listRuns(runs, {});
    removeLater(runs, 'run-7', run!.facts.deleted!);
  }
  await wait(0.09 * UNDO_MS);
  expect(isThere()).toBe(true);
  await wait(0.02 * UNDO_MS);
  expect(runs.files.size).toBe(0);
});
