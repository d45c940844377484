/** Rollouts that verl wrote come back as a run with its groups. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readReturned } from '../../src/cli/returned.ts';
import { jsonLines } from '../../src/rl/data/json-lines.ts';

let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'ponder-back-'));
});
afterAll(() => rm(home, { recursive: true }));

describe('rollouts of verl', () => {
  /** Rows as `_write_generations` of verl 0.9.1 writes them. */
  const rollout = (input: string, output: string, score: number, step: number, more = {}) => ({
    ...{ input, output, gts: null, score, step },
    ...more,
  });
  const prompts = ['menu ham 9 <think>\n', 'menu tart 4 <think>\n'];
  const rows = (step: number) =>
    // By length, as verl orders a batch: the tries at a prompt do not follow each other.
    [0, 1, 2, 3].map((i) => rollout(prompts[i % 2]!, `so ${i} </think> ham`, i + step, step));

  async function verl(files: Record<string, object[]>) {
    const folder = await mkdtemp(join(home, 'verl-'));
    for (const [name, lines] of Object.entries(files))
      await writeFile(join(folder, name), jsonLines(lines));
    return readReturned(folder);
  }

  it('are the groups of a run, with the advantages that follow from their scores', async () => {
    const { metrics, steps, read, recipe, lacks } = (await verl({
      '10.jsonl': rows(10),
      '2.jsonl': rows(2),
    }))!;
    expect(steps).toEqual([2, 10]);
    expect(recipe).toMatchObject({ algorithm: 'grpo', num_generations: 2, thinking: true });
    expect(metrics.map(({ reward }) => reward)).toEqual([3.5, 11.5]);
    const { completions = [] } = await read(2);
    expect(completions.map(({ prompt, reward }) => [prompt, reward])).toEqual([
      ...[2, 4].map((score) => ['menu ham 9', score]),
      ...[3, 5].map((score) => ['menu tart 4', score]),
    ]);
    // (2 - 3) / (std of 2 and 4 + 1e-4).
    expect(completions[0]!.advantage).toBeCloseTo(-0.707, 3);
    expect(completions[0]).toMatchObject({ thought: 'so 0', response: 'ham' });
    expect(lacks.join(' ')).toMatch(/verl wrote no advantages.*logger "file"/);
  });

  it('have the curves of the logger beside them, under the names of TRL', async () => {
    const data = { 'actor/pg_loss': 0.5, 'response_length/mean': 12, 'timing_s/step': 3 };
    const { metrics, lacks } = (await verl({
      '1.jsonl': rows(1),
      'run.jsonl': [{ step: 1, data }],
    }))!;
    expect(metrics[0]).toMatchObject({ loss: 0.5, 'completions/mean_length': 12, step_time: 3 });
    expect(lacks.join(' ')).not.toMatch(/logger/);
  });

  it('tell two groups of the same prompt apart by verl’s uid', async () => {
    const twice = ['a_0_0', 'a_1_0', 'b_0_0', 'b_1_0'].map((uid, i) =>
      rollout('menu', 'ham', i, 1, { uid }),
    );
    const { recipe, lacks } = (await verl({ '1.jsonl': twice }))!;
    expect(recipe).toMatchObject({ num_generations: 2, thinking: false });
    expect(lacks).toContain('No completion has a </think>, so each one is shown as a response.');
  });

  it('are read with any characters, an empty file, half a last line, and scores that are not finite', async () => {
    const folder = await mkdtemp(join(home, 'verl-'));
    const text = (lines: object[]): string => jsonLines(lines).replaceAll('\n', '\r\n');
    const groups = ['menü 🙂\n', 'Größe'].map((input) =>
      [1, 2].map((score) => rollout(input, `„so" </think> ${input}`, score, 2)),
    );
    const infinite = '{"input": "Größe", "output": "NaN", "gts": null, "score": NaN, "step": 2}\n';
    await writeFile(join(folder, '1.jsonl'), '');
    await writeFile(
      join(folder, '2.jsonl'),
      `\ufeff${text(groups.flat())}${infinite}{"input": "Grö`,
    );
    await writeFile(join(folder, 'other.jsonl'), 'x\n[1]\nnull\n{"step": 1}\n');
    const { steps, metrics, read, lacks } = (await readReturned(folder))!;
    expect(steps).toEqual([2]);
    expect(metrics.map(({ reward }) => reward)).toEqual([1.5]);
    const { completions = [] } = await read(2);
    expect(completions.map(({ prompt, reward }) => [prompt, reward])).toEqual(
      groups.flat().map(({ input, score }) => [input, score]),
    );
    expect(completions[0]).toMatchObject({ thought: '„so"', response: 'menü 🙂' });
    expect(lacks).toContain('Completions without a finite score are left out: 1.');
  });

  it('are no other JSONL', async () => {
    expect(await verl({ '1.jsonl': [{ prompt: 'menu' }] })).toBeUndefined();
  });
});
