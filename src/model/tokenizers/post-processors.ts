/**
 * Puts a tokenizer's own tokens around a text, as the library tokenizers (processors/*.rs) does: by the ids
 * that the post-processor itself has. @huggingface/tokenizers looks their texts up in the vocabulary.
 */
import type { Part } from './pre-tokenizers.ts';

/** @param own makes an item of the id of a token that is put there */
export type PostProcessor = <T>(items: readonly T[], own: (id: number) => T) => readonly T[];

/** @throws Error for a type that is not known, or a template that names a token without its ids */
export function postProcessor(part: Part | null | undefined): PostProcessor {
  if (!part) return (items) => items;
  switch (part.type) {
    case 'Sequence': {
      const steps = (part.processors as Part[]).map(postProcessor);
      return (items, own) => steps.reduce((done, step) => step(done, own), items);
    }
    case 'TemplateProcessing':
      return template(part);
    case 'BertProcessing':
    case 'RobertaProcessing': {
      const [, start] = part.cls as [string, number];
      const [, end] = part.sep as [string, number];
      return (items, own) => [own(start), ...items, own(end)];
    }
    // It changes offsets only.
    case 'ByteLevel':
      return (items) => items;
    default:
      throw new Error(`Unknown PostProcessor type: ${part.type}`);
  }
}

type Item =
  | { readonly SpecialToken: { readonly id: string } }
  | { readonly Sequence: { readonly id: string } };

function template(part: Part): PostProcessor {
  const known = part.special_tokens as Record<string, { ids?: number[] } | undefined>;
  // undefined is the text.
  const places = (part.single as Item[]).map((item) => {
    if (!('SpecialToken' in item)) return undefined;
    const { id } = item.SpecialToken;
    const ids = known[id]?.ids;
    if (!Array.isArray(ids)) throw new Error(`post_processor has no ids for ${id}`);
    return ids;
  });
  return (items, own) => places.flatMap((ids) => ids?.map(own) ?? items);
}
