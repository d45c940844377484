/**
 * Cuts a text into the words that the model then makes into tokens, as the library tokenizers
 * (pre_tokenizers/*.rs) does. @huggingface/tokenizers knows one behaviour of splits, and JavaScript's
 * white space and ASCII words in some; it compiles the patterns.
 */
import { compile, matchesOf, type Pattern } from './patterns.ts';

/** A part of tokenizer.json. */
export interface Part {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** @param atStart whether the text is the start of the whole text */
export type PreTokenizer = (text: string, atStart: boolean) => string[];

const BEHAVIORS = [
  'Removed',
  'Isolated',
  'MergedWithPrevious',
  'MergedWithNext',
  'Contiguous',
] as const;
type Behavior = (typeof BEHAVIORS)[number];

const GPT2 = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
/** What Rust's `\w+|[^\w\s]+` matches. */
const WORD = '\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}';
const WORDS = new RegExp(`[${WORD}]+|[^${WORD}\\p{White_Space}]+`, 'gu');
const PUNCTUATION = '[\\p{P}!-/:-@\\[-`{-~]';

/** @throws Error for a type that is not known, or a pattern that JavaScript cannot express */
export function preTokenizer(part: Part | null | undefined): PreTokenizer {
  if (!part) return (text) => [text];
  switch (part.type) {
    case 'Sequence': {
      const steps = (part.pretokenizers as Part[]).map(preTokenizer);
      return (text, atStart) =>
        steps.reduce(
          // Where a step has removed the beginning, no piece is at the start.
          (pieces, step) =>
            pieces.flatMap((piece, i) => step(piece, atStart && i === 0 && text.startsWith(piece))),
          [text],
        );
    }
    case 'Split':
      return split(
        compile(part.pattern as Pattern),
        part.behavior as Behavior,
        (part.invert as boolean | undefined) ?? false,
      );
    case 'ByteLevel':
      return byteLevel(part);
    case 'Metaspace':
      return metaspace(part);
    case 'Whitespace':
      return split(WORDS, 'Removed', true);
    case 'WhitespaceSplit':
      return split(compile({ Regex: '\\s' }), 'Removed');
    case 'Digits':
      return split(
        compile({ Regex: '\\p{N}' }),
        part.individual_digits ? 'Isolated' : 'Contiguous',
      );
    case 'Punctuation':
      return split(
        compile({ Regex: PUNCTUATION }),
        (part.behavior as Behavior | undefined) ?? 'Isolated',
      );
    case 'BertPreTokenizer': {
      const spaces = split(compile({ Regex: '\\s' }), 'Removed');
      const marks = split(compile({ Regex: PUNCTUATION }), 'Isolated');
      return (text, atStart) => spaces(text, atStart).flatMap((word) => marks(word, atStart));
    }
    case 'CharDelimiterSplit':
      return split(compile({ String: part.delimiter as string }), 'Removed');
    case 'FixedLength': {
      const length = part.length as number;
      if (!Number.isSafeInteger(length) || length < 1) {
        throw new Error('the length of FixedLength must be a whole number above 0');
      }
      return (text) => text.match(new RegExp(`[^]{1,${length}}`, 'gu')) ?? [];
    }
    default:
      throw new Error(`Unknown PreTokenizer type: ${part.type}`);
  }
}

interface Piece {
  text: string;
  readonly matches: boolean;
}

/** @param invert the pattern says what to keep, not where to cut */
function split(pattern: RegExp, behavior: Behavior, invert = false): PreTokenizer {
  if (!BEHAVIORS.includes(behavior)) {
    throw new Error(`the behavior of Split must be one of ${BEHAVIORS.join(', ')}`);
  }
  return (text) => {
    const pieces: Piece[] = [];
    let at = 0;
    for (const [start, end] of matchesOf(pattern, text)) {
      if (start > at) pieces.push({ text: text.slice(at, start), matches: invert });
      pieces.push({ text: text.slice(start, end), matches: !invert });
      at = end;
    }
    if (at < text.length) pieces.push({ text: text.slice(at), matches: invert });
    return joined(pieces, behavior).flatMap(({ text }) => (text === '' ? [] : [text]));
  };
}

function joined(pieces: Piece[], behavior: Behavior): Piece[] {
  switch (behavior) {
    case 'Removed':
      return pieces.filter(({ matches }) => !matches);
    case 'Contiguous':
      return merged(pieces, (last, next) => last.matches === next.matches);
    case 'MergedWithPrevious':
      return merged(pieces, (last, next) => next.matches && !last.matches);
    case 'MergedWithNext':
      return merged(pieces, (last, next) => last.matches && !next.matches);
    case 'Isolated':
      return pieces;
  }
}

/** Neighbours that `belong` together as one; what was said of the last of them goes on. */
function merged(pieces: Piece[], belong: (last: Piece, next: Piece) => boolean): Piece[] {
  const out: Piece[] = [];
  let last: Piece | undefined;
  for (const piece of pieces) {
    const whole = out.at(-1);
    if (whole && last && belong(last, piece)) whole.text += piece.text;
    else out.push({ ...piece });
    last = piece;
  }
  return out;
}

/** Bytes as printable characters: those of Latin-1 stand for themselves, the others follow at U+0100. */
export const BYTE_CHARACTERS: readonly string[] = ((): string[] => {
  let next = 0x100;
  const printable = (byte: number): boolean =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte !== 0xad);
  return Array.from({ length: 256 }, (_, byte) =>
    String.fromCharCode(printable(byte) ? byte : next++),
  );
})();

function byteLevel(part: Part): PreTokenizer {
  const encoder = new TextEncoder();
  const words = part.use_regex === false ? undefined : split(compile({ Regex: GPT2 }), 'Isolated');
  return (text, atStart) => {
    const whole = part.add_prefix_space === true && !text.startsWith(' ') ? ` ${text}` : text;
    return (words?.(whole, atStart) ?? [whole]).map((word) => {
      let characters = '';
      for (const byte of encoder.encode(word)) characters += BYTE_CHARACTERS[byte]!;
      return characters;
    });
  };
}

function metaspace(part: Part): PreTokenizer {
  const mark = part.replacement as string;
  // Old files say add_prefix_space instead of prepend_scheme.
  const scheme = part.prepend_scheme ?? (part.add_prefix_space === false ? 'never' : 'always');
  const words = split(compile({ String: mark }), 'MergedWithNext');
  return (text, atStart) => {
    let marked = text.replaceAll(' ', mark);
    const prepends = scheme === 'always' || (scheme === 'first' && atStart);
    if (prepends && !marked.startsWith(mark)) marked = mark + marked;
    return part.split === false ? [marked] : words(marked, atStart);
  };
}
