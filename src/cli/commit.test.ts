import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { commit } from './commit.ts';

const folder = mkdtempSync(join(tmpdir(), 'ponder-commit-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('is marked when the source was changed, and not when results or documents were', () => {
  expect(commit(folder)).toBeNull();
  const git = (...args: string[]): string =>
    execFileSync('git', ['-c', 'user.name=n', '-c', 'user.email=e', ...args], {
      ...{ cwd: folder, encoding: 'utf8' },
    });
  const write = (text: string, ...files: string[]): void => {
    for (const file of files) writeFileSync(join(folder, file), text);
  };
  mkdirSync(join(folder, 'results'));
  write('1', 'source.ts', 'README.md', 'results/times.json');
  git('init', '-q');
  git('add', '.');
  git('commit', '-q', '-m', 'one');
  const id = git('rev-parse', 'HEAD').trim();
  expect(commit(folder)).toBe(id);
  write('2', 'README.md', 'results/times.json');
  expect(commit(folder)).toBe(id);
  write('2', 'source.ts');
  expect(commit(folder)).toBe(`${id}-dirty`);
});
