/** The patterns of tokenizer.json: which texts they match, as in the library tokenizers. */
import { SplitPreTokenizer } from '@huggingface/tokenizers';

export type Pattern = { readonly Regex: string } | { readonly String: string };

/** How @huggingface/tokenizers writes Oniguruma's ^. */
const LINE_START = '(?:(?<![\\s\\S])|(?<=\\n))';
/** After the last line break no line begins. */
const ORIGINAL_LINE_START = '(?:(?<![\\s\\S])|(?<=\\n)(?=[\\s\\S]))';

/**
 * Oniguruma's syntax in JavaScript's, by the library.
 * @throws Error for a pattern that JavaScript cannot express
 */
export function compile(pattern: Pattern): RegExp {
  if ('String' in pattern) {
    return new RegExp(pattern.String.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&'), 'gu');
  }
  if (/(?<!\\)(?:\\\\)*\\x[89a-f][\da-f]/i.test(pattern.Regex)) {
    throw new Error('\\x80 to \\xff in a pattern are bytes, not characters; that is not computed');
  }
  const { pattern: compiled } = new SplitPreTokenizer({
    ...{ type: 'Split', pattern, behavior: 'Isolated', invert: false },
  });
  return new RegExp(compiled!.source.replaceAll(LINE_START, ORIGINAL_LINE_START), 'gu');
}

/**
 * What the library's iterator finds: no empty match right after another match, none inside a character, and
 * nothing in an empty text.
 */
export function* matchesOf(pattern: RegExp, text: string): Generator<[start: number, end: number]> {
  let last: number | undefined;
  for (const { 0: match, index } of text === '' ? [] : text.matchAll(pattern)) {
    if (match === '' && (index === last || isInsideCharacter(text, index))) continue;
    last = index + match.length;
    yield [index, last];
  }
}

/** Between the two halves of a character beyond U+FFFF. */
function isInsideCharacter(text: string, index: number): boolean {
  return index > 0 && (text.codePointAt(index - 1) ?? 0) > 0xffff;
}

/** `content` is taken literally. */
export function replaceMatches(pattern: RegExp, text: string, content: string): string {
  let replaced = '';
  let at = 0;
  for (const [start, end] of matchesOf(pattern, text)) {
    replaced += text.slice(at, start) + content;
    at = end;
  }
  return replaced + text.slice(at);
}

/**
 * Checks the patterns of a tokenizer's normalizer, pre-tokenizer and decoder: the library leaves out a
 * pattern that it cannot read, and the ids would be wrong.
 * @throws Error for a pattern that is not {"String": text} or {"Regex": text}
 */
export function checkPatterns(part: unknown): void {
  if (typeof part !== 'object' || part === null) return;
  const { type, pattern } = part as { type?: unknown; pattern?: unknown };
  if ((type === 'Replace' || type === 'Split' || 'pattern' in part) && !isPattern(pattern)) {
    throw new Error('a pattern must be {"String": text} or {"Regex": text}');
  }
  for (const inner of Object.values(part)) checkPatterns(inner);
}

function isPattern(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { String: text, Regex: regex } = value as { String?: unknown; Regex?: unknown };
  return typeof (text ?? regex) === 'string';
}
