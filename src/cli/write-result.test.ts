import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeResult } from './write-result.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'ponder-'));
});
afterAll(() => rm(root, { recursive: true }));

it('makes the folder of the file, and replaces an older one as a whole', async () => {
  const path = join(root, 'new', 'rows.jsonl');
  await writeResult(path, 'first');
  await writeResult(path, '2');
  expect(await readFile(path, 'utf8')).toBe('2');
  expect(await readdir(join(root, 'new'))).toEqual(['rows.jsonl']);
});

it('says what to do where there is a folder, or a file in place of a folder', async () => {
  await expect(writeResult(root, 'x')).rejects.toThrow(
    `${root} cannot be written: there is a folder where the file must be; move that folder away`,
  );
  const file = join(root, 'file');
  await writeFile(file, 'kept');
  await expect(writeResult(join(file, 'x'), 'x')).rejects.toThrow(
    /cannot be written: there is a file/,
  );
  expect(await readFile(file, 'utf8')).toBe('kept');
});

it.skipIf(process.platform !== 'linux')(
  'a full disk is one sentence, and a device stays',
  async () => {
    const link = join(root, 'full');
    await symlink('/dev/full', link);
    for (const path of ['/dev/full', link]) {
      await expect(writeResult(path, 'x')).rejects.toThrow(
        `${path} cannot be written: the disk is full; free some space, then go on`,
      );
    }
    await writeResult('/dev/null', 'x');
  },
);
