/**
 * Texts as Python reads them: IFEval's rules are Python, and its white space, lines and letters differ a
 * little from those of JavaScript.
 */

/** White space of str.strip and of \s: with the separators 1C to 1F and NEL, without the byte order mark. */
const SPACE =
  '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
const EDGES = new RegExp(`^[${SPACE}]+|[${SPACE}]+$`, 'gu');
const END = new RegExp(`[${SPACE}]+$`, 'u');
const SPACES = new RegExp(`[${SPACE}]+`, 'u');

/** str.strip() */
export function strip(text: string): string {
  return text.replace(EDGES, '');
}

/** str.rstrip() */
export function stripEnd(text: string): string {
  return text.replace(END, '');
}

/** str.split() */
export function words(text: string): string[] {
  const stripped = strip(text);
  return stripped === '' ? [] : stripped.split(SPACES);
}

/**
 * A pattern of Python's re as one of JavaScript, with the flags g and u: \s, \w, \d, \b and . as in Python,
 * and ^ and $ at every \n (re.MULTILINE). Classes in brackets must not have \s, \w or \d.
 */
export function pattern(source: string, flags = ''): RegExp {
  return translated(source, flags, RE);
}

/** The same for the package regex, which nltk 3.10 uses: its white space and letters are Unicode's. */
export function nltkPattern(source: string, flags = ''): RegExp {
  return translated(source, flags, REGEX);
}

/** A check of many responses uses the same few patterns. */
const translations = new Map<string, RegExp>();

function translated(source: string, flags: string, meanings: Meanings): RegExp {
  const key = `${meanings === RE ? 're' : 'regex'} ${flags} ${source}`;
  const known = translations.get(key);
  if (known) return known;
  const replaced = source.replace(
    /\\[\s\S]|\[(?:\\[\s\S]|[^\]\\])*\]|[.^$]/gu,
    (part) => meanings[part] ?? part,
  );
  const made = new RegExp(replaced, `g${flags}u`);
  translations.set(key, made);
  return made;
}

type Meanings = Readonly<Record<string, string>>;

function meanings(space: string, word: string): Meanings {
  return {
    '\\s': `[${space}]`,
    '\\S': `[^${space}]`,
    '\\w': `[${word}]`,
    '\\d': '\\p{Nd}',
    '\\b': `(?:(?<=[${word}])(?![${word}])|(?<![${word}])(?=[${word}]))`,
    '.': '[^\\n]',
    '^': '(?<![^\\n])',
    $: '(?![^\\n])',
  };
}

const RE = meanings(SPACE, '\\p{L}\\p{N}_');
const REGEX = meanings('\\p{White_Space}', '\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Join_Control}\\p{Pc}');

/** len(re.findall(...)) */
export function count(text: string, of: RegExp): number {
  return text.match(of)?.length ?? 0;
}

/** str.isupper and str.islower: some letter has this case, and none has another. */
export function isCase(text: string, wanted: 'upper' | 'lower'): boolean {
  const [own, other] = wanted === 'upper' ? [UPPER, LOWER] : [LOWER, UPPER];
  return own.test(text) && !other.test(text) && !/\p{Lt}/u.test(text);
}

const UPPER = /\p{Uppercase}/u;
const LOWER = /\p{Lowercase}/u;

/** Whether json.loads reads it: as JSON.parse, and NaN and Infinity too. */
export function isPythonJson(text: string): boolean {
  const plain = text.replace(/"(?:[^"\\]|\\[\s\S])*"|-?Infinity|NaN/g, (part) =>
    part.startsWith('"') ? part : 'null',
  );
  try {
    JSON.parse(plain);
    return true;
  } catch {
    return false;
  }
}
