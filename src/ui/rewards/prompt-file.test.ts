import { expect, it } from 'vitest';
import { promptTurns } from '../../rl/data/conversation.ts';
import { kindOf, promptStart, readBroughtPrompts, someOf } from './prompt-file.ts';

const promptsOf = (text: string, name = 'mine.jsonl'): string[] =>
  readBroughtPrompts(name, text).rows.map(({ prompt }) => prompt);
const user = (content: string) => ({ role: 'user', content });
const assistant = (content: string) => ({ role: 'assistant', content });

it('a text file has a prompt on each line that is not empty', () => {
  const text = 'Tea?\r\n\n  More tea?  \n{"not":"json"}';
  expect(promptsOf(text, 'mine.txt')).toEqual(['Tea?', 'More tea?', '{"not":"json"}']);
  expect(readBroughtPrompts('mine.txt', text).bad).toEqual([]);
});

it('takes the good lines of JSONL and names the bad ones', () => {
  const turns = [{ role: 'system', content: 'Be brief.' }, user('Tea?')];
  const text = `{"prompt":"a"}\nb\n${JSON.stringify({ prompt: turns })}\n{}\n[]\n1\n`;
  const { rows, bad } = readBroughtPrompts('mine.jsonl', text);
  expect(bad.map((line) => line.slice(0, 7))).toEqual(['line 2:', 'line 4:', 'line 5:', 'line 6:']);
  expect(someOf(bad)).toMatch(/^line 2: not JSON; .*line 4: no text field .*; and 1 more$/);
  expect(someOf(bad.slice(0, 1))).toBe('line 2: not JSON; each line must be one JSON object');
  // The stored text reads back the same.
  const lines = rows.map(({ row }) => JSON.stringify(row)).join('\n');
  expect(lines).toBe(`{"prompt":"a"}\n${JSON.stringify({ prompt: turns })}`);
  expect(readBroughtPrompts('copy.jsonl', lines)).toEqual({ rows, bad: [], followUps: 0 });
  expect(promptStart(rows[1]!.prompt)).toBe('system: Be brief. user: Tea?');
  expect(promptStart('x'.repeat(9), 4)).toBe('xxxx…');
});

it.each([
  ['AlpacaEval', '[{"instruction": "a", "output": "x"}]'],
  ['WildBench', JSON.stringify({ conversation_input: [user('a')], id: '1' })],
  ['Arena-Hard', '{"question_id": "q", "turns": [{"content": "a"}]}'],
  ['Arena-Hard v2', '{"uid": "q", "category": "c", "prompt": "a"}'],
  ['IFEval', '{"prompt": "a", "instruction_id_list": ["x"], "kwargs": [{}]}'],
])('reads %s, keeps its columns, and reads what it stores', (_, text) => {
  const { rows, bad } = readBroughtPrompts('bench.json', text);
  expect(bad).toEqual([]);
  const original = [JSON.parse(text) as unknown].flat()[0];
  expect(rows).toMatchObject([{ kind: 'prompts', prompt: 'a', row: { prompt: 'a' } }]);
  expect(rows[0]!.row).toMatchObject(original as object);
  expect(promptsOf(JSON.stringify(rows[0]!.row))).toEqual(['a']);
});

it('counts questions with follow-ups, and names what is wrong in a benchmark’s row', () => {
  const text =
    '[{"turns": [{"content": "a"}, {"content": "b"}]}, {"instruction": 3}, {"instruction": "c"}]';
  expect(readBroughtPrompts('bench.json', text)).toMatchObject({
    rows: [{ prompt: 'c' }],
    bad: ['row 2: no text field "instruction"; write the request there'],
    followUps: 1,
  });
});

it('tells preferences and demonstrations from prompts', () => {
  const pair = { prompt: 'a', chosen: 'good', rejected: 'bad', answer: 4 };
  const read = readBroughtPrompts('pairs.jsonl', JSON.stringify(pair));
  expect(read.rows).toEqual([{ kind: 'preferences', prompt: 'a', row: pair }]);
  const whole = { chosen: [user('a'), assistant('x')], rejected: [user('a'), assistant('y')] };
  expect(readBroughtPrompts('p.jsonl', JSON.stringify(whole)).rows[0]).toMatchObject({
    ...{ kind: 'preferences', prompt: 'a', row: { prompt: 'a', ...whole } },
  });
  const talk = [user('a'), assistant('b'), user('c'), assistant('d')];
  const shown = readBroughtPrompts('d.jsonl', JSON.stringify({ messages: talk })).rows;
  expect(promptTurns(shown[0]!.prompt)).toEqual(talk.slice(0, 3));
  expect(kindOf(shown)).toBe('demonstrations');
  expect(kindOf([...shown, ...read.rows])).toBe('prompts');
  expect(
    readBroughtPrompts('d.jsonl', '{"messages": [{"role": "assistant", "content": "a"}]}').bad,
  ).toEqual(['line 1: "messages" must have a user turn before its last answer']);
});
