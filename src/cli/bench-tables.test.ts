import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { EXAMPLE } from '../app/measure/example.ts';
import { readmeTable, tableFiles, withBlock } from './bench-tables.ts';

const root = join(import.meta.dirname, '../..');

it('the tables in the tree are those of the measurements in results/bench', async () => {
  const files = await tableFiles(root);
  expect([...files.keys()]).toEqual(['README.md', 'results/bench/README.md']);
  for (const [path, text] of files) {
    expect(await readFile(join(root, path), 'utf8'), `run npm run bench -- --tables`).toBe(text);
  }
});

it('has one line for each measurement', () => {
  const [, , line] = readmeTable([EXAMPLE]).split('\n');
  expect(line).toBe(
    '| maker small Some card | 3.0 to 5.0, median 4.0 | not measured | 6.0 | 50 (2M, f32) | 2 s |',
  );
  expect(readmeTable([EXAMPLE, EXAMPLE]).trim().split('\n')).toHaveLength(4);
});

it('replaces what stands between its marks only', () => {
  const text =
    'before\n<!-- Made by `npm run bench -- --tables`; edit src/cli/bench-tables.ts instead. -->\nold\n<!-- end of the benchmark -->\nafter\n';
  const written = withBlock(text, 'new\n');
  expect(written).toContain('-->\n\nnew\n\n<!-- end');
  expect(written).not.toContain('old');
  expect(written.startsWith('before\n')).toBe(true);
  expect(written.endsWith('\nafter\n')).toBe(true);
  expect(withBlock(written, 'new\n')).toBe(written);
  expect(() => withBlock('nothing', 'new\n')).toThrow('has no place');
});
