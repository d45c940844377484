/**
 * The tokens of a template, by the rules of jinja2/lexer.py with `trim_blocks` and `lstrip_blocks`,
 * which transformers sets: a line end after a block tag or comment goes, and so does the white space
 * before one that stands first in its line.
 */
import { TemplateError } from './errors.ts';
import { SPACE, stripEnd } from './text.ts';

export type TokenKind =
  | 'data'
  | 'blockBegin'
  | 'blockEnd'
  | 'outputBegin'
  | 'outputEnd'
  | 'name'
  | 'string'
  | 'integer'
  | 'float'
  | 'operator'
  | 'end';

export interface Token {
  readonly kind: TokenKind;
  readonly value: string;
}

const S = `[${SPACE}]*`;
/** The opening of a tag; group 2 is its sign, - or +. */
const OPENING = new RegExp(
  `(\\{%[-+]?${S}raw${S}(?:-%\\}${S}|%\\}))|(?:\\{%|\\{\\{|\\{#)([-+]?)`,
  'g',
);
const RAW_SIGN = /^\{%([-+]?)/;
const COMMENT_END = new RegExp(`\\+#\\}|-#\\}${S}|#\\}\\n?`, 'g');
const RAW_END = new RegExp(`\\{%([-+]?)${S}endraw${S}(?:\\+%\\}|-%\\}${S}|%\\}\\n?)`, 'g');
const BLOCK_END = new RegExp(`\\+%\\}|-%\\}${S}|%\\}\\n?`, 'y');
const OUTPUT_END = new RegExp(`-\\}\\}${S}|\\}\\}`, 'y');

/** In this order: of two that match, the first is taken. */
const INSIDE: readonly [TokenKind | 'space', RegExp][] = [
  ['space', new RegExp(`[${SPACE}]+`, 'y')],
  ['float', /(?<!\.)(?:\d+_)*\d+(?:(?:\.(?:\d+_)*\d+)?[eE][+-]?(?:\d+_)*\d+|\.(?:\d+_)*\d+)/y],
  [
    'integer',
    /0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0[xX](?:_?[\da-fA-F])+|[1-9](?:_?\d)*|0(?:_?0)*/y,
  ],
  ['name', /[\p{L}\p{N}\p{M}_]+/uy],
  ['string', /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"/sy],
  ['operator', /\/\/|\*\*|==|!=|>=|<=|[-+/*%~[\](){}<>=.:|,;]/y],
];

const CLOSING: Record<string, string> = { '(': ')', '[': ']', '{': '}' };

/** @throws TemplateError for a tag or string that does not end, or a character that has no meaning */
export function tokenize(template: string): Token[] {
  const source = template.replace(/\r\n?/g, '\n').replace(/\n$/, '');
  const tokens: Token[] = [];
  let at = 0;
  let lineStart = true;

  /** Text up to `end`, without the white space that the sign of the tag after it takes away. */
  const pushData = (end: number, sign: string, isOutput: boolean): void => {
    let text = source.slice(at, end);
    if (sign === '-') text = stripEnd(text);
    else if (sign !== '+' && !isOutput) {
      const line = text.lastIndexOf('\n') + 1;
      if ((line > 0 || lineStart) && stripEnd(text.slice(line)) === '') text = text.slice(0, line);
    }
    if (text !== '') tokens.push({ kind: 'data', value: text });
  };
  const moveTo = (end: number): void => {
    at = end;
    lineStart = source[end - 1] === '\n';
  };
  /** The next match from `at` on. */
  const find = (pattern: RegExp, missing: string): RegExpExecArray => {
    pattern.lastIndex = at;
    const match = pattern.exec(source);
    if (!match) throw new TemplateError(missing);
    return match;
  };

  while (at < source.length) {
    OPENING.lastIndex = at;
    const opening = OPENING.exec(source);
    if (!opening) {
      tokens.push({ kind: 'data', value: source.slice(at) });
      break;
    }
    const tag = opening[0].slice(0, 2);
    const raw = opening[1] !== undefined;
    pushData(opening.index, (raw ? RAW_SIGN.exec(opening[0])![1] : opening[2]) ?? '', tag === '{{');
    moveTo(opening.index + opening[0].length);
    if (raw) {
      const end = find(RAW_END, 'Missing end of raw directive');
      pushData(end.index, end[1]!, false);
      moveTo(end.index + end[0].length);
    } else if (tag === '{#') {
      const end = find(COMMENT_END, 'Missing end of comment tag');
      moveTo(end.index + end[0].length);
    } else {
      moveTo(tokenizeTag(source, at, tag === '{%', tokens));
    }
  }
  tokens.push({ kind: 'end', value: '' });
  return tokens;
}

/** The tokens from `start` to the end of a tag, and where it ends. */
function tokenizeTag(source: string, start: number, block: boolean, tokens: Token[]): number {
  const [endPattern, end] = block
    ? ([BLOCK_END, 'blockEnd'] as const)
    : ([OUTPUT_END, 'outputEnd'] as const);
  tokens.push({ kind: block ? 'blockBegin' : 'outputBegin', value: '' });
  const open: string[] = [];
  let at = start;
  for (;;) {
    const closing = open.length === 0 ? matchAt(endPattern, source, at) : undefined;
    if (closing !== undefined) {
      tokens.push({ kind: end, value: '' });
      return at + closing.length;
    }
    const [kind, text] = nextInside(source, at);
    at += text.length;
    if (kind === 'space') continue;
    if (kind === 'operator') balance(open, text);
    tokens.push({ kind, value: kind === 'string' ? unescape(text.slice(1, -1)) : text });
  }
}

function nextInside(source: string, at: number): [TokenKind | 'space', string] {
  for (const [kind, pattern] of INSIDE) {
    const text = matchAt(pattern, source, at);
    if (text !== undefined) return [kind, text];
  }
  const what = source[at] === undefined ? 'end of template' : `char '${source[at]}'`;
  throw new TemplateError(`unexpected ${what} inside a tag`);
}

function matchAt(pattern: RegExp, source: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(source)?.[0];
}

function balance(open: string[], text: string): void {
  const closes = CLOSING[text];
  if (closes !== undefined) open.push(closes);
  else if (text === ')' || text === ']' || text === '}') {
    const wanted = open.pop();
    if (wanted !== text) {
      const hint = wanted === undefined ? '' : `, expected '${wanted}'`;
      throw new TemplateError(`unexpected '${text}'${hint}`);
    }
  }
}

const ESCAPES: Record<string, string> = {
  ...{ n: '\n', t: '\t', r: '\r', b: '\b', f: '\f', v: '\v', a: '\x07' },
  ...{ "'": "'", '"': '"', '\\': '\\', '\n': '' },
};

/** Escape sequences as Python's unicode-escape reads them: those that it does not know stay. */
function unescape(text: string): string {
  return text.replace(
    /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{1,3})|([xuUN])|([^]))/g,
    (whole: string, ...groups: (string | undefined)[]) => {
      const [x, u, long, octal, cut, one] = groups;
      if (cut !== undefined) throw new TemplateError(`truncated \\${cut} escape in a string`);
      const hex = x ?? u ?? long;
      if (hex !== undefined) return String.fromCodePoint(parseInt(hex, 16));
      if (octal !== undefined) return String.fromCharCode(parseInt(octal, 8));
      return ESCAPES[one!] ?? whole;
    },
  );
}
