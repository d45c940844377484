import { deflateSync } from 'node:zlib';
import { expect, it } from 'vitest';
import type { Scored } from './benchmark.ts';
import {
  extractCode,
  livecodebench,
  passAtK,
  problemPrompt,
  problemTests,
  type Problem,
  type ProblemTests,
  type TestVerdicts,
} from './livecodebench.ts';
import { inflate, pickledString } from './packed-tests.ts';

it('takes the text between the last two fences', () => {
  expect(extractCode('```python\na\n```\nthen\n```\nb\n  c\n```')).toBe('b\n  c');
  // As the original: any line with a fence counts, and the last two of three are taken.
  expect(extractCode('```\na\n```\nuse ``` here\n')).toBe('');
  expect(extractCode('```\na')).toBe('');
  expect(extractCode('print(1)')).toBe('');
});

it('asks as the original does', () => {
  expect(problemPrompt('Add.', 'class Solution:')).toBe(
    '### Question:\nAdd.\n\n### Format: You will use the following starter code to write the solution to the problem and enclose your code within delimiters.\n```python\nclass Solution:\n```\n\n### Answer: (use the provided format with backticks)\n\n',
  );
});

it('gives the original pass@k', () => {
  // 1 - C(7, 5) / C(10, 5) = 1 - 21/252
  expect(passAtK(10, 3, 5)).toBeCloseTo(1 - 21 / 252, 12);
  expect(passAtK(10, 0, 5)).toBe(0);
  expect(passAtK(10, 6, 5)).toBe(1);
  expect(passAtK(1, 1, 1)).toBe(1);
});

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const JSON_TESTS = JSON.stringify([{ input: 'é\n', output: '2', testtype: 'stdin' }]);
/** pickle.dumps(JSON_TESTS, protocol): the opcodes around the text. */
function pickled(protocol: 2 | 4): Buffer {
  const text = Buffer.from(JSON_TESTS);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  return protocol === 2
    ? Buffer.concat([Buffer.from([0x80, 2, 0x58]), length, text, Buffer.from([0x71, 0, 0x2e])])
    : Buffer.concat([
        Buffer.from([0x80, 4, 0x95, text.length + 4, 0, 0, 0, 0, 0, 0, 0, 0x8c, text.length]),
        text,
        Buffer.from([0x94, 0x2e]),
      ]);
}

it.each([2, 4] as const)('reads private tests of pickle protocol %i', async (protocol) => {
  const packed = deflateSync(pickled(protocol)).toString('base64');
  const problem = { publicTests: '[]', privateTests: bytes(packed), function: null };
  expect(await problemTests(problem, 'p')).toEqual({
    inputs: ['é\n'],
    outputs: ['2'],
    function: null,
  });
});

it('reads private tests of plain JSON after the public ones', async () => {
  const problem = {
    publicTests: JSON.stringify([{ input: 'a', output: 'b' }]),
    privateTests: bytes(JSON_TESTS),
    function: 'f',
  };
  const tests = await problemTests(problem, 'p');
  expect(tests).toEqual({ inputs: ['a', 'é\n'], outputs: ['b', '2'], function: 'f' });
});

it('refuses any other pickle', async () => {
  // pickle.dumps(os.system) and a list of one string
  const call = Buffer.from('gASVFQAAAAAAAACMBXBvc2l4lIwGc3lzdGVtlJOULg==', 'base64');
  const list = Buffer.concat([Buffer.from([0x80, 4, 0x5d, 0x8c, 1, 0x61, 0x61, 0x2e])]);
  for (const pickle of [call, list, Buffer.alloc(0), pickled(4).subarray(0, -1)]) {
    expect(() => pickledString(pickle)).toThrow('download the file again');
  }
  await expect(inflate('not base64!')).rejects.toThrow('download the file again');
  await expect(inflate(Buffer.from('no zlib').toString('base64'))).rejects.toThrow(
    'download the file again',
  );
});

it('names the problem whose private tests cannot be read', async () => {
  const broken = { publicTests: '[]', privateTests: bytes('AAAA'), function: null };
  await expect(problemTests(broken, 'test.jsonl, problem p1')).rejects.toThrow(
    'test.jsonl, problem p1: its private tests cannot be read; download the file again.',
  );
});

it('runs the program of a response and scores problems', async () => {
  const asked: (ProblemTests & { code: string })[] = [];
  const benchmark = livecodebench((task) => {
    asked.push(task);
    return [true, task.code === 'print(2)'];
  }, 2);
  const row = {
    question_id: 'p1',
    question_content: 'Add.',
    starter_code: '',
    metadata: '{}',
    public_test_cases: '[]',
    private_test_cases: JSON_TESTS,
  };
  const other = { ...row, question_id: 'p2', metadata: '{"func_name": "f"}' };
  const items = benchmark.items({}, { 'test.jsonl': [row, other].map((r) => JSON.stringify(r)) });
  expect(items.map(({ id }) => id)).toEqual(['p1-1', 'p1-2', 'p2-1', 'p2-2']);
  const responses = [
    '```\nprint(2)\n```',
    'no program',
    '```\nprint(2)\n```',
    '```\nprint(2)\n```',
  ];
  const scored: Scored<Problem, TestVerdicts>[] = [];
  for (const [i, item] of items.entries()) {
    const verdict = await benchmark.verdict(item, [responses[i]!]);
    scored.push({ item, responses: [responses[i]!], verdict });
  }
  expect(asked.map(({ code, function: name }) => [code, name])).toEqual([
    ['print(2)', null],
    ['', null],
    ['print(2)', 'f'],
    ['print(2)', 'f'],
  ]);
  expect(benchmark.score(scored)).toMatchObject([{ name: 'pass@1', mean: 75, main: true }]);
});
