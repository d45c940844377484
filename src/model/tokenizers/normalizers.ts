/** Changes a text before it is cut into words, as the library tokenizers (normalizers/*.rs) does. */
import { Tokenizer } from '@huggingface/tokenizers';
import { compile, replaceMatches, type Pattern } from './patterns.ts';
import type { Part } from './pre-tokenizers.ts';

export type Normalizer = (text: string) => string;

/** @throws Error for a type that is not known, or a pattern that JavaScript cannot express */
export function normalizer(part: Part | null | undefined): Normalizer {
  if (!part) return (text) => text;
  switch (part.type) {
    case 'Sequence': {
      const steps = (part.normalizers as Part[]).map(normalizer);
      return (text) => steps.reduce((changed, step) => step(changed), text);
    }
    case 'Replace': {
      const found = compile(part.pattern as Pattern);
      return (text) => replaceMatches(found, text, part.content as string);
    }
    case 'Prepend':
      return (text) => (text === '' ? '' : (part.prepend as string) + text);
    default:
      return byLibrary(part);
  }
}

/** The library makes a normalizer only with a tokenizer around it. */
function byLibrary(part: Part): Normalizer {
  const model = { type: 'WordLevel', vocab: { '': 0 }, unk_token: '' };
  const around = { added_tokens: [], pre_tokenizer: null, post_processor: null, decoder: null };
  const made = new Tokenizer({ ...around, model, normalizer: part }, {}).normalizer!;
  return (text) => made(text);
}
