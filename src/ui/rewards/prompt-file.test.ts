import { expect, it } from 'vitest';
import { badLines, promptLines, promptStart, readPromptFile, splitPrompts } from './prompt-file.ts';

it('a text file has a prompt on each line that is not empty', () => {
  const { rows, bad } = readPromptFile('mine.txt', 'Tea?\r\n\n  More tea?  \n{"not":"json"}');
  expect(rows).toEqual(['Tea?', 'More tea?', '{"not":"json"}'].map((prompt) => ({ prompt })));
  expect(bad).toEqual([]);
});

it('of JSONL the good lines are taken and the bad ones named', () => {
  const turns = [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'Tea?' },
  ];
  const first = JSON.stringify({ prompt: 'a', answer: [4] });
  const text = `${first}\nb\n${JSON.stringify({ prompt: turns })}\n{}\n[]\n1\n`;
  const { rows, bad } = readPromptFile('mine.jsonl', text);
  expect(bad.map(({ line }) => line)).toEqual([2, 4, 5, 6]);
  expect(badLines(bad)).toMatch(/^line 2: not JSON; .*line 4: no text field .*; and 1 more$/);
  expect(badLines(bad.slice(0, 1))).toBe('line 2: not JSON; each line must be one JSON object');
  // What is stored is read again as it was, other columns and all.
  const lines = promptLines(rows);
  expect(lines).toBe(`${first}\n${JSON.stringify({ prompt: turns })}\n`);
  expect(readPromptFile('copy.jsonl', lines)).toEqual({ rows, bad: [] });
  expect(promptStart(rows[1]!.prompt)).toBe('system: Be brief. user: Tea?');
  expect(promptStart('x'.repeat(9), 4)).toBe('xxxx…');
});

it('takes the prompts of the benchmarks as they come', () => {
  const read = (text: string) => readPromptFile('bench.json', text).rows;
  expect(read('[{"instruction": "Tea?", "output": "x"}]')).toEqual([{ prompt: 'Tea?' }]);
  expect(read('{"uid": "1", "prompt": "Tea?"}\n{"uid": "2", "prompt": "More?"}')).toEqual([
    { prompt: 'Tea?' },
    { prompt: 'More?' },
  ]);
  const ifeval = { prompt: 'Tea?', instruction_id_list: ['punctuation:no_comma'], kwargs: [{}] };
  const rows = read(JSON.stringify(ifeval));
  expect(rows).toEqual([
    {
      prompt: 'Tea?',
      columns: { instructions: [{ id: 'punctuation:no_comma', kwargs: {} }] },
    },
  ]);
  expect(readPromptFile('copy.jsonl', promptLines(rows)).rows).toEqual(rows);
  expect(() => read('[{"instruction": 3}]')).toThrow(/row 1: no text field "instruction"/);
});

it('holds one prompt in ten out, with all of its rows', () => {
  const rows = Array.from({ length: 44 }, (_, i) => ({ prompt: `p${i % 22}`, columns: { i } }));
  const { train, heldOut } = splitPrompts(rows);
  expect(heldOut.map(({ columns }) => columns?.i)).toEqual([9, 19, 31, 41]);
  expect(train.length).toBe(40);
  expect(splitPrompts(rows.slice(0, 9)).heldOut).toEqual([]);
});
