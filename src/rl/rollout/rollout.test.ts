import { describe, expect, it } from 'vitest';
import { droppedFolder } from '../../model/files.ts';
import { Tokenizer } from '../../model/tokenizer.ts';
import { promptWithCompletions } from './rollout.ts';
import { policyText } from './thinking-template.ts';

/** Characters, and two pairs of them. */
const CHARACTERS = [...Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)), '\n'];
const VOCABULARY = [...CHARACTERS, '▁', ':▁', 'ab'];
const JSON_FILE = {
  ...{ added_tokens: [], normalizer: null, pre_tokenizer: null, post_processor: null },
  decoder: { type: 'Fuse' },
  model: {
    type: 'BPE',
    vocab: Object.fromEntries(VOCABULARY.map((token, id) => [token, id])),
    merges: ['a b'],
  },
};

const load = (template: string): Promise<Tokenizer> =>
  Tokenizer.load(
    droppedFolder(
      new Map([
        ['tokenizer.json', new Blob([JSON.stringify(JSON_FILE)])],
        ['chat_template.jinja', new Blob([template])],
      ]),
    ),
  );

const TURNS = '{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}';
const REFUSES =
  "{% for m in messages if m.role == 'system' %}{{ raise_exception('no system') }}{% endfor %}";
const WANTS =
  "{% if messages[0].role != 'system' %}{{ raise_exception('a system turn first') }}{% endif %}";

describe('the request to think', () => {
  it('is a system turn', async () => {
    const text = policyText(await load(TURNS), 'hi', true);
    expect(text).toMatch(/^system: Think before .*user: hi\n<think>\n$/s);
  });

  it('opens the turn of the user where the template refuses a system turn, or drops it', async () => {
    for (const template of [REFUSES + TURNS, TURNS.replace('%}', " if m.role != 'system' %}")]) {
      const text = policyText(await load(template), 'hi', true);
      expect(text).toMatch(/^user: Think before .*\n\nhi\n<think>\n$/s);
      expect(policyText(await load(template), 'hi', false)).toBe('user: hi\n');
      expect(policyText(await load(template), 'hi', false, 'Be kind.')).toBe(
        'user: Be kind.\n\nhi\n',
      );
    }
  });

  it("leaves a refusal of the user's own turns as it is", async () => {
    const tokenizer = await load(REFUSES + TURNS);
    const prompt = JSON.stringify([
      { role: 'system', content: 'x' },
      { role: 'user', content: 'hi' },
    ]);
    expect(() => policyText(tokenizer, prompt, true)).toThrow(
      /refused the messages \(no system\); change the turns as it asks/,
    );
  });

  it('works where the template wants a system turn', async () => {
    const tokenizer = await load(WANTS + TURNS);
    expect(policyText(tokenizer, 'hi', true)).toMatch(/^system: Think before .*user: hi\n<think>/s);
    expect(() => policyText(tokenizer, 'hi', false)).toThrow(/a system turn first/);
  });

  it('is left out where the template itself opens thoughts', async () => {
    const own = `${WANTS}${TURNS}{{ '<think>' if enable_thinking }}`;
    const prompt = JSON.stringify([
      { role: 'system', content: 'x' },
      { role: 'user', content: 'hi' },
    ]);
    expect(policyText(await load(own), prompt, true)).toBe('system: x\nuser: hi\n<think>');
  });
});

it('encodes completions with their prompt', async () => {
  const tokenizer = await load('{{ messages[0].content }}');
  const ids = (text: string) => tokenizer.encode(text);
  const join = (...completions: string[]) =>
    promptWithCompletions(tokenizer, 'xa', completions, false);
  expect(join('c')).toEqual({ prompt: ids('xa'), completions: [ids('c')] });
  // "ab" is one token: the prompt ends before it.
  expect(join('b')).toEqual({ prompt: ids('x'), completions: [ids('ab')] });
  expect(join('c', 'b')).toEqual({ prompt: ids('x'), completions: [ids('ac'), ids('ab')] });
  expect(join('')).toEqual({ prompt: ids('xa'), completions: [[]] });
  // Nothing can be predicted before the first token.
  const whole = promptWithCompletions(tokenizer, 'a', ['b'], false);
  expect(whole).toEqual({ prompt: ids('a'), completions: [ids('b')] });
});
