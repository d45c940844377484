import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeSafetensors } from '../../tests/safetensors.ts';
import { openAt } from './open.ts';
import { findPolicy, lastCheckpointIn, readRows, readRun } from './run-files.ts';

describe('run files', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ponder-run-files-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('reads judged completions, and names a line that is not one', async () => {
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

  it('finds a policy outside a run, a checkpoint of a run, and the last checkpoint of a run', async () => {
    const run = join(folder, 'run');
    const [first, second, third] = [1, 2, 3].map((n) => join(run, 'checkpoints', `step-${n}`));
    for (const path of [first!, second!, third!]) await mkdir(path, { recursive: true });
    expect(await findPolicy(run)).toEqual({ path: run });
    expect(await findPolicy(first!)).toEqual({ path: first });
    await writeFile(
      join(run, 'recipe.yaml'),
      'world: meal-planner\nmodel_name_or_path: a\nreward_funcs: b.js',
    );
    const none = /run has no complete checkpoint; name the folder/;
    for (const find of [findPolicy, lastCheckpointIn, openAt])
      await expect(find(run)).rejects.toThrow(none);
    // A model may have the recipe that made it beside it.
    await writeFile(join(run, 'config.json'), '{}');
    expect(await findPolicy(run)).toEqual({ path: run });
    expect((await openAt(run)).base.name).toBe(run);
    await rm(join(run, 'config.json'));
    for (const [i, path] of [first!, second!].entries()) {
      for (const name of ['model.safetensors', 'optimizer.safetensors']) {
        await writeFile(join(path, name), writeSafetensors(new Map()));
      }
      await writeFile(join(path, 'trainer_state.json'), `{"global_step":${i + 1}}`);
    }
    const of = { run, recipe: { model_name_or_path: 'a' } };
    expect(await findPolicy(run)).toMatchObject({ path: second, of });
    expect(await findPolicy(first!)).toMatchObject({ path: first, of });
    // Any other folder in the run is a model without a run.
    expect(await findPolicy(join(run, 'other', 'step-1'))).toEqual({
      path: join(run, 'other', 'step-1'),
    });
  });

  it('refuses metrics that are not JSON', async () => {
    await writeFile(join(folder, 'recipe.yaml'), 'algorithm: grpo');
    await writeFile(join(folder, 'metrics.jsonl'), '{bad');
    await expect(readRun(folder)).rejects.toThrow(/metrics.jsonl, line 1 is not JSON/);
  });
});
