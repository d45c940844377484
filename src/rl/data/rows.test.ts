import { describe, expect, it } from 'vitest';
import type { ChatMessage } from '../../model/tokenizer.ts';
import { conversationPrompt, promptTurns, readablePrompt } from './conversation.ts';
import { readDemonstration, readLines, readPreference, readPrompt, type Row } from './rows.ts';

const system: ChatMessage = { role: 'system', content: 'Be brief.' };
const tea: ChatMessage = { role: 'user', content: 'Tea?' };
const yes: ChatMessage = { role: 'assistant', content: 'Yes.' };
const no: ChatMessage = { role: 'assistant', content: 'No.' };
const more: ChatMessage = { role: 'user', content: 'More?' };

const problem = (row: Row, read: (row: Row) => unknown): string | undefined =>
  readLines(JSON.stringify(row), read)[0]?.problem;

describe('a prompt', () => {
  it('is one turn as plain text, and a conversation as its JSON', () => {
    expect(promptTurns('Tea?')).toEqual([tea]);
    expect(conversationPrompt([tea])).toBe('Tea?');
    const turns = [system, tea, yes, more];
    expect(promptTurns(conversationPrompt(turns))).toEqual(turns);
    expect(readablePrompt(conversationPrompt(turns))).toBe(
      'system: Be brief.\n\nuser: Tea?\n\nassistant: Yes.\n\nuser: More?',
    );
    expect(readablePrompt('Tea?')).toBe('Tea?');
  });

  it('that only resembles a conversation is plain text', () => {
    for (const text of ['[1, 2]', '[', '[]', '[{"role":"assistant","content":"a"}]', '[null]']) {
      expect(promptTurns(text)).toEqual([{ role: 'user', content: text }]);
    }
  });
});

describe('rows of data', () => {
  it('prompts are texts or conversations that end with the user', () => {
    expect(readPrompt({ prompt: 'Tea?' })).toBe('Tea?');
    expect(promptTurns(readPrompt({ prompt: [system, tea] }))).toEqual([system, tea]);
    expect(problem({ prompt: [tea, yes] }, readPrompt)).toBe(
      'the last turn of "prompt" must be the user\'s',
    );
    for (const prompt of ['', ' ', 3, [], [{ role: 'tool', content: '' }], [tea, system]]) {
      expect(problem({ prompt }, readPrompt)).toMatch(/^no text field "prompt", nor a list of/);
    }
  });

  it('demonstrations are prompt and completion, plain or in turns, or messages', () => {
    const read = (row: Row, thinking = false) => readDemonstration(row, thinking);
    const plain = { prompt: 'Tea?', completion: 'Yes.', thinking: false };
    expect(read({ prompt: 'Tea?', completion: 'Yes.' })).toEqual(plain);
    expect(read({ prompt: [tea], completion: [yes] })).toEqual(plain);
    expect(read({ messages: [tea, yes] })).toEqual(plain);
    const long = read({ messages: [system, tea, yes, more, no] });
    expect(promptTurns(long.prompt)).toEqual([system, tea, yes, more]);
    expect(long.completion).toBe('No.');
    // The thinking prompt has opened the thought.
    const thought = { role: 'assistant', content: '<think>\nlate </think> No.' };
    expect(read({ messages: [tea, thought] }, true).completion).toBe('late </think> No.');
    expect(read({ messages: [tea, thought] }).completion).toBe(thought.content);
    expect(problem({ messages: [tea] }, read)).toMatch(/^"messages" must be a list of turns/);
    expect(problem({ messages: [tea, yes, more] }, read)).toMatch(/of "messages" must be the ass/);
    expect(problem({ messages: [yes, no] }, read)).toMatch(/before the last of .* the user's$/);
    expect(problem({ prompt: 'Tea?' }, read)).toMatch(/^no text field "completion"/);
  });

  it('preferences are pairs, plain or in turns, or ranked groups', () => {
    const pair = { prompt: 'Tea?', responses: ['Yes.', 'No.'], pairs: [[0, 1]] };
    expect(readPreference({ prompt: 'Tea?', chosen: 'Yes.', rejected: 'No.' })).toEqual(pair);
    expect(readPreference({ prompt: [tea], chosen: [yes], rejected: [no] })).toEqual(pair);
    expect(readPreference({ chosen: [tea, yes], rejected: [tea, no] })).toEqual(pair);
    expect(readPreference(pair)).toEqual(pair);
    const row = { prompt: 'Tea?', chosen: 'Yes.', rejected: 'No.', margin: 0.5 };
    expect(readPreference(row)).toEqual({ ...pair, margin: 0.5 });
    expect(readPreference({ ...pair, margin: -1 })).toEqual({ ...pair, margin: -1 });
    for (const margin of ['1', null, [1]]) {
      expect(problem({ ...row, margin }, readPreference)).toBe('"margin" must be a number');
      expect(problem({ ...pair, margin }, readPreference)).toBe('"margin" must be a number');
    }
    expect(problem({ chosen: [tea, yes], rejected: [more, no] }, readPreference)).toBe(
      '"chosen" and "rejected" must differ only in their last turn',
    );
    expect(problem({ prompt: 'Tea?', chosen: 'Yes.' }, readPreference)).toMatch(/"rejected"/);
    expect(problem({ chosen: 'Yes.', rejected: 'No.' }, readPreference)).toMatch(/"prompt"/);
  });

  it('are read line by line, and bad lines are reported by number', () => {
    const text = '{"prompt":"a"}\n\nb\r\n[1]\n{"prompt":"c"}\r\n{}\n';
    expect(readLines(text, readPrompt)).toEqual([
      { line: 1, row: 'a' },
      { line: 3, problem: 'not JSON; each line must be one JSON object' },
      { line: 4, problem: 'not JSON; each line must be one JSON object' },
      { line: 5, row: 'c' },
      { line: 6, problem: 'no text field "prompt", nor a list of turns {role, content}' },
    ]);
  });
});
