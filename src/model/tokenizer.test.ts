import { describe, expect, it } from 'vitest';
import { CheckpointError } from './errors.ts';
import { droppedFolder } from './files.ts';
import { Tokenizer, tokenizerFiles } from './tokenizer.ts';

// A byte-pair tokenizer as transformers writes it: six letters, the space as "Ġ", two merges.
const vocabulary = ['a', 'b', 'c', 'd', 'e', 'Ġ', 'ab', 'Ġab'];
const added = (content: string, id: number, special: boolean) => ({
  ...{ id, content, special, single_word: false, lstrip: false, rstrip: false, normalized: false },
});
const byteLevel = {
  type: 'ByteLevel',
  add_prefix_space: false,
  trim_offsets: true,
  use_regex: true,
};
const tokenizerJson = {
  version: '1.0',
  added_tokens: [added('<eos>', 8, true), added('<user>', 9, true), added('</think>', 10, false)],
  normalizer: null,
  pre_tokenizer: byteLevel,
  post_processor: byteLevel,
  decoder: byteLevel,
  model: {
    type: 'BPE',
    vocab: Object.fromEntries(vocabulary.map((token, id) => [token, id])),
    merges: ['a b', 'Ġ ab'],
  },
};
const template = `{%- for message in messages %}
    {%- if message.role == 'system' %}{{ raise_exception('no system prompt, please') }}{% endif %}
    {{- '<user>' if message.role == 'user' else '' }}{{ message.content }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- eos_token }}{{ '' if enable_thinking is defined and not enable_thinking else 'a' }}
{%- endif %}`;
const config = {
  eos_token: { content: '<eos>', special: true },
  pad_token: null,
  bos_token: '<user>',
  clean_up_tokenization_spaces: false,
  chat_template: template,
};

function load(files: Record<string, unknown>): Promise<Tokenizer> {
  return Tokenizer.load(folder(files));
}
function folder(files: Record<string, unknown>) {
  const text = (content: unknown) =>
    typeof content === 'string' ? content : JSON.stringify(content);
  return droppedFolder(
    new Map(Object.entries(files).map(([name, content]) => [name, new Blob([text(content)])])),
  );
}
const good = { 'tokenizer.json': tokenizerJson, 'tokenizer_config.json': config };

async function refusal(run: () => unknown): Promise<string> {
  const error: unknown = await Promise.resolve()
    .then(run)
    .catch((e: unknown) => e);
  expect(error).toBeInstanceOf(CheckpointError);
  expect((error as CheckpointError).message).not.toContain('\n');
  return (error as CheckpointError).message;
}

describe('a tokenizer', () => {
  it('turns text into ids and back', async () => {
    const tokenizer = await load(good);
    expect(tokenizer.encode('ab ab<eos>cab')).toEqual([6, 7, 8, 2, 6]);
    expect(tokenizer.decode([6, 7, 8, 2, 6])).toBe('ab ab<eos>cab');
    expect(tokenizer.decode([6, 7, 8, 2, 6], { skipSpecial: true })).toBe('ab abcab');
    expect(tokenizer.encode('')).toEqual([]);
    expect(tokenizer.decode([])).toBe('');
  });

  it('keeps the delimiter of the thought, and drops ids beyond the vocabulary', async () => {
    const tokenizer = await load(good);
    expect(tokenizer.decode([0, 10, 1, 99], { skipSpecial: true })).toBe('a</think>b');
  });

  it('knows its special tokens, as texts or as objects', async () => {
    const tokenizer = await load(good);
    expect(tokenizer.eosTokenId).toBe(8);
    expect(tokenizer.bosTokenId).toBe(9);
    expect(tokenizer.padTokenId).toBeUndefined();
  });

  it('of whole words refuses a word that it has no token for', async () => {
    const words = {
      ...tokenizerJson,
      pre_tokenizer: { type: 'WhitespaceSplit' },
      post_processor: null,
      decoder: null,
      model: { type: 'WordLevel', vocab: { eat: 0, rice: 1 }, unk_token: '<unk>' },
    };
    const tokenizer = await load({ 'tokenizer.json': words });
    expect(tokenizer.decode(tokenizer.encode('eat rice'))).toBe('eat rice');
    expect(await refusal(() => tokenizer.encode('eat beans'))).toBe(
      'your files/tokenizer.json has no token for "beans"; leave it out of the text',
    );
  });

  it('hands on its files', async () => {
    const files = await tokenizerFiles(folder({ ...good, 'model.safetensors': 'x' }));
    expect([...files.keys()]).toEqual(['tokenizer.json', 'tokenizer_config.json']);
    expect(new TextDecoder().decode(files.get('tokenizer.json'))).toBe(
      JSON.stringify(tokenizerJson),
    );
  });
});

describe('a chat template', () => {
  const messages = [{ role: 'user', content: 'ab' }] as const;

  it('opens the turn, with or without a thought', async () => {
    const tokenizer = await load(good);
    expect(tokenizer.applyChatTemplate(messages)).toBe('<user>ab');
    const open = (enableThinking?: boolean) =>
      tokenizer.applyChatTemplate(messages, { addGenerationPrompt: true, enableThinking });
    expect(open()).toBe('<user>ab<eos>a');
    expect(open(true)).toBe('<user>ab<eos>a');
    expect(open(false)).toBe('<user>ab<eos>');
  });

  it('may be a list of named ones, or a file, which comes first', async () => {
    const named = [
      { name: 'tool_use', template: 't' },
      { name: 'default', template: 'd' },
    ];
    const list = { ...good, 'tokenizer_config.json': { ...config, chat_template: named } };
    expect((await load(list)).applyChatTemplate(messages)).toBe('d');
    const file = { ...list, 'chat_template.jinja': 'f' };
    expect((await load(file)).applyChatTemplate(messages)).toBe('f');
  });

  it('that is missing, broken or unwilling is named', async () => {
    const without = await load({ 'tokenizer.json': tokenizerJson });
    expect(await refusal(() => without.applyChatTemplate(messages))).toMatch(
      /^your files has no chat template; add chat_template\.jinja/,
    );
    expect(await refusal(() => load({ ...good, 'chat_template.jinja': '{% if %}' }))).toMatch(
      /^the chat template in your files\/chat_template\.jinja is not valid Jinja \(.+\); correct it/,
    );
    const tokenizer = await load(good);
    const system = [{ role: 'system', content: 'ab' }] as const;
    expect(await refusal(() => tokenizer.applyChatTemplate(system))).toBe(
      'the chat template in your files/tokenizer_config.json refused the messages ' +
        '(no system prompt, please); leave out what it does not take (a system turn, most often), ' +
        'or change the template',
    );
  });
});

it('a tokenizer.json that is missing or of another kind is refused', async () => {
  expect(await refusal(() => load({}))).toMatch(/has no tokenizer\.json; choose/);
  const other = { ...tokenizerJson, model: { type: 'Other' } };
  expect(await refusal(() => load({ 'tokenizer.json': other }))).toMatch(
    /tokenizer\.json cannot be used \(.*Other\); use a tokenizer that transformers saved/,
  );
  expect(await refusal(() => load({ 'tokenizer.json': { model: null } }))).toMatch(
    /tokenizer\.json: model is null, which is no tokenizer/,
  );
});
