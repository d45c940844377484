/** IFEval, GPQA Diamond, their averages, and what a reward model says of answers. */
import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { averages } from './aggregate.ts';
import { allBenchmarks } from './all.ts';
import type { ScoreRow } from './benchmark.ts';
import { chosenLetter, gpqa } from './gpqa.ts';
import { ifeval as withModels } from './ifeval.ts';
import { PythonRandom } from '../python-random.ts';
import { rewardRows } from './reward-rows.ts';
import { jsonRows, meanRow } from './rows.ts';

it('draws as Python: random.Random(0).sample(range(4), 4), 792 times', () => {
  const random = new PythonRandom(0);
  const all = Array.from({ length: 792 }, () => random.permutation(4));
  expect(all.slice(0, 4)).toEqual([
    [3, 1, 0, 2],
    [3, 1, 2, 0],
    [2, 3, 0, 1],
    [2, 0, 3, 1],
  ]);
  const digest = createHash('sha256').update(all.flat().join('')).digest('hex');
  expect(digest).toBe('14d7279a5e24a3fded828e9d01b58f160d2b070133669daa18650484e217ca37');
});

it('draws as Python with the largest seed and other lengths', () => {
  const random = new PythonRandom(4294967295);
  expect([1, 2, 7].map((n) => random.permutation(n))).toEqual([[0], [0, 1], [4, 2, 3, 5, 1, 6, 0]]);
  expect(random.permutation(21)).toEqual([
    2, 6, 4, 15, 16, 11, 20, 17, 13, 0, 5, 12, 19, 7, 18, 10, 14, 9, 3, 1, 8,
  ]);
});

it.each<[string, string | undefined]>([
  ['Answer: B', 'B'],
  ['thus\nANSWER \t:\t$C$.', 'C'],
  ['Answer: $D', 'D'],
  ['Answer: b', 'b'],
  ['Answer: A\nAnswer: B', 'A'],
  ['Anſwer: A', 'A'],
  ['Answer: Dog', 'D'],
  ['**Answer:** A', undefined],
  ['Answer:\nA', undefined],
  ['Answer: E', undefined],
  ['', undefined],
])('GPQA reads %j as %j', (response, letter) => {
  expect(chosenLetter(response)).toBe(letter);
});

const CSV =
  '\uFEFFRecord,Question,Correct Answer,Incorrect Answer 1,Incorrect Answer 2,Incorrect Answer 3\r\n' +
  '1,"What, in ""ten"",\nis 2 + 2?",4,3,5,22\r\n2,Largest?,Jupiter,Mars,Venus,Earth';

it('GPQA asks every question four times, in simple-evals’ order', () => {
  const items = gpqa.items({ 'gpqa_diamond.csv': CSV });
  expect(items.map(({ id }) => id)).toEqual([
    '0/0',
    '1/0',
    '0/1',
    '1/1',
    '0/2',
    '1/2',
    '0/3',
    '1/3',
  ]);
  expect(items[0]!.turns[0]).toMatch(
    /What, in "ten",\nis 2 \+ 2\?\n\nA\) 22\nB\) 3\nC\) 4\nD\) 5$/,
  );
  expect(items.map(({ data }) => data).join('')).toBe(
    'CDCB' +
      items
        .slice(4)
        .map((i) => i.data)
        .join(''),
  );
  const rows = items.map((item, i) => ({
    item,
    responses: [i % 2 === 0 ? `Answer: ${item.data}` : `Answer: ${item.data.toLowerCase()}`],
    verdict: i % 2 === 0,
  }));
  for (const { item, responses, verdict } of rows)
    expect(gpqa.verdict(item, responses)).toBe(verdict);
  expect(gpqa.score(rows)[0]).toMatchObject({ name: 'accuracy', mean: 50, count: 2, main: true });
});

it.each([
  ['', /has no questions/],
  ['Question,Correct Answer\na,b', /no column "Incorrect Answer 1"/],
  ['Question\n"open', /is not CSV/],
])('GPQA refuses %j in one sentence', (text, message) => {
  expect(() => gpqa.items({ 'gpqa_diamond.csv': text })).toThrow(message);
});

/** No rule of language is asked here. */
const NO_MODELS = { languageOf: () => undefined, sentencesIn: () => 0 };
const ifeval = withModels(NO_MODELS);

it('IFEval scores prompts and instructions, strict and loose', () => {
  const items = ifeval.items({
    'input_data.jsonl':
      '{"prompt": "p", "instruction_id_list": ["punctuation:no_comma", "startend:quotation"], "kwargs": [{}, {}]}\n' +
      '{"prompt": "q", "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]}\n',
  });
  const rows = [['*"a"*'], ['x, y']].map((responses, i) => ({
    ...{ item: items[i]!, responses },
    verdict: ifeval.verdict(items[i]!, responses) as Awaited<ReturnType<typeof ifeval.verdict>>,
  }));
  expect(
    Object.fromEntries(ifeval.score(rows).map(({ name, mean }) => [name, Math.round(mean)])),
  ).toEqual({
    prompt_level_strict_acc: 0,
    prompt_level_loose_acc: 50,
    inst_level_strict_acc: 33,
    inst_level_loose_acc: 67,
  });
  expect(() => ifeval.items({ 'input_data.jsonl': '{"prompt": "p"}' })).toThrow(
    /use the file of IFEval/,
  );
});

it('an interval draws the repeats of a question together', () => {
  const repeated = [0, 1].flatMap((value) =>
    Array.from({ length: 50 }, () => ({ question: String(value), value })),
  );
  expect(meanRow('x', repeated, 100)).toEqual({ name: 'x', mean: 50, low: 0, high: 100, count: 2 });
});

it('an average says what is in it and what is not', () => {
  const row = (mean: number): ScoreRow => ({ ...{ name: 'x', mean, low: 0, high: 0, count: 1 } });
  const [aggregate, chat] = averages({ ifeval: row(60), 'mt-bench': row(8), wildbench: row(10) });
  expect(aggregate).toMatchObject({ mean: 50, contains: ['ifeval', 'mt-bench', 'wildbench'] });
  expect(aggregate!.missing).toEqual(['gpqa', 'creative-writing', 'arena-hard', 'livecodebench']);
  expect(chat).toMatchObject({ mean: 10, missing: ['alpaca-eval', 'arena-hard'] });
  expect(averages({})[0]!.mean).toBeNull();
});

it('a reward model compares with the baseline where there is one', () => {
  const answer = (reward: number, theirs?: number) => ({
    ...{ question: String(reward), response: 'a b', reward },
    ...(theirs !== undefined && { reference: { response: 'c d', reward: theirs } }),
  });
  expect(rewardRows([answer(1), answer(3)]).map(({ name, mean }) => [name, mean])).toEqual([
    ['mean_reward', 2],
  ]);
  const rows = rewardRows([answer(1, 0), answer(2, 5), answer(4, 0), answer(6, 0)]);
  expect(rows.find(({ name }) => name === 'win_rate')).toMatchObject({ mean: 75, count: 4 });
});

it('every benchmark has a name and title of its own, and says where its files are', () => {
  const all = allBenchmarks(() => [], NO_MODELS);
  expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
  for (const { files } of all) {
    for (const { from } of files) expect(from).toMatch(/^https:\/\//);
  }
});

it('names the row of a file that is not an object', () => {
  expect(jsonRows('[{"a": 1}]', 'x')).toEqual([{ a: 1 }]);
  expect(() => jsonRows('{"a": 1}\n[2]', 'x.jsonl')).toThrow('x.jsonl, row 2 is not a JSON object');
  expect(() => jsonRows('[1', 'x.json')).toThrow('x.json is not JSON');
});
