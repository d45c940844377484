import { describe, expect, it } from 'vitest';
import {
  added,
  config,
  folder,
  good,
  load,
  refusal,
  tokenizerJson,
} from '../../tests/small-tokenizer.ts';
import { tokenizerFiles } from './tokenizer.ts';

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

  it('puts its own tokens around the prompt of a model without a template', async () => {
    const special_tokens = { '<eos>': { id: '<eos>', ids: [8], tokens: ['<eos>'] } };
    const single = [
      { SpecialToken: { id: '<eos>', type_id: 0 } },
      { Sequence: { id: 'A', type_id: 0 } },
    ];
    const post = { type: 'TemplateProcessing', single, pair: [], special_tokens };
    const json = { ...tokenizerJson, post_processor: post };
    const base = await load({ 'tokenizer.json': json });
    expect(base.encodePrompt('ab')).toEqual([8, 6]);
    expect(base.encode('ab')).toEqual([6]);
    const chat = await load({ 'tokenizer.json': json, 'chat_template.jinja': 'x' });
    expect(chat.encodePrompt('ab')).toEqual([6]);
    expect(base.writtenOut('ab')).toBe('<eos>ab');
    expect(chat.writtenOut('ab')).toBe('ab');
    expect(chat.writtenOut('<eos>ab')).toBe('<eos>ab');
  });

  it('cleans up spaces only if it is not BPE', async () => {
    const words = {
      ...{ ...tokenizerJson, pre_tokenizer: { type: 'WhitespaceSplit' }, decoder: null },
      model: { type: 'WordLevel', vocab: { a: 0, '!': 1 }, unk_token: 'a' },
    };
    const clean = { clean_up_tokenization_spaces: true };
    const load2 = (json: unknown, fields: unknown) =>
      load({ 'tokenizer.json': json, 'tokenizer_config.json': fields });
    expect((await load2(words, clean)).decode([0, 1, 1])).toBe('a!!');
    expect((await load2(words, {})).decode([0, 1, 1])).toBe('a ! !');
    const tokens = ['a', 'b', 'c', 'd', '!', 'Ġ', 'ab', 'Ġab'];
    const vocab = Object.fromEntries(tokens.map((token, id) => [token, id]));
    const bytes = { ...tokenizerJson, model: { ...tokenizerJson.model, vocab } };
    expect((await load2(bytes, clean)).decode([5, 4, 5, 4])).toBe(' ! !');
    const also = { clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output: true };
    expect((await load2(bytes, { ...clean, ...also })).decode([5, 4, 5, 4])).toBe('!!');
  });

  it('of the class of Llama 2 is built as transformers 5 builds it', async () => {
    const vocab = { '<s>': 0, '▁': 1, a: 2, '▁a': 3, '<0x0A>': 4 };
    const json = {
      ...tokenizerJson,
      ...{ added_tokens: [added('<s>', 0, true)], pre_tokenizer: null, decoder: null },
      post_processor: null,
      normalizer: { type: 'Prepend', prepend: '▁' },
      model: { type: 'BPE', vocab, merges: ['▁ a'], byte_fallback: true, fuse_unk: true },
    };
    const ids = async (fields: object, model_type = 'llama') => {
      const files = { 'tokenizer.json': json, 'config.json': { model_type } };
      return (await load({ ...files, 'tokenizer_config.json': fields })).encode('a<s>a\n');
    };
    const llama = { tokenizer_class: 'LlamaTokenizer' };
    expect(await ids(llama)).toEqual([3, 0, 2, 4]);
    expect(await ids({ ...llama, legacy: true })).toEqual([3, 0, 3, 4]);
    expect(await ids({ ...llama, add_prefix_space: false })).toEqual([2, 0, 2, 4]);
    expect(await ids({})).toEqual([3, 0, 3, 4]);
  });

  it('refuses a text with a token that transformers adds and the embedding has no row for', async () => {
    const padded = { ...config, pad_token: '<pad>' };
    const tokenizer = await load({ ...good, 'tokenizer_config.json': padded });
    expect(tokenizer.encode('ab<pad>')).toEqual([6, 11]);
    expect(tokenizer.padTokenId).toBe(11);
    tokenizer.checkFits(12);
    expect(tokenizer.encode('ab<pad>')).toEqual([6, 11]);
    tokenizer.checkFits(11);
    expect(tokenizer.encode('ab')).toEqual([6]);
    expect(tokenizer.padTokenId).toBeUndefined();
    expect(tokenizer.tokenTexts()).toHaveLength(11);
    expect(await refusal(() => tokenizer.encode('ab<pad>'))).toBe(
      'your files/tokenizer.json has a token, but the model\'s embedding has no row, for "<pad>"; ' +
        'leave it out of the text',
    );
    expect(await refusal(() => tokenizer.checkFits(10))).toBe(
      "your files/tokenizer.json has 11 ids but the model's embedding has 10 rows; take both from " +
        'the same checkpoint',
    );
  });

  it('refuses settings that make other tokens', async () => {
    const set = (fields: object, model: object = {}, json: object = tokenizerJson) => ({
      ...{ 'tokenizer.json': json, 'tokenizer_config.json': { ...config, ...fields } },
      'config.json': model,
    });
    expect(await refusal(() => load(set({ split_special_tokens: true })))).toBe(
      'your files/tokenizer_config.json sets split_special_tokens, with which special tokens of a chat ' +
        'template are cut into pieces, and that is not computed here; take the field out if the tokens ' +
        'are the right ones without it',
    );
    const files = ['tokenizer.json', 'tokenizer.4.0.json'];
    expect(await refusal(() => load(set({ fast_tokenizer_files: files })))).toMatch(
      /sets fast_tokenizer_files, with which another file takes the place of tokenizer\.json/,
    );
    await load(set({ split_special_tokens: false, fast_tokenizer_files: ['tokenizer.json'] }));
    // transformers changes only large vocabularies, in folders that it saved before version 5.
    const fix = { fix_mistral_regex: true };
    const { vocab, ...rest } = tokenizerJson.model;
    const many = Array.from({ length: 100_001 }, (_, id) => [`filler ${id}`, id + 20] as const);
    const model = { ...rest, vocab: { ...vocab, ...Object.fromEntries(many) } };
    const large = { ...tokenizerJson, model };
    for (const old of [{ model_type: 'mistral', transformers_version: '4.57.2' }, {}]) {
      expect(await refusal(() => load(set(fix, old, large)))).toMatch(
        /sets fix_mistral_regex, with/,
      );
    }
    await load(set(fix, { model_type: 'mistral', transformers_version: '5.0.0' }, large));
    await load(set(fix, { model_type: 'llama' }, large));
    await load(set(fix, { model_type: 'mistral' }));
  });

  it('hands on its files', async () => {
    const files = await tokenizerFiles(folder({ ...good, 'model.safetensors': 'x' }));
    expect([...files.keys()]).toEqual(['tokenizer.json', 'tokenizer_config.json']);
    expect(new TextDecoder().decode(files.get('tokenizer.json'))).toBe(
      JSON.stringify(tokenizerJson),
    );
  });
});

it.each([undefined, null, 'a', {}, { String: 4 }, { regex: 'a' }, ['a']])(
  'a pattern that would be left out is refused: %j',
  async (pattern) => {
    const normalizer = { type: 'Replace', pattern, content: 'b' };
    const nested = { type: 'Sequence', normalizers: [normalizer] };
    for (const part of [normalizer, nested]) {
      const json = { ...tokenizerJson, normalizer: part };
      expect(await refusal(() => load({ ...good, 'tokenizer.json': json }))).toMatch(
        /^your files\/tokenizer.json cannot be used \(a pattern must be \{"String": text\} or \{"Regex": text\}\)/,
      );
    }
  },
);

it.each([
  [
    { type: 'Split', pattern: { String: 'a' }, behavior: { x: 1 } },
    /the behavior of Split must be/,
  ],
  [{ type: 'Split', pattern: { String: 'a' } }, /the behavior of Split must be/],
  [{ type: 'FixedLength', length: 'x' }, /the length of FixedLength must be/],
  [{ type: 'CharDelimiterSplit', delimiter: 4 }, /cannot be used/],
])('a pre-tokenizer with a value of another kind is refused: %j', async (part, sentence) => {
  const json = { ...tokenizerJson, pre_tokenizer: part };
  expect(await refusal(() => load({ ...good, 'tokenizer.json': json }))).toMatch(sentence);
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
