/**
 * An export that fails leaves nothing: at every call to the file system that reads or writes one of its files,
 * that call fails, and the folder is as it was before.
 */
import { existsSync } from 'node:fs';
import type * as NodeFs from 'node:fs/promises';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { textFile } from '../../src/app/handover/source.ts';
import { targets } from '../../src/app/handover/targets.ts';
import { exporting } from '../../src/cli/export.ts';
import { writeWhole } from '../../src/cli/write-whole.ts';
import { nodeFile } from '../../src/model/node-files.ts';
import { copy } from '../../src/rl/runs/export.ts';
import { makeRun } from './make-run.ts';

/** Calls since `armed`, and the one that fails. */
const disk = vi.hoisted(() => {
  const state = { armed: false, calls: [] as string[], failAt: 0, code: '' };
  const call = (what: string): boolean => state.armed && state.calls.push(what) === state.failAt;
  const failure = (): Error =>
    Object.assign(new Error(state.code), { code: state.code, syscall: 'test' });
  return { state, call, failure };
});
vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof NodeFs>();
  const { call, failure } = disk;
  /** `work`, or what a failure does before it is thrown. */
  const either = async <T>(
    what: string,
    work: () => Promise<T>,
    failing?: () => Promise<unknown>,
  ) => {
    if (!call(what)) return work();
    await failing?.();
    throw failure();
  };
  const wrapped = (handle: NodeFs.FileHandle, path: string) => ({
    read: (...args: Parameters<NodeFs.FileHandle['read']>) =>
      either(`read ${path}`, () => handle.read(...args)),
    writeFile: (data: string) =>
      either(
        `write ${path}`,
        () => handle.writeFile(data),
        () => handle.write('half'),
      ),
    sync: () => either(`sync ${path}`, () => handle.sync()),
    close: () =>
      either(
        `close ${path}`,
        () => handle.close(),
        () => handle.close(),
      ),
  });
  const simple = ['mkdir', 'rename', 'rmdir', 'stat', 'readdir'] as const;
  return {
    ...real,
    ...Object.fromEntries(
      simple.map((name) => [
        name,
        (path: string, ...rest: unknown[]) =>
          either(`${name} ${path}`, () =>
            (real[name] as (...args: unknown[]) => Promise<unknown>)(path, ...rest),
          ),
      ]),
    ),
    open: (path: string, flags?: string) =>
      either(`open ${path}`, async () => wrapped(await real.open(path, flags), path)),
  };
});

let home: string;
let run: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'ponder-faults-'));
  run = join(home, 'run');
  await makeRun(run);
});
afterAll(() => rm(home, { recursive: true }));

/** The calls of `work`. */
async function callsOf(work: () => Promise<unknown>): Promise<string[]> {
  Object.assign(disk.state, { armed: true, calls: [] });
  try {
    await work();
    return disk.state.calls;
  } finally {
    disk.state.armed = false;
  }
}

/** What can go wrong at this call. */
function codeFor(call: string, out: string): string {
  const reads = !call.includes(out) || call.startsWith('readdir');
  // A file that vanishes is missed where it is opened.
  return !reads ? 'ENOSPC' : call.startsWith('open') ? 'ENOENT' : 'EIO';
}

async function contents(folder: string): Promise<(readonly [path: string, bytes: Buffer])[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((e) => e.isFile()).map((e) => join(e.parentPath, e.name));
  return Promise.all(
    paths.sort().map(async (path) => [relative(folder, path), await readFile(path)] as const),
  );
}

/**
 * Fails each `every`th call of an export. It either throws and leaves `out` as it was, or did not need the call
 * and writes what it would have written.
 * @returns how many exports threw
 */
async function failEach(write: (out: string) => Promise<unknown>, every: number): Promise<number> {
  const [model, out] = [join(home, 'whole'), join(home, 'out')];
  const calls = await callsOf(() => write(model));
  const whole = await contents(model);
  await rm(model, { recursive: true });
  let thrown = 0;
  for (let at = 1; at <= calls.length; at += every) {
    const call = calls[at - 1]!;
    for (const isNew of [true, false]) {
      if (!isNew) await mkdir(out);
      Object.assign(disk.state, { failAt: at, code: codeFor(call, model) });
      const error: unknown = await callsOf(() => write(out)).catch((reason: unknown) => reason);
      disk.state.failAt = 0;
      if (error instanceof Error) {
        thrown++;
        expect(existsSync(out), call).toBe(!isNew);
        if (!isNew) expect(await readdir(out), call).toEqual([]);
      } else {
        expect(await contents(out), call).toEqual(whole);
      }
      await rm(out, { recursive: true, force: true });
    }
  }
  return thrown;
}

it('leaves nothing of any file that cannot be written, or that vanishes', async () => {
  const from = join(home, 'from');
  await writeFile(from, 'weights');
  const source = (await nodeFile(from))!;
  const files = [
    ...[textFile('README.md', 'read'), copy('config.json', source)],
    ...[copy('policy/model.safetensors', source), textFile('policy/tokenizer.json', '{}')],
  ];
  // Each of the calls fails, with a new folder and with one that is there.
  const calls = await callsOf(() => writeWhole(join(home, 'once'), files));
  expect(await failEach((out) => writeWhole(out, files), 1)).toBeGreaterThan(1.8 * calls.length);
  await writeFile(from, 'short');
  const shorter = writeWhole(join(home, 'short'), files);
  await expect(shorter).rejects.toThrow(/from became shorter while it was read; export again/);
  expect(existsSync(join(home, 'short'))).toBe(false);
});

it('has nothing of an export that was killed', async () => {
  const out = join(home, 'killed');
  await mkdir(join(out, '.partial', 'policy'), { recursive: true });
  await writeFile(join(out, '.partial', 'policy', 'adapter_config.json'), '{}');
  await writeWhole(out, [textFile('policy/config.json', '{}')]);
  expect((await contents(out)).map(([path]) => path)).toEqual(['policy/config.json']);
});

/** FAULTS_EVERY=1 fails each call of each export, which takes minutes. */
const EVERY = Number(process.env['FAULTS_EVERY'] ?? 60);
const exports = process.env['FAULTS_EVERY'] ? ['hf', ...targets] : ['openrlhf'];
it.each(exports)('leaves nothing of an export to %s', { timeout: 600_000 }, async (to) => {
  const handOver = (out: string): Promise<string> =>
    exporting.run([run, '--to', to, '--out', out], true);
  expect(await failEach(handOver, EVERY)).toBeGreaterThan(0);
});
