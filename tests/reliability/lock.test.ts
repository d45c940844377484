/** One writer a folder: the lock file of the command line. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile, mkdir } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { holdRunFolder } from '../../src/rl/runs/lock.node.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'ponder-lock-'));
});
afterAll(() => rm(root, { recursive: true }));

const time = '2026-01-02T03:04:05.000Z';

/** A folder with a lock of these contents. */
async function locked(name: string, lock: string): Promise<string> {
  const folder = join(root, name);
  await mkdir(folder);
  await writeFile(join(folder, 'lock.json'), lock);
  return folder;
}

/** The id of a process that has ended. */
async function endedProcess(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  return child.pid!;
}

describe('the lock of a run on disk', () => {
  it('is held by one at a time; a new folder without a run goes with it', async () => {
    const folder = join(root, 'a', 'b');
    const { release } = await holdRunFolder(folder);
    await expect(holdRunFolder(folder)).rejects.toThrow(
      new RegExp(
        `^process ${process.pid} has been writing ${folder} since 2.*; wait until it ends, or name another folder$`,
      ),
    );
    await release();
    expect(await readdir(root)).toEqual(['a']);
    const { folder: again, release: end } = await holdRunFolder(folder);
    await again.write('recipe.yaml', 'seed: 1');
    await end();
    expect(await readdir(folder)).toEqual(['recipe.yaml']);
  });

  it.each<[string, () => Promise<string>]>([
    [
      'a process that has ended',
      async () =>
        JSON.stringify({ pid: await endedProcess(), host: hostname(), time, started: '1' }),
    ],
    [
      'a process whose number another one has now',
      () =>
        Promise.resolve(JSON.stringify({ pid: process.pid, host: hostname(), time, started: '1' })),
    ],
    ['a power cut, empty', () => Promise.resolve('')],
    ['a power cut, zeroed', () => Promise.resolve('\0\0\0\0')],
  ])('of %s is taken over', async (name, lock) => {
    const folder = await locked(name, await lock());
    const { release } = await holdRunFolder(folder);
    await release();
    expect(await readdir(folder)).toEqual([]);
  });

  it('of a process that nobody has waited for is taken over', async () => {
    // The shell does not wait for its child, whose number stays in use until the shell ends.
    const shell = spawn('sh', ['-c', 'true & echo $!; exec sleep 30'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [printed] = (await once(shell.stdout, 'data')) as [Buffer];
    const lock = { pid: Number(printed.toString()), host: hostname(), time, started: '1' };
    const folder = await locked('zombie', JSON.stringify(lock));
    await (await holdRunFolder(folder)).release();
    shell.kill();
  });

  it('of another machine stays, and the sentence says what to do', async () => {
    const lock = { pid: 7, host: 'elsewhere', time, started: null };
    const folder = await locked('far', JSON.stringify(lock));
    await expect(holdRunFolder(folder)).rejects.toThrow(
      `process 7 on elsewhere has been writing ${folder} since ${time}; wait until it ends, or name ` +
        `another folder; if it has ended, delete ${folder}/lock.json`,
    );
  });

  it('stays where the system does not say whose number it is now, and the sentence says what to do', async () => {
    const lock = { pid: process.pid, host: hostname(), time, started: null };
    const folder = await locked('reused', JSON.stringify(lock));
    await expect(holdRunFolder(folder)).rejects.toThrow(
      `name another folder; if it has ended, delete ${folder}/lock.json`,
    );
  });

  it('goes to one of many that take over at once', async () => {
    const lock = { pid: await endedProcess(), host: hostname(), time, started: '1' };
    // All rounds at once: the others give up after two seconds.
    const race = async (_: unknown, round: number): Promise<void> => {
      const folder = await locked(`race ${round}`, JSON.stringify(lock));
      const tries = await Promise.allSettled(
        Array.from({ length: 8 }, () => holdRunFolder(folder)),
      );
      expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect(await readdir(folder)).toEqual(['lock.json']);
    };
    await Promise.all(Array.from({ length: 10 }, race));
  });

  it('stops a writer that lost it, and one whose folder was removed', async () => {
    const folder = join(root, 'lost');
    const { folder: run, release } = await holdRunFolder(folder);
    await run.write('metrics.jsonl', '');
    await writeFile(
      join(folder, 'lock.json'),
      JSON.stringify({ pid: 1, host: hostname(), time, started: null }),
    );
    await expect(run.append('metrics.jsonl', '{}\n')).rejects.toThrow(
      /^process 1 has been writing/,
    );
    await release();
    expect(await readdir(folder)).toEqual(['lock.json', 'metrics.jsonl']);
    await rm(folder, { recursive: true });
    await expect(run.append('metrics.jsonl', '{}\n')).rejects.toThrow(
      /metrics\.jsonl cannot be written: it was removed while the run wrote to it; start/,
    );
  });

  it('sweeps away what a killed process was writing, and nothing else', async () => {
    const folder = await locked('swept', '');
    await mkdir(join(folder, 'checkpoints', 'step-3', 'value'), { recursive: true });
    const own = ['metrics.jsonl', 'checkpoints/step-3/value/a.safetensors'];
    for (const path of [...own, 'my film.mp4'])
      await writeFile(join(folder, `${path}.partial`), '');
    const { folder: run, release } = await holdRunFolder(folder);
    expect(await run.list('')).toEqual(['checkpoints', 'lock.json', 'my film.mp4.partial']);
    expect(await run.list('checkpoints/step-3/value')).toEqual([]);
    await release();
  });

  it('is no folder where a file is', async () => {
    await writeFile(join(root, 'file'), '');
    await expect(holdRunFolder(join(root, 'file'))).rejects.toThrow(
      /lock\.json cannot be written: there is a file where a folder must be; move it away, or name another folder$/,
    );
  });
});
