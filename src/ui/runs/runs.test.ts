/** The list of runs when it is read while a run is deleted. */
import { beforeEach, expect, it, vi } from 'vitest';
import { unknownFacts } from '../../app/runs/facts.ts';
import type { StoredRun } from '../../app/runs/stored-runs.ts';

const { lists } = vi.hoisted(() => ({
  /** Readings of the stored runs that wait for an answer. */
  lists: [] as ((stored: readonly StoredRun[]) => void)[],
}));
vi.mock('./runs-worker.ts', () => ({
  runsWorker: () => ({
    list: () => new Promise((resolve) => lists.push(resolve)),
    remove: () => Promise.resolve(),
    restore: () => Promise.resolve(),
  }),
}));
const { Runs } = await import('./runs.svelte.ts');

const stored = ['run-1', 'run-2'].map((id): StoredRun => ({
  ...{ id, facts: unknownFacts(id), recipe: {}, maxSteps: 2, rows: [{ step: 1 }] },
  ...{ savedStep: 1, finished: true, problems: [] },
}));
const ids = (runs: InstanceType<typeof Runs>): string[] => runs.list.map(({ id }) => id);
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function answer(): Promise<void> {
  await settled();
  lists.shift()!(stored);
  await settled();
}

beforeEach(() => {
  lists.length = 0;
});

it('does not list a run again that was deleted while the runs were read', async () => {
  const runs = new Runs();
  void runs.refresh();
  await answer();
  expect(ids(runs)).toEqual(['run-1', 'run-2']);
  void runs.refresh();
  await settled();
  await runs.remove(runs.find('run-1')!);
  await answer();
  expect(ids(runs)).toEqual(['run-2']);
  // Until it is brought back.
  void runs.restore();
  await answer();
  expect(ids(runs)).toEqual(['run-1', 'run-2']);
});

it('takes a run off the list that was read again while it was deleted', async () => {
  const runs = new Runs();
  void runs.refresh();
  await answer();
  const run = runs.find('run-1')!;
  void runs.refresh();
  await answer();
  expect(runs.find('run-1')).not.toBe(run);
  await runs.remove(run);
  expect(ids(runs)).toEqual(['run-2']);
});
