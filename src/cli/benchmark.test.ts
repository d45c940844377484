/** Files and judgments of the command benchmark, without a model: what was kept is not asked again. */
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Item, JudgedBenchmark } from '../rl/evaluation/benchmarks/benchmark.ts';
import { keepSettings, linesOf, readData, Rows } from './benchmark-files.ts';
import type { TextJudge } from './benchmark-judges.ts';
import { benchmark } from './benchmark.ts';
import { judgeSettings } from './benchmark-judges.ts';
import { scoresOf } from './benchmark-judging.ts';

let folder = '';
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'benchmark-'))));
afterEach(() => rm(folder, { recursive: true }));

const FILES = [
  { name: 'a.jsonl', holds: 'the prompts', from: 'https://example.org/a' },
  { name: 'b.json', holds: 'the baseline', from: 'https://example.org/b', optional: true as const },
];
const own = { name: 'mine', title: 'Mine', files: FILES };

it('names a missing file and where its makers publish it', async () => {
  await expect(readData(own, folder)).rejects.toThrow(
    `Mine needs ${join(folder, 'a.jsonl')} (the prompts: https://example.org/a); download`,
  );
});

it('takes a folder, a folder of folders, or the first file', async () => {
  await writeFile(join(folder, 'other.jsonl'), 'x');
  await writeFile(join(folder, 'b.json'), 'y');
  const { texts } = await readData(own, join(folder, 'other.jsonl'));
  expect(texts).toEqual({ 'a.jsonl': 'x', 'b.json': 'y' });
  await writeFile(join(folder, 'a.jsonl'), 'z');
  expect((await readData(own, folder)).texts).toMatchObject({ 'a.jsonl': 'z' });
});

it('knows the data again, and other data of the same names from them', async () => {
  const large = { ...own, files: [FILES[1]!, { ...FILES[0]!, large: true as const }] };
  const marks = new Set<string>();
  for (const [a, b] of [['x'], ['x', 'y'], ['x', 'z'], ['xz', ''], ['x', 'y']]) {
    await writeFile(join(folder, 'a.jsonl'), a!);
    if (b !== undefined) await writeFile(join(folder, 'b.json'), b);
    marks.add((await readData(own, folder)).sha256);
    marks.add(`large ${(await readData(large, folder)).sha256}`);
  }
  expect(marks.size).toBe(8);
});

it('reads a large file line by line, wherever its pieces end', async () => {
  const large = { ...own, files: [{ ...FILES[0]!, large: true as const }] };
  const path = join(folder, 'a.jsonl');
  const lines = ['{"a": "é"}', '', '日本語 text', 'x'.repeat(9), 'last'];
  await writeFile(path, lines.join('\n'));
  for (const bytes of [1, 2, 5, 100]) expect([...linesOf(path, bytes)]).toEqual(lines);
  const { texts, large: found } = await readData(large, folder);
  // It can be read twice.
  expect([[...found['a.jsonl']!], [...found['a.jsonl']!]]).toEqual([lines, lines]);
  expect(texts).toEqual({});
  await expect(readData(large, join(folder, 'none'))).rejects.toThrow('the prompts: https');
});

it('cuts off half a row of a killed process, and refuses a damaged one', async () => {
  const path = join(folder, 'rows.jsonl');
  await writeFile(path, '{"id":"é"}\n{"id":"b');
  const rows = await Rows.open<{ id: string }>(path);
  await rows.add([{ id: 'c' }]);
  expect(await readFile(path, 'utf8')).toBe('{"id":"é"}\n{"id":"c"}\n');
  await appendFile(path, 'oops\n');
  await expect(Rows.open(path)).rejects.toThrow('line 3 is not a JSON object');
});

it('goes on only in a folder of the same settings', async () => {
  await keepSettings(folder, 'answers.json', { seed: 0 });
  await keepSettings(folder, 'answers.json', { seed: 0 });
  await expect(keepSettings(folder, 'answers.json', { seed: 1 })).rejects.toThrow(
    'seed was 0 and is 1 now',
  );
});

const items: Item[] = ['x', 'y', 'z'].map((id) => ({ id, turns: [id], data: undefined }));
const answers = items.map(({ id }) => ({
  ...{ id, responses: [`${id}!`], thoughts: [null], tokens: [1], truncated: [false] },
}));
const judged: JudgedBenchmark<unknown, number> = {
  ...own,
  by: 'judge',
  items: () => items,
  requests: (_, [response]) =>
    ['1', '2'].map((game) => ({
      messages: [{ role: 'user', content: `${response!} ${game}` }],
      ...{ temperature: 0, maxTokens: 5 },
    })),
  verdict: (_, __, judgments) => judgments.reduce((sum, { text }) => sum + Number(text), 0),
  score: (rows) => [
    {
      name: 'sum',
      mean: rows.reduce((sum, { verdict }) => sum + verdict, 0),
      low: 0,
      high: 0,
      count: 3,
    },
  ],
};

function judge(parallel: number, failAt = Infinity): TextJudge & { asked: string[] } {
  const asked: string[] = [];
  return {
    ...{ kind: 'text', name: 'judge', parallel, longest: undefined, asked, close: () => undefined },
    ask: ({ messages }) => {
      asked.push(messages[0]!.content);
      if (asked.length > failAt) return Promise.reject(new Error('gone'));
      return Promise.resolve({ text: messages[0]!.content.slice(-1) });
    },
  };
}

it.each([1, 4])(
  'asks the rest after a failure, and scores the same, %i at once',
  async (parallel) => {
    const first = judge(parallel, 3);
    const run = (by: TextJudge) => scoresOf(judged, items, answers, by, folder, () => undefined);
    await expect(run(first)).rejects.toThrow('gone');
    const second = judge(parallel);
    expect(await run(second)).toMatchObject([{ mean: 9 }]);
    expect(second.asked).toHaveLength(3);
    const third = judge(parallel);
    expect(await run(third)).toMatchObject([{ mean: 9 }]);
    expect(third.asked).toEqual([]);
  },
);

it('says beforehand what the judge costs, with the longest judgment that was chosen', async () => {
  const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const limited = { ...judge(1), longest: 2 };
  await scoresOf(judged, items, answers, limited, folder, () => undefined);
  expect(said.mock.calls.flat().join('')).toContain(
    'asked 6 times: it reads about 6 tokens, and writes at most 12',
  );
  said.mockRestore();
});

it('has no scores without a judge', async () => {
  expect(
    await scoresOf(judged, items, answers, undefined, folder, () => undefined),
  ).toBeUndefined();
});

const none = { judge: undefined, judge_url: undefined, judge_model: undefined };
const rest = { judge_parallel: 1, judge_max_tokens: undefined };

it('takes one judge, with all that it needs', () => {
  expect(judgeSettings({ ...none, ...rest })).toBeUndefined();
  expect(() => judgeSettings({ ...none, ...rest, judge: 'a', judge_url: 'b' })).toThrow('not both');
  expect(() => judgeSettings({ ...none, ...rest, judge_url: 'b' })).toThrow('belong together');
});

/** The model is not asked in these tests: its device does not open. */
vi.mock('../gpu/node.ts', () => ({ openNodeGpu: () => Promise.reject(new Error('asked')) }));

it.each([
  [['--judge_url', 'nowhere', '--judge_model', 'x'], /nowhere is not an address/],
  [['--judge', 'nowhere'], /nowhere does not exist/],
  [['--judge', 'src/cli'], /src\/cli has no config.json/],
  [['--judge', 'public/models/second-reward'], /^asked$/],
])('tells what is wrong with the judge %j before the model is asked', async (options, message) => {
  const questions = { uid: 'a', category: 'hard_prompt', prompt: 'Name a fruit.' };
  const baseline = { uid: 'a', messages: [{ content: { answer: 'A fig.' } }] };
  await writeFile(join(folder, 'question.jsonl'), JSON.stringify(questions));
  for (const name of ['o3-mini-2025-01-31', 'gemini-2.0-flash-001'])
    await writeFile(join(folder, `${name}.jsonl`), JSON.stringify(baseline));
  const asked = ['arena-hard', '--model', 'public/models/policy', '--data', folder];
  const run = benchmark.run([...asked, '--out', join(folder, 'out'), ...options], true);
  await expect(run).rejects.toThrow(message);
});
