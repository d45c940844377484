import { describe, expect, it } from 'vitest';
import { config, folder, good, load, refusal, tokenizerJson } from '../../tests/small-tokenizer.ts';
import { tokenizerFiles } from './tokenizer.ts';

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

  it('is named if there are several, with those that are not used', async () => {
    const choice = async (chat_template: unknown, files: Record<string, unknown> = {}) => {
      const own = { 'tokenizer_config.json': { ...config, chat_template }, ...files };
      return (await load({ ...good, ...own })).templateChoice;
    };
    const file = { 'chat_template.jinja': 'f' };
    const named = { default: 'd', rag: 'r', tool_use: 't' };
    const CONFIG_FILE = 'tokenizer_config.json';
    expect(await choice('d')).toBeUndefined();
    expect(await choice({ default: 'd' })).toBeUndefined();
    expect(await choice(named)).toBe(
      `default in ${CONFIG_FILE}; not used: rag in ${CONFIG_FILE}, tool_use in ${CONFIG_FILE}`,
    );
    expect(
      await choice([{ name: 'default', template: 'd' }, null, { name: 'rag' }]),
    ).toBeUndefined();
    expect(await choice(undefined, file)).toBeUndefined();
    expect(await choice('f', file)).toBeUndefined();
    expect(await choice('d', file)).toBe(
      `chat_template.jinja; not used: default in ${CONFIG_FILE}`,
    );
    const beside = { ...file, 'm/additional_chat_templates/rag.jinja': 'r' };
    expect(await choice({ rag: 'r' }, beside)).toBe(
      `chat_template.jinja; not used: rag in ${CONFIG_FILE}, those in additional_chat_templates`,
    );
  });

  it('may be one of several only if it is the default', async () => {
    const templates = (chat_template: unknown) =>
      load({
        ...{
          'tokenizer.json': tokenizerJson,
          'tokenizer_config.json': { ...config, chat_template },
        },
      });
    expect((await templates({ default: 'd', rag: 'r' })).applyChatTemplate(messages)).toBe('d');
    expect(await refusal(() => templates([{ name: 'rag', template: 'r' }]))).toBe(
      'your files/tokenizer_config.json has chat templates called rag, and none called default; ' +
        'give the one to use that name',
    );
    const beside = { ...good, 'm/additional_chat_templates/rag.jinja': 'r' };
    expect(await refusal(() => load(beside))).toMatch(
      /has chat templates in additional_chat_templates, and none is the default; copy the one/,
    );
    const both = { ...beside, 'chat_template.jinja': 'f' };
    expect((await load(both)).applyChatTemplate(messages)).toBe('f');
    // transformers reads this folder last, so that its default is the one that counts.
    const inside = { ...both, 'm/additional_chat_templates/default.jinja': 'd' };
    expect((await load(inside)).applyChatTemplate(messages)).toBe('d');
    const copied = await tokenizerFiles(folder(inside));
    expect(new TextDecoder().decode(copied.get('chat_template.jinja'))).toBe('d');
  });

  it('gets special tokens of special_tokens_map.json, and tools and documents as none', async () => {
    const show =
      '{{ bos_token }}{{ pad_token }}{{ image_token }}{{ tools is none }}{{ documents }}';
    const files = (fields: object) => ({
      'tokenizer.json': tokenizerJson,
      'tokenizer_config.json': { pad_token: '<eos>', image_token: 'ab', ...fields },
      'special_tokens_map.json': { bos_token: { content: '<user>' }, pad_token: 'c' },
      'chat_template.jinja': show,
    });
    expect((await load(files({}))).applyChatTemplate(messages)).toBe('<user>cabTrueNone');
    // As in transformers, a list of added tokens says everything.
    const listed = files({ added_tokens_decoder: {} });
    expect((await load(listed)).applyChatTemplate(messages)).toBe('<eos>abTrueNone');
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
        '(no system prompt, please); change the turns as it asks, or change the template',
    );
  });
});
