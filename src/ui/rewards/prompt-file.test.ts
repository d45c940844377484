import { expect, it } from 'vitest';
import { badLines, promptLines, promptStart, readPromptFile } from './prompt-file.ts';

it('a text file has a prompt on each line that is not empty', () => {
  const { prompts, bad } = readPromptFile('mine.txt', 'Tea?\r\n\n  More tea?  \n{"not":"json"}');
  expect(prompts).toEqual(['Tea?', 'More tea?', '{"not":"json"}']);
  expect(bad).toEqual([]);
});

it('of JSONL the good lines are taken and the bad ones named', () => {
  const turns = [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'Tea?' },
  ];
  const text = `{"prompt":"a"}\nb\n${JSON.stringify({ prompt: turns })}\n{}\n[]\n1\n`;
  const { prompts, bad } = readPromptFile('mine.jsonl', text);
  expect(bad.map(({ line }) => line)).toEqual([2, 4, 5, 6]);
  expect(badLines(bad)).toMatch(/^line 2: not JSON; .*line 4: no text field .*; and 1 more$/);
  expect(badLines(bad.slice(0, 1))).toBe('line 2: not JSON; each line must be one JSON object');
  // What is stored is read again as it was.
  const lines = promptLines(prompts);
  expect(lines).toBe(`{"prompt":"a"}\n${JSON.stringify({ prompt: turns })}\n`);
  expect(readPromptFile('copy.jsonl', lines)).toEqual({ prompts, bad: [] });
  expect(promptStart(prompts[1]!)).toBe('system: Be brief. user: Tea?');
  expect(promptStart('x'.repeat(9), 4)).toBe('xxxx…');
});
