/** Characters as Python has them: what white space is, and texts as lists of code points. */

/** What Python's str.strip and `\s` take for white space, inside a character class. */
export const SPACE =
  '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';

const LEADING = new RegExp(`^[${SPACE}]+`);
const SPACES = new RegExp(`[${SPACE}]`);

/** str.lstrip: without the characters of `chars`, or without white space, at the start. */
export function stripStart(text: string, chars?: string): string {
  if (chars === undefined) return text.replace(LEADING, '');
  const points = codePoints(text);
  const first = points.findIndex((point) => !chars.includes(point));
  return first < 0 ? '' : points.slice(first).join('');
}

/** str.rstrip; a loop, because a pattern that ends in `$` takes quadratic time. */
export function stripEnd(text: string, chars?: string): string {
  if (chars === undefined) {
    let end = text.length;
    while (end > 0 && SPACES.test(text[end - 1]!)) end--;
    return text.slice(0, end);
  }
  const points = codePoints(text);
  const last = points.findLastIndex((point) => !chars.includes(point));
  return points.slice(0, last + 1).join('');
}

export const strip = (text: string, chars?: string): string =>
  stripEnd(stripStart(text, chars), chars);

/** The characters of a Python str: code points, where JavaScript counts UTF-16 units. */
export const codePoints = (text: string): string[] => Array.from(text);

/** `len` of a Python str. */
export function textLength(text: string): number {
  const pairs = text.match(/[\ud800-\udbff][\udc00-\udfff]/g)?.length ?? 0;
  return text.length - pairs;
}

/** str.splitlines, without the line ends. */
export function splitLines(text: string, keepEnds = false): string[] {
  // eslint-disable-next-line no-control-regex -- Python splits at some control characters
  const lines = text.split(/(\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029])/);
  const out: string[] = [];
  for (let i = 0; i < lines.length; i += 2) {
    const end = lines[i + 1];
    if (end !== undefined) out.push(lines[i]! + (keepEnds ? end : ''));
    else if (lines[i] !== '') out.push(lines[i]!);
  }
  return out;
}
