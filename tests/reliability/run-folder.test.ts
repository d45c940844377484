/**
 * A run's folder under faults, as SQLite is tested: at every call to the file system the process is
 * killed, the power is cut, or the call fails; every file is flipped, cut, emptied, removed and swapped.
 * Then the run goes on, and all that it wrote must be, byte for byte, what a run without faults wrote.
 * The table that this prints is the one in results/reliability.
 */
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { Random } from '../../src/rl/random.ts';
import type { RecipeValues } from '../../src/rl/recipe/values.ts';
import { findCheckpoint } from '../../src/rl/runs/checkpoints.ts';
import { nodeRunFolder } from '../../src/rl/runs/run-folder.node.ts';
import { nowhere } from '../../src/rl/runs/run-folder.ts';
import { StorageError } from '../../src/rl/runs/storage-error.ts';
import { readState } from '../../src/rl/runs/trainer-state.ts';
import { memoryFolder } from '../app/memory-folder.ts';
import { disk, Killed, ROOT } from './crash-disk.ts';
import { fakeRun, STEPS, train } from './fake-trainer.ts';
import { filesIn, written } from './written.ts';

vi.mock('node:fs/promises', async (original) => {
  const { crashing } = await import('./crash-disk.ts');
  return crashing(await original());
});
vi.mock('../../src/rl/trainers/trainer.ts', async (original) => {
  const { fakeWeights } = await import('./fake-model.ts');
  return { ...(await original<object>()), ...fakeWeights };
});

/** Faults come at every so many calls or bytes: FAULTS_EVERY=1 takes a minute, and is what was measured. */
const EVERY = Number(process.env['FAULTS_EVERY'] ?? 10);

const table: [fault: string, injected: number][] = [];
afterAll(() => {
  console.log(table.map(([fault, injected]) => `| ${fault} | ${injected} |`).join('\n'));
});

async function wholeRun(changes: RecipeValues = {}): Promise<Record<string, string>> {
  const folder = memoryFolder();
  await train(fakeRun(folder, changes));
  return written(folder);
}

describe('at every call to the file system', () => {
  const folder = nodeRunFolder(`${ROOT}/run`);
  const LIMITED = { save_total_limit: 1, save_steps: 2 };
  beforeEach(() => disk.clear());

  /** Number of calls of a run without faults. */
  async function callsOf(changes: RecipeValues): Promise<number> {
    disk.clear();
    await train(fakeRun(folder, changes));
    return disk.calls;
  }

  /** @returns the step of the last checkpoint that was complete */
  async function dies(changes: RecipeValues): Promise<number> {
    const run = fakeRun(folder, changes);
    await expect(train(run)).rejects.toThrow(Killed);
    return run.savedStep;
  }

  it.each([
    ['the process is killed', () => undefined],
    ['the power is cut', (random: Random) => disk.cutPower(random)],
  ])('%s', async (fault, afterwards) => {
    let injected = 0;
    for (const changes of [{}, LIMITED]) {
      const whole = await wholeRun(changes);
      const calls = await callsOf(changes);
      for (let at = 1; at <= calls; at += EVERY) {
        disk.clear();
        disk.rearm({ at, code: 'kill' });
        const saved = await dies(changes);
        afterwards(new Random(at, fault));
        disk.rearm();
        const from = await train(fakeRun(folder, changes));
        expect(from, `${at}: no step that was saved is lost`).toBeGreaterThanOrEqual(saved);
        expect(await written(folder), `after call ${at}`).toEqual(whole);
        injected++;
      }
    }
    table.push([fault, injected]);
  });

  it('again and again in one run', async () => {
    const whole = await wholeRun(LIMITED);
    let injected = 0;
    for (let seed = 0; seed < 20; seed++) {
      disk.clear();
      const random = new Random(seed, 'again');
      const lives = async (): Promise<boolean> => {
        disk.rearm({ at: 1 + random.below(250), code: 'kill' });
        const end = await train(fakeRun(folder, LIMITED)).catch((error: unknown) => error);
        if (end instanceof Killed) return false;
        expect(end).not.toBeInstanceOf(Error);
        return true;
      };
      while (!(await lives())) {
        injected++;
        if (random.below(2) === 0) disk.cutPower(random);
      }
      expect(await written(folder), `seed ${seed}`).toEqual(whole);
    }
    table.push(['killed or cut off again and again in one run', injected]);
  });

  it.each(['ENOSPC', 'EACCES', 'EROFS', 'EIO', 'EDQUOT'])('%s', async (code) => {
    const whole = await wholeRun();
    const calls = await callsOf({});
    let injected = 0;
    for (let at = 1; at <= calls; at += code === 'ENOSPC' ? EVERY : 5 * EVERY) {
      for (const lasting of [false, true]) {
        disk.clear();
        disk.rearm({ at, code, lasting });
        const run = fakeRun(folder);
        const error: unknown = await train(run).catch((reason: unknown) => reason);
        expect(error).toBeInstanceOf(StorageError);
        expect((error as Error).message).toMatch(/^\/crash-disk\/run.* cannot be written: .*; .*/);
        disk.rearm();
        if (!lasting) {
          // Where nothing can be removed, the next run does that.
          const left = (await filesIn(folder)).map(([path]) => path);
          expect(left.filter((path) => path.endsWith('.partial'))).toEqual([]);
        }
        expect((await findCheckpoint(folder, 'contents')).problems).toEqual([]);
        expect(await train(fakeRun(folder))).toBeGreaterThanOrEqual(run.savedStep);
        expect(await written(folder), `after call ${at}`).toEqual(whole);
        injected++;
      }
    }
    table.push([`${code} at a write`, injected]);
  });
});

describe('a stored run', () => {
  const SAVED = 6;
  const AT = `checkpoints/step-${SAVED}`;

  /** A run that was killed after step 6, with checkpoints of steps 2, 4 and 6. */
  async function killedRun(changes: RecipeValues = {}) {
    const folder = memoryFolder();
    await train(fakeRun(folder, changes), SAVED);
    return folder;
  }

  /** Goes on with a copy of the run in which `path` is changed. */
  async function goOn(
    files: ReadonlyMap<string, Blob>,
    path: string,
    bytes: Uint8Array | undefined,
  ) {
    const folder = memoryFolder();
    for (const [name, blob] of files) folder.files.set(name, blob);
    if (bytes) folder.files.set(path, new Blob([Buffer.from(bytes)]));
    else folder.files.delete(path);
    const run = fakeRun(folder);
    const from = await train(run);
    return { from, notice: run.notices.join(' '), after: await written(folder) };
  }

  const bytesOf = async (blob: Blob | undefined) => new Uint8Array(await blob!.arrayBuffer());

  it('with a flipped bit in a checkpoint goes on from the one before', async () => {
    const [{ files }, whole] = [await killedRun(), await wholeRun()];
    const random = new Random(1, 'flips');
    let injected = 0;
    for (const path of [...files.keys()].filter((name) => name.startsWith(AT))) {
      const bytes = await bytesOf(files.get(path));
      for (let at = 0; at < bytes.length; at += EVERY) {
        const changed = bytes.slice();
        changed[at]! ^= 1 << random.below(8);
        const { from, notice, after } = await goOn(files, path, changed);
        expect({ from, after }, `${path}, byte ${at}`).toEqual({ from: 4, after: whole });
        expect(notice).toContain(path);
        injected++;
      }
    }
    table.push(['a flipped bit in a file of a checkpoint', injected]);
  });

  it('with a file of a checkpoint cut, zeroed or gone goes on from the one before', async () => {
    const [{ files }, whole] = [await killedRun(), await wholeRun()];
    let injected = 0;
    for (const path of [...files.keys()].filter((name) => name.startsWith(AT))) {
      const bytes = await bytesOf(files.get(path));
      const lengths = [0, 1, 7, 8, 9, 100, bytes.length / 2, bytes.length - 4, bytes.length - 1];
      const cuts = lengths.map((n) => Math.floor(n)).filter((n) => n >= 0 && n < bytes.length);
      const harms = [
        undefined,
        ...cuts.map((n) => bytes.slice(0, n)),
        ...cuts.map((n) => bytes.map((byte, i) => (i < n ? byte : 0))),
        Buffer.concat([bytes, bytes]),
      ];
      for (const harmed of harms) {
        const { from, notice, after } = await goOn(files, path, harmed);
        expect({ from, after }, path).toEqual({ from: 4, after: whole });
        expect(notice).toContain(AT);
        injected++;
      }
    }
    table.push(['a file of a checkpoint cut, zeroed, doubled or removed', injected]);
  });

  it('with a trainer_state.json that claims to be huge is damaged, and the file is not read', async () => {
    const source = { path: 'x', size: 2 ** 40, read: () => Promise.reject(new Error('was read')) };
    const folder = { ...nowhere, open: () => Promise.resolve(source) };
    expect(await readState(folder, 6)).toBe('damaged');
  });

  it('with a file of another step or another run goes on from the one before', async () => {
    const [{ files }, whole] = [await killedRun(), await wholeRun()];
    const others = [
      [(await killedRun({ seed: 5 })).files, AT],
      [files, 'checkpoints/step-4'],
      [files, 'checkpoints/step-2'],
    ] as const;
    let injected = 0;
    for (const [other, place] of others) {
      for (const path of [...files.keys()].filter((name) => name.startsWith(`${AT}/`))) {
        const foreign = await bytesOf(other.get(path.replace(AT, place)));
        // Some files are the same in every checkpoint.
        if (Buffer.from(foreign).equals(await bytesOf(files.get(path)))) continue;
        const { from, notice, after } = await goOn(files, path, foreign);
        expect({ from, after }, path).toEqual({ from: 4, after: whole });
        expect(notice).toContain(AT);
        injected++;
      }
    }
    // A whole checkpoint of another run.
    const mixed = new Map(files);
    for (const [path, blob] of others[0][0]) if (path.startsWith(AT)) mixed.set(path, blob);
    const { from, notice, after } = await goOn(mixed, 'no such file', undefined);
    expect({ from, after }).toEqual({ from: 4, after: whole });
    expect(notice).toBe(
      `${AT} is of another run: seed: 5, not 42: the run goes on from checkpoints/step-4.`,
    );
    table.push(['a file of another step or another run', injected + 1]);
  });

  it('with damaged rows makes them again', async () => {
    const [{ files }, whole] = [await killedRun(), await wholeRun()];
    let injected = 0;
    const rows = [...files.keys()].filter((path) => /step-[56]\.jsonl$|metrics\.jsonl$/.test(path));
    expect(rows).toHaveLength(4);
    for (const path of rows) {
      const bytes = await bytesOf(files.get(path));
      for (let at = 0; at < bytes.length; at += 8 * EVERY) {
        const flipped = bytes.slice();
        flipped[at]! ^= 1;
        for (const harmed of [
          flipped,
          bytes.slice(0, at),
          bytes.map((byte, i) => (i < at ? byte : 0)),
          Buffer.concat([bytes, bytes.slice(0, at), Buffer.alloc(64)]),
        ]) {
          const { after } = await goOn(files, path, harmed);
          expect(after, `${path}, byte ${at}`).toEqual(whole);
          injected++;
        }
      }
      const { after } = await goOn(files, path, undefined);
      expect(after, path).toEqual(whole);
      injected++;
    }
    table.push(['metrics or completions flipped, torn, zeroed or removed', injected]);
  });

  it('with a recipe.yaml that is damaged goes on all the same', async () => {
    const [{ files }, whole] = [await killedRun(), await wholeRun()];
    const bytes = await bytesOf(files.get('recipe.yaml'));
    let injected = 0;
    for (let at = 0; at < bytes.length; at += 8 * EVERY) {
      for (const harmed of [bytes.slice(0, at), bytes.map((byte, i) => (i < at ? byte : 0))]) {
        const { from, after } = await goOn(files, 'recipe.yaml', harmed);
        expect({ from, after }).toEqual({ from: SAVED, after: whole });
        injected++;
      }
    }
    table.push(['recipe.yaml cut or zeroed', injected]);
  });

  it('whose checkpoints are all damaged is left as it is', async () => {
    const folder = await killedRun();
    for (const step of [2, 4, 6]) {
      await folder.write(`checkpoints/step-${step}/model.safetensors`, 'half');
    }
    const before = await filesIn(folder);
    await expect(train(fakeRun(folder))).rejects.toThrow(
      'no checkpoint of this run can be used: checkpoints/step-6/model.safetensors is damaged; ' +
        'checkpoints/step-4/model.safetensors is damaged; checkpoints/step-2/model.safetensors is ' +
        'damaged; start a new run in another folder',
    );
    expect(await filesIn(folder)).toEqual(before);
  });

  it('that lost rows which no checkpoint can make again says so, and keeps its weights', async () => {
    const { files } = await killedRun({ save_total_limit: 1 });
    const run = await goOn(files, 'completions/step-5.jsonl', undefined);
    expect(run.from).toBe(SAVED);
    expect(run.notice).toBe(
      'completions/step-5.jsonl is missing: the run goes on from checkpoints/step-6.',
    );
  });

  it('of an earlier version, without marks, goes on', async () => {
    const [{ files }, whole] = [await killedRun(), await wholeRun()];
    const state = { global_step: 6, num_input_tokens_seen: 66, optimizer_steps: 12 };
    const { from, notice, after } = await goOn(
      files,
      `${AT}/trainer_state.json`,
      Buffer.from(JSON.stringify(state)),
    );
    expect({ from, notice, after }).toEqual({ from: SAVED, notice: '', after: whole });
    const torn = await goOn(files, `${AT}/trainer_state.json`, Buffer.from('{"global_step":6'));
    expect(torn.from).toBe(4);
  });

  it('has as many steps as the recipe says now', async () => {
    const folder = await killedRun();
    expect(await train(fakeRun(folder, { max_steps: STEPS + 2 }))).toBe(SAVED);
    expect(await written(folder)).toEqual(await wholeRun({ max_steps: STEPS + 2 }));
  });
});
