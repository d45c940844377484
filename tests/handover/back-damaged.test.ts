/** Of what TRL or verl wrote, all that can be read opens; each file that cannot be read is named. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CompressionCodec } from 'hyparquet';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { describe, expect, it } from 'vitest';
import { openReturned, storeReturned, type Opened } from '../../src/app/handover/back/open.ts';
import { openRun } from '../../src/app/runs/stored-runs.ts';
import { analyze } from '../../src/cli/analyze.ts';
import { findPolicy } from '../../src/cli/run-files.ts';
import { blobSource, type FileSource } from '../../src/model/files.ts';
import { jsonLines } from '../../src/rl/data/json-lines.ts';
import { memoryFolder } from '../app/memory-folder.ts';
import { filesIn } from './trl-output.ts';

type Bytes = Uint8Array<ArrayBuffer> | string;
const COPY = 'copy it again if the original is whole.';

function fileOf(path: string, bytes: Bytes): FileSource {
  return blobSource(path, new Blob([bytes]));
}

/** An output of TRL with some files in place of its own, or without those that are undefined. */
async function withFiles(
  name: string,
  changed: Record<string, Bytes | undefined>,
): Promise<Opened> {
  const files = await filesIn(name);
  for (const [path, bytes] of Object.entries(changed)) {
    if (bytes === undefined) files.delete(path);
    else files.set(path, fileOf(path, bytes));
  }
  return (await openReturned(files))!;
}

const bytesOf = async (name: string, path: string): Promise<Uint8Array<ArrayBuffer>> =>
  (await filesIn(name)).get(path)!.read();

/** A file of completions with these columns. */
function parquet(
  columns: Record<string, unknown[]>,
  codec: CompressionCodec = 'SNAPPY',
): Uint8Array<ArrayBuffer> {
  const columnData = Object.entries(columns).map(([name, data]) => ({ name, data }));
  const compressors = { ZSTD: (page: Uint8Array) => page };
  return new Uint8Array(parquetWriteBuffer({ columnData, codec, compressors }));
}

/** The pages are damaged, and the index has another name for a column than its schema. */
function twiceDamaged(whole: Uint8Array): Uint8Array<ArrayBuffer> {
  const file = Buffer.from(whole);
  const footer = file.length - 8 - file.readUInt32LE(file.length - 8);
  file.fill(255, 8, footer >> 1);
  const name = file.indexOf('advantage', footer);
  file.write('adventure', name);
  return new Uint8Array(file);
}

const FIRST = 'completions/completions_00001.parquet';
const SECOND = 'completions/completions_00002.parquet';
const STATE = 'checkpoint-3/trainer_state.json';
const TEXTS = { prompt: ['menu ham', 'menu ham'], completion: ['so </think> ham', 'tart'] };
const NUMBERS = { reward_model: [1.5, -1.5], advantage: [1.5, -0.5] };

describe('a file of completions that is damaged', () => {
  it('is left out and named; the other steps and all curves open', async () => {
    const whole = await bytesOf('handed-over', FIRST);
    const hole = Uint8Array.from(whole).fill(0, 4, whole.length >> 1);
    // Its columns are missing: the index names bytes beyond the end of the file.
    const numbers = Array.from({ length: 500 }, (_, i) => Math.sin(i));
    const texts = numbers.map(String);
    const long = parquet({ prompt: texts, completion: texts, reward_model: numbers });
    const footer = new DataView(long.buffer).getUint32(long.length - 8, true) + 8;
    const withoutColumns = new Uint8Array([...long.slice(0, 4), ...long.slice(-footer)]);
    const cases: [Bytes, RegExp][] = [
      [withoutColumns, /its index is wrong/],
      ['', /it is empty/],
      ['P', /its end is missing/],
      [whole.slice(0, whole.length >> 1), /its end is missing/],
      [whole.slice(0, -1), /its end is missing/],
      [new Uint8Array(whole.length), /its end is missing/],
      ['{"step": 1', /its end is missing/],
      ['PAR1', /it is damaged/],
      [hole, /it is damaged/],
      [twiceDamaged(whole), /its index is wrong/],
      [parquet({ ...NUMBERS, ...TEXTS }, 'ZSTD'), /it is compressed by ZSTD; write it with Snappy/],
      [parquet({ ...NUMBERS, completion: TEXTS.completion }), /no column "prompt" with texts/],
      [parquet({ ...NUMBERS, ...TEXTS, completion: [1, 2] }), /no column "completion" with texts/],
      [
        parquet({ ...NUMBERS, ...TEXTS, reward_model: ['1', '2'] }),
        /no column "reward_model" with numbers/,
      ],
      [
        parquet({ ...NUMBERS, ...TEXTS, advantage: ['1', '2'] }),
        /no column "advantage" with numbers/,
      ],
      [parquet({ prompt: [], completion: [] }), /it has no rows/],
    ];
    for (const [bytes, reason] of cases) {
      const { steps, metrics, lacks, read } = await withFiles('handed-over', { [FIRST]: bytes });
      const [sentence = ''] = lacks;
      expect(sentence).toMatch(reason);
      expect(sentence.startsWith(`${FIRST} is damaged (`)).toBe(true);
      expect(sentence.endsWith(`), so step 21 has no completions; ${COPY}`), sentence).toBe(true);
      expect(steps).toEqual([22, 23]);
      expect(metrics[0]).toMatchObject({ step: 21, reward: -0.753156840801239 });
      expect((await read(23)).followed).toHaveLength(16);
    }
  });

  it('does not keep the run from the page, whose note names it', async () => {
    const runs = memoryFolder();
    await storeReturned(runs, 'run-1', await withFiles('handed-over', { [FIRST]: '' }));
    const { reports, problems } = await openRun(runs, 'run-1');
    expect(problems).toEqual([]);
    expect(reports.map(({ metrics, followed }) => [metrics.step, followed?.length])).toEqual([
      ...[
        [21, undefined],
        [22, 2],
        [23, 2],
      ],
    ]);
    const note = new TextDecoder().decode(await (await runs.open('run-1/run.json'))!.read());
    expect(note).toContain(`From TRL. ${FIRST} is damaged (it is empty), so step 21`);
  });

  it('gives way to the other file of its step', async () => {
    const other = 'completions/completions_2.parquet';
    const { lacks, steps, read } = await withFiles('handed-over', { [other]: '' });
    expect(lacks[0]).toBe(`${other} is damaged (it is empty), so step 22 shows ${SECOND}; ${COPY}`);
    expect(steps).toEqual([21, 22, 23]);
    expect((await read(22)).followed).toHaveLength(16);
    // The one that is read last counts.
    const spare = parquet({ ...TEXTS, ...NUMBERS });
    const whole = await withFiles('handed-over', { [other]: spare });
    expect((await whole.read(22)).followed).toHaveLength(2);
  });

  it('is one of many: the first are named, and the others counted', async () => {
    const paths = Array.from(
      { length: 30 },
      (_, i) => `completions/completions_${100 + i}.parquet`,
    );
    const { lacks } = await withFiles('handed-over', Object.fromEntries(paths.map((p) => [p, ''])));
    expect(lacks.filter((sentence) => sentence.includes('is damaged'))).toHaveLength(8);
    expect(lacks[8]).toBe(
      `22 more files, ${paths[8]} to ${paths[29]}, are damaged too; copy the folder again.`,
    );
  });

  it('leaves the curves if it is the only one, and is an error if nothing else is there', async () => {
    const all = { [FIRST]: '', [SECOND]: 'x', 'completions/completions_00003.parquet': '' };
    const { metrics, steps, lacks } = await withFiles('handed-over', all);
    expect(steps).toEqual([]);
    expect(metrics).toHaveLength(3);
    expect(lacks.slice(0, 3).map((sentence) => sentence.split(' ')[0])).toEqual(Object.keys(all));
    const refused = withFiles('handed-over', { ...all, [STATE]: undefined });
    await expect(refused).rejects.toThrow(
      /^.*00001\.parquet is damaged .*00003\.parquet is damaged/,
    );
  });

  it('does not hide another output that is whole', async () => {
    const files = await filesIn('handed-over', 'b/');
    const { name } = (await openReturned(new Map([[`a/${FIRST}`, fileOf(FIRST, '')], ...files])))!;
    expect(name).toBe('b');
  });
});

describe('logs of TRL', () => {
  it('are those of the checkpoint before, where the last ones are damaged', async () => {
    const good = await bytesOf('handed-over', STATE);
    for (const [bad, reason] of [
      ['', 'it is empty'],
      ['{"log_history": [', 'it is not JSON'],
      ['[]', 'it is not JSON'],
    ] as const) {
      const { metrics, lacks } = await withFiles('handed-over', {
        'checkpoint-10/trainer_state.json': bad,
      });
      expect(lacks[0]).toBe(
        `checkpoint-10/trainer_state.json is damaged (${reason}), so the curves are those of ${STATE}; ${COPY}`,
      );
      expect(metrics[0]!.reward).toBe(-0.753156840801239);
      const alone = await withFiles('handed-over', { [STATE]: bad });
      expect(alone.lacks[0]).toBe(`${STATE} is damaged (${reason}), so it is not used; ${COPY}`);
      expect(alone.lacks[1]).toMatch(/^Its only curve is the reward/);
      expect(alone.metrics[0]!.reward).toBeCloseTo(-0.753156840801239, 5);
    }
    for (const other of ['{}', '{"log_history": 5, "is_world_process_zero": true}'])
      expect(
        (await withFiles('handed-over', { 'checkpoint-10/trainer_state.json': other })).metrics,
      ).toEqual((await withFiles('handed-over', { [STATE]: good })).metrics);
  });

  it('may end before the completions: later steps have the mean of their rewards', async () => {
    const state = { is_world_process_zero: true, log_history: [{ step: 1, reward: -1, kl: 0.5 }] };
    const { metrics, steps, lacks } = await withFiles('adapter', {
      'checkpoint-2/trainer_state.json': JSON.stringify(state),
    });
    const { metrics: all } = await withFiles('adapter', {});
    expect(steps).toEqual([1, 2]);
    expect(metrics[0]).toMatchObject({ reward: -1, kl: 0.5 });
    expect(metrics[1]!.reward).toBeCloseTo(all[1]!.reward!, 5);
    expect(lacks).toContain('The logs end at step 1: the only curve of later steps is the reward.');
  });

  it('of another run are said to be so, and the completions keep their own rewards', async () => {
    const reward = { step: 1, reward: 9, 'rewards/kindness/mean': 9 };
    const { read, lacks } = await withFiles('adapter', {
      'checkpoint-2/trainer_state.json': JSON.stringify({
        ...{ is_world_process_zero: true, log_history: [reward] },
      }),
    });
    expect(lacks).toContain(
      'The curves may be of another run: the logs have the rewards kindness, and the completions reward_model.',
    );
    const { completions = [] } = await read(1);
    expect(Object.keys(completions[0]!.rewards!)).toEqual(['reward_model']);
    expect(completions[0]!.reward).toBe(completions[0]!.rewards!['reward_model']);
  });

  it('and the recipe that came with them may be damaged', async () => {
    for (const bad of ['', '{"step": 1', '{"recipe": null, "step": 20, "updates": 1}', '[]']) {
      const { steps, lacks, recipe } = await withFiles('handed-over', { 'ponder.json': bad });
      expect(steps).toEqual([1, 2, 3]);
      expect(recipe).toMatchObject({ algorithm: 'grpo', num_generations: 8 });
      expect(lacks[0]).toMatch(
        /^ponder\.json is damaged \(.+\), so the recipe is unknown and the steps are those that TRL counted; copy/,
      );
    }
  });

  it('that are damaged do not keep the model of a folder from use', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ponder-damaged-'));
    await writeFile(join(folder, 'trainer_state.json'), '');
    expect(await findPolicy(folder)).toEqual({ path: folder });
    await expect(analyze.run([folder], true)).rejects.toThrow(/trainer_state\.json is damaged/);
    await rm(folder, { recursive: true });
  });
});

it('completions without rewards are said to be so', async () => {
  const texts = { step: [1, 1], ...TEXTS };
  const { lacks, recipe } = (await openReturned(
    new Map([[FIRST, fileOf(FIRST, parquet(texts))]]),
  ))!;
  expect(lacks).toContain('Its completions have no rewards: each shows 0.');
  expect(recipe).toEqual({ algorithm: 'sft' });
});

describe('completions of several processes', () => {
  /** As the first process writes what it gathers: the rows of the processes, one after the other. */
  const gathered = (prompts: string[], advantage: number[]) =>
    parquet({
      ...{ step: prompts.map(() => 3n), prompt: prompts, completion: prompts.map(() => 'ham') },
      ...{ reward_model: prompts.map((_, i) => i / 8), advantage },
    });
  const times = (n: number, ...prompts: string[]): string[] =>
    prompts.flatMap((prompt) => Array.from({ length: n }, () => prompt));

  it('are whole groups, also where a group spans two processes', async () => {
    // Two processes with four completions each, three prompts a step, in groups of eight: TRL's RepeatSampler.
    const prompts = times(8, 'b', 'f', 'c');
    const advantage = prompts.map((_, i) => i);
    const { recipe, read } = await withFiles('adapter', { [FIRST]: gathered(prompts, advantage) });
    const { completions = [] } = await read(1);
    expect(completions.map(({ prompt }) => prompt)).toEqual(prompts);
    expect(completions.map((row) => row.advantage)).toEqual(advantage);
    expect(recipe).toMatchObject({ num_generations: 8 });
  });

  it('keep two groups of the same prompt apart', async () => {
    const prompts = times(2, 'b', 'f', 'b', 'c');
    const { read } = await withFiles('adapter', {
      [FIRST]: gathered(
        prompts,
        prompts.map((_, i) => i),
      ),
    });
    expect((await read(1)).completions!.map(({ advantage }) => advantage)).toEqual([
      ...prompts.keys(),
    ]);
  });

  it('of an evaluation stand after those of the training, and repeat the first prompt', async () => {
    const log = [
      { step: 1, reward: 0.5 },
      // Three prompts, in 6 s.
      { step: 1, eval_reward: 0.25, eval_runtime: 6.0001, eval_samples_per_second: 0.5 },
    ];
    const state = JSON.stringify({ is_world_process_zero: true, log_history: log });
    // Two processes with eight completions each: twelve would be enough for three prompts.
    const evaluation = times(4, 'x', 'y', 'z', 'x');
    const prompts = [...times(4, 'c', 'd'), ...evaluation];
    const { read, metrics } = await withFiles('adapter', {
      'checkpoint-2/trainer_state.json': state,
      [FIRST]: gathered(
        prompts,
        prompts.map((_, i) => i),
      ),
    });
    const { completions = [], followed = [], evaluations = [] } = await read(1);
    expect(completions.map(({ prompt }) => prompt)).toEqual(times(4, 'c', 'd'));
    expect(followed.map(({ prompt }) => prompt)).toEqual([...times(8, 'x'), ...times(4, 'y', 'z')]);
    expect(evaluations.map(({ prompt }) => prompt)).toEqual(['x', 'y', 'z']);
    expect(metrics[0]!.reward).toBe(0.5);
  });
});

describe('rollouts of verl that are damaged', () => {
  const rows = (step: number, size = 2) =>
    Array.from({ length: 2 * size }, (_, i) => ({
      ...{ input: `menu ${i % 2}`, output: `so ${i} </think> ham`, gts: null, score: i, step },
    }));
  const open = (files: Record<string, Bytes>): Promise<Opened | undefined> =>
    openReturned(
      new Map(Object.entries(files).map(([path, bytes]) => [path, fileOf(path, bytes)])),
    );
  const text = (step: number) => jsonLines(rows(step));
  const data = { 'actor/pg_loss': 0.5, 'critic/score/mean': 7 };

  it('lack the groups of the lines that cannot be read', async () => {
    const [one, two, three, four] = text(2).trim().split('\n') as [string, string, string, string];
    const cases: [text: string, reason: string, left: number[]][] = [
      // The last row belongs to the second prompt.
      [`${one}\n${two}\n${three}\n${four.slice(0, -9)}`, 'its last line is cut off', [0, 2]],
      [`${one}\n${two}\n\u0000\u0000x\n${four}\n`, '1 of its lines is unreadable', [1, 3]],
      [`${one}\n{"a": 1}\n${three}\n${four.slice(0, 5)}`, '2 of its lines are unreadable', [0, 2]],
    ];
    for (const [bytes, reason, left] of cases) {
      const { steps, lacks, read, metrics } = (await open({
        '1.jsonl': text(1),
        '2.jsonl': bytes,
      }))!;
      expect(lacks[0]).toBe(
        `2.jsonl is damaged (${reason}), so step 2 lacks these completions and their groups; ${COPY}`,
      );
      expect(steps).toEqual([1, 2]);
      const { completions = [] } = await read(2);
      expect(completions.map(({ reward }) => reward)).toEqual(left);
      expect(metrics[1]!.reward).toBe((left[0]! + left[1]!) / 2);
    }
  });

  it('are left out if nothing in them can be read, and named', async () => {
    const { steps, lacks, recipe } = (await open({
      ...{
        '1.jsonl': '',
        '2.jsonl': text(2),
        '3.jsonl': '{"input": "me',
        '4.jsonl': '[1]\n{"a": 1}\n',
      },
    }))!;
    expect(steps).toEqual([2]);
    expect(recipe).toMatchObject({ num_generations: 2, thinking: true });
    expect(lacks.slice(0, 3)).toEqual([
      `1.jsonl is damaged (it is empty), so step 1 has no completions; ${COPY}`,
      `3.jsonl is damaged (it has no rollouts), so step 3 has no completions; ${COPY}`,
      `4.jsonl is damaged (it has no rollouts), so step 4 has no completions; ${COPY}`,
    ]);
  });

  it('leave the curves of the logger, of which half a line is named', async () => {
    const log = jsonLines([{ step: 1, data }]);
    const { steps, metrics, lacks } = (await open({
      '1.jsonl': '',
      'run.jsonl': `${log}{"step": 2`,
    }))!;
    expect(steps).toEqual([]);
    expect(metrics).toEqual([{ step: 1, loss: 0.5, reward: 7 }]);
    expect(lacks[0]).toBe(
      `run.jsonl is damaged (its last line is cut off), so the curves lack these steps; ${COPY}`,
    );
    expect(lacks[1]).toMatch(/^1\.jsonl is damaged \(it is empty\)/);
  });

  it('are no output of verl if no line in any file is one', async () => {
    expect(await open({ '1.jsonl': '', '2.jsonl': '{"prompt": "menu"}\n' })).toBeUndefined();
  });
});
