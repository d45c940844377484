import { describe, expect, it } from 'vitest';
import type { ChatMessage } from '../../model/tokenizer.ts';
import { conversationPrompt, promptTurns, readablePrompt } from './conversation.ts';
import {
  isPreference,
  readDemonstration,
  readLines,
  readPreference,
  readPrompt,
  readPromptRow,
  type Row,
} from './rows.ts';
import { readTurns } from './turns.ts';

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
  it('with a system message or a thought beside the turns are refused, as it would be missing', () => {
    const demonstrated = (row: Row) => readDemonstration(row, false);
    const shared = {
      conversations: [
        { from: 'human', value: 'Tea?' },
        { from: 'gpt', value: 'Yes.' },
      ],
    };
    expect(problem({ ...shared, system: 'Be brief.' }, demonstrated)).toMatch(
      /^"system" beside the turns/,
    );
    expect(
      problem({ messages: [system, tea, yes], system: 'Be brief.' }, demonstrated),
    ).toBeUndefined();
    expect(problem({ ...shared, system: '' }, demonstrated)).toBeUndefined();
    for (const field of ['reasoning_content', 'thinking']) {
      expect(problem({ messages: [tea, { ...yes, [field]: 'Hm.' }] }, demonstrated)).toBe(
        `turn 2 of "messages" has "${field}", which is not read; write it as <think>...</think> before the content`,
      );
      expect(problem({ messages: [tea, { ...yes, [field]: null }] }, demonstrated)).toBeUndefined();
    }
    const named = (role: string) => problem({ prompt: [{ ...tea, role }] }, readPrompt);
    expect(named('Human')).toMatch(/has the role "Human"; write user in its place$/);
    expect(named('model')).toMatch(/write assistant in its place$/);
    expect(named('tool')).toMatch(/leave out conversations with other turns$/);
  });

  it('with something for the chat template are refused, as it would be missing in the text', () => {
    const messages = [tea, yes];
    const demonstrated = (row: Row) => readDemonstration(row, false);
    const said = /^"(tools|chat_template_kwargs)" is for the chat template, .*; remove the column/;
    for (const columns of [
      { tools: [{ type: 'function' }] },
      { tools: '[{"type": "function"}]' },
      { chat_template_kwargs: { enable_thinking: false } },
    ]) {
      expect(problem({ messages, ...columns }, demonstrated)).toMatch(said);
      const pair = { chosen: [tea, yes], rejected: [tea, no] };
      expect(problem({ ...pair, ...columns }, readPreference)).toMatch(said);
      // TRL does not use a chat template for plain texts, and ignores these columns of prompts.
      expect(
        problem({ prompt: 'Tea?', completion: 'Yes.', ...columns }, demonstrated),
      ).toBeUndefined();
      expect(problem({ prompt: [tea], ...columns }, readPromptRow)).toBeUndefined();
    }
    for (const empty of [
      { tools: [] },
      { tools: '[]' },
      { tools: null },
      { chat_template_kwargs: {} },
    ]) {
      expect(problem({ messages, ...empty }, demonstrated)).toBeUndefined();
    }
  });

  it('prompts are texts or conversations that end with the user', () => {
    expect(readPrompt({ prompt: 'Tea?' })).toBe('Tea?');
    expect(promptTurns(readPrompt({ prompt: [system, tea] }))).toEqual([system, tea]);
    expect(problem({ prompt: [tea, yes] }, readPrompt)).toBe(
      'the last turn of "prompt" must be the user\'s',
    );
    const none = 'no text field "prompt", nor a list of turns {role, content}';
    for (const prompt of ['', ' ', 3]) {
      const found = `${none}; it is ${JSON.stringify(prompt)}`;
      expect(problem({ prompt, id: 1 }, readPrompt)).toBe(found);
    }
    expect(problem({ prompt: null, id: 1 }, readPrompt)).toBe(`${none}; the row has id`);
    // Other columns stay as they are, for rules.
    expect(readPromptRow({ prompt: 'Tea?', answer: null })).toEqual({
      prompt: 'Tea?',
      columns: { answer: null },
    });
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
    expect(problem({ messages: 3 }, read)).toMatch(/^"messages" must be a list of turns/);
    expect(problem({ messages: [tea] }, read)).toMatch(
      /^the last turn of "messages" must be the as/,
    );
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
    for (const margin of ['1', [1]]) {
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
      {
        line: 4,
        problem: 'a list; write each object of it on a line of its own, without the brackets',
      },
      { line: 5, row: 'c' },
      { line: 6, problem: 'no text field "prompt", nor a list of turns {role, content}' },
    ]);
  });

  it('with a completion of several turns teach its last answer, after the turns before it', () => {
    const turns = { prompt: [system, tea], completion: [yes, more, no] };
    expect(promptTurns(readDemonstration(turns, false).prompt)).toEqual([system, tea, yes, more]);
    expect(readDemonstration({ ...turns, prompt: 'Tea?' }, true)).toEqual({
      prompt: conversationPrompt([tea, yes, more]),
      completion: 'No.',
      thinking: true,
    });
    expect(
      problem({ ...turns, completion: [yes, more] }, (row) => readDemonstration(row, false)),
    ).toBe('the last turn of "completion" must be the assistant\'s');
  });

  it('about images are refused, as TRL does for a model of texts', () => {
    const read = [readPromptRow, readPreference, (row: Row) => readDemonstration(row, false)];
    const row = { prompt: 'Tea?', completion: 'Yes.', chosen: 'Yes.', rejected: 'No.' };
    for (const one of read) {
      expect(problem({ ...row, images: ['cup.png'] }, one)).toBe(
        '"images" is not read; leave the row out, or remove the column',
      );
      expect(problem({ ...row, image: 'cup.png' }, one)).toMatch(/^"image" is not read/);
      expect(problem({ ...row, images: [], image: null }, one)).toBeUndefined();
    }
  });

  it('take a null column for one that is not there', () => {
    const plain = { prompt: 'Tea?', completion: 'Yes.', thinking: false };
    const row = { prompt: 'Tea?', completion: 'Yes.', messages: null };
    expect(readDemonstration(row, false)).toEqual(plain);
    const other = { prompt: null, completion: null, messages: [tea, { ...yes, tool_calls: null }] };
    expect(readDemonstration(other, false)).toEqual(plain);
    const whole = { chosen: [tea, yes], rejected: [tea, no] };
    const nulls = { margin: null, prompt: null, responses: null, pairs: null };
    expect(readPreference({ ...whole, ...nulls })).toEqual(readPreference(whole));
  });

  it('preferences may have responses of their own, or rewards', () => {
    const pair = { prompt: 'Tea?', chosen: 'Yes.', rejected: 'No.' };
    for (const responses of [['a', 'b', 'c'], [{ model: 'x', response: 'a' }], 3]) {
      expect(readPreference({ ...pair, responses })).toEqual(readPreference(pair));
      expect(isPreference({ ...pair, responses })).toBe(true);
    }
    const group = { prompt: 'Tea?', responses: ['bad', 'best', 'good'] };
    expect(readPreference({ ...group, rewards: [-1, 2, 0.5] })).toEqual({
      ...group,
      pairs: [[1, 0]],
    });
    expect(isPreference({ ...group, rewards: [1, 2, 3] })).toBe(true);
    expect(isPreference(group)).toBe(false);
    for (const [rewards, sentence] of [
      [[1, 1, 1], '"rewards" are all equal, so no response is preferred; leave the row out'],
      [[1, 2], '"rewards" must be a list of 3 numbers, one for each response'],
      [[1, 2, 'x'], '"rewards" must be a list of 3 numbers, one for each response'],
      [undefined, '"responses" need "pairs" or "rewards", or write "chosen" and "rejected"'],
    ] as const) {
      expect(problem({ ...group, rewards }, readPreference)).toBe(sentence);
    }
    for (const pairs of [[[0, 7]], [[0, 0]], [[0]], [[0, 1, 2]], [], [[-1, 0]], [[0.5, 1]], 'x']) {
      expect(problem({ ...group, pairs }, readPreference)).toBe(
        '"pairs" must be a list of pairs [preferred, other], two different numbers from 0 to 2',
      );
    }
    for (const responses of [['one'], ['a', 3], [{ text: 'a' }, { text: 'b' }], 'x']) {
      expect(problem({ prompt: 'Tea?', responses, pairs: [[0, 1]] }, readPreference)).toBe(
        '"responses" must be a list of two or more texts',
      );
    }
  });

  it('answers that are whole conversations have the prompt in them', () => {
    const long = { chosen: [tea, yes, more, yes], rejected: [tea, yes, more, no] };
    const asked = conversationPrompt([tea, yes, more]);
    for (const prompt of [undefined, 'Tea?', 'More? ', [tea, yes, more]]) {
      expect(readPreference({ ...long, prompt }).prompt).toBe(asked);
    }
    expect(problem({ ...long, prompt: 'Coffee?' }, readPreference)).toMatch(
      /^"prompt" is not in the turns of "chosen" and "rejected"; remove/,
    );
  });

  it('lines end in any way, and may begin with a byte order mark', () => {
    for (const end of ['\n', '\r\n', '\r', '\n\n', '\n\ufeff']) {
      const read = readLines(`\ufeff{"prompt":"a"}${end}{"prompt":"b"}${end}`, readPrompt);
      expect(read.map(({ row }) => row)).toEqual(['a', 'b']);
    }
    const utf16 = '{"prompt":"a"}'.replace(/./g, '$&\0');
    expect(readLines(utf16, readPrompt)[0]!.problem).toMatch(
      /^not text in UTF-8; save the file as/,
    );
    const deep = '{"prompt":"a","x":' + '['.repeat(1e5) + ']'.repeat(1e5) + '}';
    expect(readLines(deep, readPrompt)[0]!.problem).toMatch(/^not JSON/);
  });
});

describe('turns', () => {
  const one = (turn: unknown) => readTurns([turn], 'x')[0];

  it('are also those of ShareGPT, and contents in parts', () => {
    const told = [
      { from: 'system', value: 'Be brief.' },
      { from: 'human', value: 'Tea?' },
      { from: 'gpt', value: 'Yes.', weight: 1 },
    ];
    expect(readTurns(told, 'conversations')).toEqual([system, tea, yes]);
    expect(readDemonstration({ conversations: told }, false).completion).toBe('Yes.');
    const parts = [{ type: 'text', text: 'Te' }, { text: 'a' }, '?'];
    expect(one({ role: 'user', content: parts })).toEqual(tea);
  });

  it('of the system without content are left out', () => {
    const empty = { role: 'system', content: null };
    expect(readTurns([empty, tea], 'x')).toEqual([tea]);
    expect(one({ role: 'system', content: '' })).toEqual({ role: 'system', content: '' });
  });

  it.each<[unknown[], string]>([
    [[tea, { role: 'tool', content: 'x' }], 'turn 2 of "x" has the role "tool"; only system, user'],
    [[{ role: 'developer', content: 'x' }], 'turn 1 of "x" has the role "developer"; write system'],
    [[{ from: 'observation', value: 'x' }], 'turn 1 of "x" has the role "observation"'],
    [[tea, yes, system], 'turn 3 of "x" is of the system, which only the first turn may be'],
    [[tea, { role: 'assistant', content: null }], 'turn 2 of "x" has no content; write its text'],
    [[tea, { ...yes, tool_calls: [{}] }], 'turn 2 of "x" calls tools, which is not supported'],
    [[{ content: 'x' }], 'turn 1 of "x" has no role; write system, user or assistant'],
    [['Tea?'], 'turn 1 of "x" is "Tea?"; it must be {role, content}'],
    [[{ role: 'user', content: 5 }], 'turn 1 of "x" has the content 5; it must be a text'],
    [
      [{ role: 'user', content: [{ type: 'image', url: 'x' }] }],
      'turn 1 of "x" has a part of type "image"; only parts with a text are read',
    ],
    [[], '"x" is an empty list; it needs turns'],
  ])('%j are refused', (turns, sentence) => {
    expect(() => readTurns(turns, 'x')).toThrow(sentence);
  });
});
