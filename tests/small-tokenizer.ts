/** A small tokenizer with a chat template, and how tests load it. */
import { expect } from 'vitest';
import { CheckpointError } from '../src/model/errors.ts';
import { droppedFolder } from '../src/model/files.ts';
import { Tokenizer } from '../src/model/tokenizer.ts';

/** A byte-pair tokenizer as transformers writes it: six letters, the space as "Ġ", two merges. */
const vocabulary = ['a', 'b', 'c', 'd', 'e', 'Ġ', 'ab', 'Ġab'];
export const added = (content: string, id: number, special: boolean) => ({
  ...{ id, content, special, single_word: false, lstrip: false, rstrip: false, normalized: false },
});
const byteLevel = {
  type: 'ByteLevel',
  add_prefix_space: false,
  trim_offsets: true,
  use_regex: true,
};
export const tokenizerJson = {
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
export const config = {
  eos_token: { content: '<eos>', special: true },
  pad_token: null,
  bos_token: '<user>',
  clean_up_tokenization_spaces: false,
  chat_template: template,
};

export function load(files: Record<string, unknown>): Promise<Tokenizer> {
  return Tokenizer.load(folder(files));
}
export function folder(files: Record<string, unknown>) {
  const text = (content: unknown) =>
    typeof content === 'string' ? content : JSON.stringify(content);
  return droppedFolder(
    new Map(Object.entries(files).map(([name, content]) => [name, new Blob([text(content)])])),
  );
}
export const good = { 'tokenizer.json': tokenizerJson, 'tokenizer_config.json': config };

export async function refusal(run: () => unknown): Promise<string> {
  const error: unknown = await Promise.resolve()
    .then(run)
    .catch((e: unknown) => e);
  expect(error).toBeInstanceOf(CheckpointError);
  expect((error as CheckpointError).message).not.toContain('\n');
  return (error as CheckpointError).message;
}
