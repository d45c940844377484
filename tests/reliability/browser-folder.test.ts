/** A run in the origin private file system: at every call the tab is closed, or the browser refuses. */
import { afterAll, afterEach, beforeEach, expect, it, vi } from 'vitest';
import { writeFolder } from '../../src/app/take-home.ts';
import { findCheckpoint } from '../../src/rl/runs/checkpoints.ts';
import { inMemory } from '../../src/rl/runs/export.ts';
import { browserRuns } from '../../src/rl/runs/run-folder.browser.ts';
import { within, type RunFolder } from '../../src/rl/runs/run-folder.ts';
import { StorageError } from '../../src/rl/runs/storage-error.ts';
import { memoryFolder } from '../app/memory-folder.ts';
import { FakeOpfs } from './fake-opfs.ts';
import { fakeRun, train } from './fake-trainer.ts';
import { written } from './written.ts';

vi.mock('../../src/rl/trainers/trainer.ts', async (original) => {
  const { fakeWeights } = await import('./fake-model.ts');
  return { ...(await original<object>()), ...fakeWeights };
});

/** As in run-folder.test.ts. */
const EVERY = Number(process.env['FAULTS_EVERY'] ?? 10);
const LIMITED = { save_total_limit: 2, save_steps: 2 };

const table: string[] = [];
afterAll(() => console.log(table.join('\n')));

let opfs: FakeOpfs;
beforeEach(() => start());
afterEach(() => vi.unstubAllGlobals());

/** A browser that stores nothing yet. */
function start(): void {
  opfs = new FakeOpfs();
  vi.stubGlobal('navigator', { storage: { getDirectory: () => Promise.resolve(opfs.root) } });
}

const runFolder = async (): Promise<RunFolder> => within(await browserRuns(), 'run-1');

async function callsOfRun(): Promise<number> {
  start();
  await train(fakeRun(await runFolder(), LIMITED));
  return opfs.calls;
}

async function wholeRun(): Promise<Record<string, string>> {
  const folder = memoryFolder();
  await train(fakeRun(folder, LIMITED));
  return written(folder);
}

it('goes on after its tab was closed at any call', async () => {
  const [calls, whole] = [await callsOfRun(), await wholeRun()];
  let injected = 0;
  for (let at = 2; at <= calls; at += EVERY) {
    start();
    const closed = new Promise<void>((resolve) => (opfs.onClose = resolve));
    opfs.rearm({ at, name: 'close' });
    const run = fakeRun(await runFolder(), LIMITED);
    void train(run);
    await closed;
    opfs.rearm();
    const from = await train(fakeRun(await runFolder(), LIMITED));
    expect(from).toBeGreaterThanOrEqual(run.savedStep);
    expect(await written(await runFolder()), `after call ${at}`).toEqual(whole);
    injected++;
  }
  table.push(`| a tab is closed | ${injected} |`);
});

it.each(['QuotaExceededError', 'NoModificationAllowedError', 'NotAllowedError'])(
  'says what to do after a %s, keeps its last checkpoint, and goes on',
  async (name) => {
    const [calls, whole] = [await callsOfRun(), await wholeRun()];
    let injected = 0;
    for (let at = 2; at <= calls; at += EVERY) {
      start();
      opfs.rearm({ at, name });
      const run = fakeRun(await runFolder(), LIMITED);
      const end: unknown = await train(run).catch((error: unknown) => error);
      opfs.rearm();
      // An old checkpoint that cannot be removed now is removed after the next one.
      if (end instanceof Error) {
        expect(end).toBeInstanceOf(StorageError);
        expect(end.message).toMatch(/^run-1\/.* cannot be written: .*; .*/);
      }
      expect((await findCheckpoint(await runFolder(), 'contents')).problems).toEqual([]);
      expect(await train(fakeRun(await runFolder(), LIMITED))).toBeGreaterThanOrEqual(
        run.savedStep,
      );
      expect(await written(await runFolder()), `after call ${at}`).toEqual(whole);
      injected++;
    }
    table.push(`| ${name} | ${injected} |`);
  },
);

it.each([true, false])(
  'leaves no half of an export where there is no room (new: %s)',
  async (isNew) => {
    const files = ['config.json', 'model.safetensors', 'run/metrics.jsonl'].map((path) =>
      inMemory(path, new TextEncoder().encode(path)),
    );
    const parent = opfs.root as unknown as FileSystemDirectoryHandle;
    if (!isNew)
      await (
        await opfs.root.getDirectoryHandle('mine', { create: true })
      ).getFileHandle('notes', { create: true });
    const options = { onProgress: () => undefined, signal: new AbortController().signal };
    for (let at = 1; ; at++) {
      opfs.rearm({ at, name: 'QuotaExceededError' });
      const end = await writeFolder(parent, 'mine', files, options).catch(
        (error: unknown) => error,
      );
      if (end === undefined) break;
      expect((end as Error).message).toMatch(
        /^mine cannot be written: this browser has no room left/,
      );
      const left: string[] = [];
      for await (const name of opfs.root.keys()) left.push(name);
      expect(left).toEqual(isNew ? [] : ['mine']);
      if (isNew) continue;
      const inside: string[] = [];
      for await (const name of (await opfs.root.getDirectoryHandle('mine')).keys())
        inside.push(name);
      expect(inside.filter((name) => name !== 'run')).toEqual(['notes']);
    }
  },
);
