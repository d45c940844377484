/**
 * Metaspace with prepend_scheme "first" asks where a word stood before the normalizer: at the start of the
 * text or not. That is computed for normalizers that put nothing in place of a character, or one other.
 */
import type { Part } from './pre-tokenizers.ts';

/** Of a pre_tokenizer: whether it asks where a word stood. */
export function usesStart(part: unknown): boolean {
  const { type, pretokenizers, prepend_scheme } = (part ?? {}) as Partial<Part>;
  if (type === 'Sequence') return (pretokenizers as unknown[]).some(usesStart);
  return type === 'Metaspace' && prepend_scheme === 'first';
}

/** @throws Error for a normalizer that moves characters in another way */
export function refuseMoved(part: unknown): void {
  const { type, normalizers, pattern, content } = (part ?? {}) as Partial<Part>;
  const { String: found } = (pattern ?? {}) as { String?: string };
  const length = (text: unknown): number => Array.from(text as string).length;
  if (type === 'Sequence') (normalizers as unknown[]).forEach(refuseMoved);
  else if (type === 'Replace') {
    if (found === undefined || length(found) !== 1 || length(content) > 1) refuse(type);
  } else if (type !== undefined && !['NFC', 'Strip', 'StripAccents'].includes(type)) refuse(type);
}

function refuse(type: string): never {
  throw new Error(
    `prepend_scheme "first" of Metaspace after the normalizer ${type} is not computed`,
  );
}
