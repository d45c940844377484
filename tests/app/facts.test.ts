/** run.json: what one tab or one moment writes never takes back what another wrote. */
import { beforeEach, expect, it, vi } from 'vitest';
import { changeFacts, readFacts, unknownFacts, type RunFacts } from '../../src/app/runs/facts.ts';
import { whileFactsHeld } from '../../src/app/runs/lock.ts';
import { within } from '../../src/rl/runs/run-folder.ts';
import { FactsWriter } from '../../src/ui/runs/facts-writer.ts';
import { FakeLocks } from './fake-locks.ts';
import { memoryFolder } from './memory-folder.ts';

beforeEach(() => {
  vi.stubGlobal('navigator', { locks: new FakeLocks() });
  return () => vi.unstubAllGlobals();
});

const FIRST: RunFacts = { ...unknownFacts('run-7'), name: 'seed: 5', slot: 3 };

/** The runs of a browser, and a tab's writer. `disk` says when a write is done, or fails. */
function browser() {
  const folder = memoryFolder();
  const disk = { write: (): Promise<void> => Promise.resolve() };
  const runs: typeof folder = {
    ...folder,
    async write(path, data) {
      await disk.write();
      await folder.write(path, data);
    },
  };
  const tab = (): FactsWriter =>
    new FactsWriter((id, change) => whileFactsHeld(id, () => changeFacts(runs, id, change)));
  return {
    ...{ disk, runs, tab },
    beginTraining: () => folder.write('run-7/recipe.yaml', 'seed: 5'),
    stored: () => readFacts(within(folder, 'run-7'), 'run-7'),
  };
}

it('keeps a name that was given before the new run had a folder', async () => {
  const { tab, beginTraining, stored } = browser();
  const writer = tab();
  await writer.change('run-7', FIRST);
  await writer.change('run-7', { name: 'Mine' });
  expect(await stored()).toBeUndefined();
  expect(writer.waitingFor('run-7')).toMatchObject({ name: 'Mine', slot: 3 });
  await beginTraining();
  await writer.retry('run-7');
  expect(await stored()).toEqual({ ...FIRST, name: 'Mine' });
  expect(writer.waitingFor('run-7')).toBeUndefined();
});

it('keeps a name that was given while the first facts were still being written', async () => {
  const { disk, tab, beginTraining, stored } = browser();
  await beginTraining();
  let finish = (): void => undefined;
  disk.write = () => new Promise((resolve) => (finish = resolve));
  const writer = tab();
  const first = writer.change('run-7', FIRST);
  await expect.poll(() => finish.length).toBe(1);
  disk.write = () => Promise.resolve();
  const later = writer.change('run-7', { name: 'Mine' });
  finish();
  await Promise.all([first, later]);
  expect(await stored()).toEqual({ ...FIRST, name: 'Mine' });
});

it('writes after a full disk what was changed last', async () => {
  const { disk, tab, beginTraining, stored } = browser();
  await beginTraining();
  const writer = tab();
  await writer.change('run-7', FIRST);
  disk.write = () => Promise.reject(new Error('The disk is full.'));
  await writer.change('run-7', { name: 'A', note: 'first' });
  await writer.change('run-7', { name: 'B' });
  expect(await stored()).toEqual(FIRST);
  disk.write = () => Promise.resolve();
  await writer.retry('run-7');
  expect(await stored()).toEqual({ ...FIRST, name: 'B', note: 'first' });
});

it('keeps what two tabs change at the same time, and that a run was deleted', async () => {
  const { disk, runs, tab, beginTraining, stored } = browser();
  await beginTraining();
  disk.write = () => new Promise((resolve) => setTimeout(resolve, 1));
  const [one, other] = [tab(), tab()];
  await one.change('run-7', { ...FIRST, ended: 'failed', reason: 'The disk is full.' });
  await Promise.all([
    one.change('run-7', { name: 'Mine' }),
    other.change('run-7', { note: 'better' }),
    one.change('run-7', { overlaid: true }),
    other.change('run-7', { ended: undefined, reason: undefined }),
    whileFactsHeld('run-7', () => changeFacts(runs, 'run-7', { deleted: 9 })),
  ]);
  const changed = { name: 'Mine', note: 'better', overlaid: true, deleted: 9 };
  expect(await stored()).toEqual({ ...FIRST, ...changed });
});

it('does not write over a file that cannot be read now', async () => {
  const { runs, stored } = browser();
  await runs.write('run-7/run.json', JSON.stringify(FIRST));
  const broken = { ...runs, open: () => Promise.reject(new Error('The disk does not answer.')) };
  await expect(changeFacts(broken, 'run-7', { note: 'a' })).rejects.toThrow('does not answer');
  expect(await stored()).toEqual(FIRST);
  // Half a file is not worth keeping.
  await runs.write('run-7/run.json', '{"name":');
  expect(await changeFacts(runs, 'run-7', { note: 'a' })).toBe(true);
  expect(await stored()).toEqual({ ...unknownFacts('run-7'), note: 'a' });
});

it('fills in what a file lacks, and passes over values that are impossible', async () => {
  const { runs, stored } = browser();
  const read = async (text: string): Promise<RunFacts | undefined> => {
    await runs.write('run-7/run.json', text);
    return stored();
  };
  const unknown = unknownFacts('run-7');
  expect(await stored()).toBeUndefined();
  expect(await read('{"name": "a"}')).toEqual({ ...unknown, name: 'a' });
  expect(await read('null')).toEqual(unknown);
  expect(await read('{"name": 5, "slot": "x", "overlaid": 1, "ended": "so"}')).toEqual(unknown);
  expect(await read('{"started": null, "note": [], "reason": 1, "deleted": "no"}')).toEqual(
    unknown,
  );
  // Another version may know more.
  expect(await read('{"pinned": true}')).toEqual({ ...unknown, pinned: true });
  expect(await read('{"__proto__": 1, "name": "a"}')).toMatchObject({ name: 'a' });
});
