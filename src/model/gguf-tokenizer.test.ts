/** Where texts of a GGUF model end: by the keys of the file, and by the texts of its tokens. */
import { expect, it } from 'vitest';
import type { GgufValue } from './gguf-header.ts';
import { CONTROL, ggufTokenizer, NORMAL, UNKNOWN } from './gguf-tokenizer.ts';

/** @param tokens the special ones and "a", from id 0 on */
function read(
  model: 'llama' | 'gpt2',
  tokens: readonly string[],
  keys: Record<string, GgufValue> = {},
): ReturnType<typeof ggufTokenizer> {
  const own: Record<string, GgufValue> = {
    ...{ model, tokens: [...tokens, 'a'], scores: [...tokens, 'a'].map(() => 0) },
    ...{ merges: [], pre: 'gpt-2' },
    token_type: [...tokens.map((token) => (token === '<unk>' ? UNKNOWN : CONTROL)), NORMAL],
    ...keys,
  };
  const entries = Object.entries(own).map(
    ([key, value]) => [`tokenizer.ggml.${key}`, value] as const,
  );
  return ggufTokenizer({ values: new Map(entries), tensors: [] }, 'm.gguf');
}

const GEMMA = ['<pad>', '<eos>', '<bos>', '<unk>', '<end_of_turn>', '<start_of_turn>'];

it.each([
  ['llama', GEMMA, { eos_token_id: 1 }, [1, 4]],
  ['llama', GEMMA, { eos_token_id: 1, eot_token_id: 4 }, [1, 4]],
  ['gpt2', ['<|endoftext|>', '<|im_start|>', '<|im_end|>'], { eos_token_id: 2 }, [2, 0]],
  ['gpt2', ['<|end_of_text|>', '<|eom_id|>', '<|eot_id|>'], { eos_token_id: 2 }, [2, 0, 1]],
  ['gpt2', ['<|system|>', '<|end|>', '<|endoftext|>'], { eos_token_id: 2 }, [2, 1]],
  // A file that names the end of a turn has said enough.
  ['gpt2', ['<|eot_id|>', '<|eom_id|>', '<|user|>'], { eos_token_id: 2, eot_token_id: 0 }, [2, 0]],
  ['gpt2', ['<｜end▁of▁sentence｜>', '<|other|>'], {}, [0]],
  ['gpt2', ['<|other|>', '<|tool_call|>'], { eos_token_id: 0 }, [0]],
  // llama.cpp gives the end of such vocabularies this number.
  ['llama', ['<unk>', '<s>', '</s>'], {}, [2]],
  ['llama', ['<unk>', '<s>', '</s>'], { eos_token_id: 99 }, [2]],
] as const)('%s %j with %j ends at %j', (model, tokens, keys, ends) => {
  expect(read(model, tokens, keys).ids.eos).toEqual(ends);
});

it('takes the end of a turn for a special token, whatever its type', () => {
  const { tokenizer } = read('gpt2', ['<|im_end|>', '<|im_start|>'], { token_type: [1, 1, 1] });
  expect(tokenizer['added_tokens']).toMatchObject([
    { id: 0, content: '<|im_end|>', special: true },
  ]);
});

it('names what a vocabulary lacks', () => {
  expect(() => read('gpt2', ['<|end|>'], { merges: 0 })).toThrow(
    'm.gguf has no merges of its vocabulary (tokenizer.ggml.merges); convert it again',
  );
  expect(() => read('gpt2', ['<|end|>'], { pre: 'new' })).toThrow(
    'in the way new, and only llama-bpe',
  );
});
