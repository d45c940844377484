import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRows, readRun } from './run-files.ts';

describe('run files', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ponder-run-files-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('reads judged completions, and says which line is none', async () => {
    const path = join(folder, 'judged.jsonl');
    const row = { prompt: 'a', thought: null, response: 'b' };
    await writeFile(path, `${JSON.stringify(row)}\n\n`);
    expect(await readRows(path)).toEqual([row]);
    await writeFile(path, `${JSON.stringify(row)}\n{"prompt":"a"}\n`);
    await expect(readRows(path)).rejects.toThrow(/judged.jsonl, line 2 lacks fields/);
    await writeFile(path, '{bad');
    await expect(readRows(path)).rejects.toThrow(/line 1 is not JSON; name a file/);
    await writeFile(path, '\n');
    await expect(readRows(path)).rejects.toThrow(/is empty; name a file/);
  });

  it('refuses metrics that are none', async () => {
    await writeFile(join(folder, 'recipe.yaml'), 'algorithm: grpo');
    await writeFile(join(folder, 'metrics.jsonl'), '{bad');
    await expect(readRun(folder)).rejects.toThrow(/metrics.jsonl, line 1 is not JSON/);
  });
});
