import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { nodeNotes } from './node-notes.ts';

const folder = await mkdtemp(join(tmpdir(), 'ponder-notes-'));
const at = (path: string): URL => pathToFileURL(join(folder, path));

it('remembers values by name, beside those of before', async () => {
  const file = at('a/b/notes.json');
  await nodeNotes(file).remember('one', { x: 1 });
  await nodeNotes(file).remember('two', 2);
  expect(await nodeNotes(file).recall('one')).toEqual({ x: 1 });
  expect(await nodeNotes(file).recall('two')).toBe(2);
  expect(await nodeNotes(file).recall('three')).toBeUndefined();
});

it.each(['{"one": 1', 'null', '7', ''])('a file of %j is as good as none', async (content) => {
  const file = at('damaged.json');
  await writeFile(file, content);
  expect(await nodeNotes(file).recall('one')).toBeUndefined();
  await nodeNotes(file).remember('one', 1);
  expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({ one: 1 });
});

it('forgets where nothing can be written, and fails nobody', async () => {
  await writeFile(at('no-folder'), '');
  const notes = nodeNotes(at('no-folder/notes.json'));
  await notes.remember('one', 1);
  expect(await notes.recall('one')).toBeUndefined();
});
