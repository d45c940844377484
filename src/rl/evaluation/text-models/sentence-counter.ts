/**
 * Counts the sentences of a text as nltk 3.10's English Punkt model does (Kiss and Strunk 2006,
 * Computational Linguistics 32, 485-525; nltk/tokenize/punkt.py). A full stop ends a sentence unless it
 * follows an abbreviation, an initial or a number, and the next word does not look like a first word.
 */
import { isCase, nltkPattern as pattern, stripEnd } from '../python-text.ts';

export interface PunktParameters {
  /** Without their last full stop. */
  abbreviations: readonly string[];
  /** Pairs of words between which no sentence ends, separated by a space. */
  collocations: readonly string[];
  /** Words that often begin a sentence. */
  starters: readonly string[];
  /** Words, separated by line breaks, and in which contexts each was seen with which case. */
  words: string;
  contexts: readonly number[];
}

/** Seen with a capital in the middle of a sentence, or anywhere; without one at the start, or anywhere. */
const MIDDLE_UPPER = 4;
const UPPER = 2 + MIDDLE_UPPER + 8;
const FIRST_LOWER = 16;
const LOWER = FIRST_LOWER + 32 + 64;

const NON_WORD = String.raw`[)";}\]*:@'({[\u2018\u2019\u201c\u201d\xab\xbb?!]`;
const MULTIPLE = String.raw`(?:-{2,}|\.{2,}|(?:\.\s){2,}\.)`;
const WORD = pattern(
  String.raw`${MULTIPLE}|(?=[^("${'`'}{[:;&#*@)}\],\-])\S+?(?=\s|$|${NON_WORD}|${MULTIPLE}|,(?=$|\s|${NON_WORD}|${MULTIPLE}))|\S`,
);
/** A mark that may end a sentence, and what follows: punctuation, or the next word. */
const CANDIDATE = pattern(String.raw`[.?!](?=(${NON_WORD}|\s+(\S+)))`);
/** Brackets and quotes after a full stop, which belong to the sentence before. */
const CLOSING = pattern(String.raw`["')\]}\u2018\u2019\u201c\u201d\xab\xbb]+?(?:\s+|(?=--)|$)`);
const INITIAL = pattern(String.raw`(?!\d)\w\.`);
const NUMBER = pattern(String.raw`-?[.,]?\d[\p{Nd},.\-]*\.?`);

/** From `start` to before `end`, in the text. */
interface Span {
  start: number;
  end: number;
}

interface Token {
  text: string;
  type: string;
  isAbbreviation: boolean;
  endsSentence: boolean;
}

export class SentenceCounter {
  private readonly abbreviations: ReadonlySet<string>;
  private readonly collocations: ReadonlySet<string>;
  private readonly starters: ReadonlySet<string>;
  private readonly contexts: ReadonlyMap<string, number>;

  constructor({ abbreviations, collocations, starters, words, contexts }: PunktParameters) {
    this.abbreviations = new Set(abbreviations);
    this.collocations = new Set(collocations);
    this.starters = new Set(starters);
    this.contexts = new Map(words.split('\n').map((word, i) => [word, contexts[i]!]));
  }

  count(text: string): number {
    const spans = this.spans(text);
    let count = 0;
    let moved = 0;
    spans.forEach(({ start, end }, i) => {
      const next = spans[i + 1];
      const rest = next && text.slice(next.start, next.end);
      const closing = rest === undefined ? undefined : atStart(rest, CLOSING);
      if (closing !== undefined || start + moved < end) count++;
      moved = closing?.length ?? 0;
    });
    return count;
  }

  private spans(text: string): Span[] {
    const spans: Span[] = [];
    let start = 0;
    for (const { end, next, context } of candidates(text)) {
      if (!this.hasBreak(context)) continue;
      spans.push({ start, end });
      start = next ?? end;
    }
    return [...spans, { start, end: stripEnd(text).length }];
  }

  /** Whether a sentence ends before the last word. */
  private hasBreak(text: string): boolean {
    const tokens = text.split('\n').flatMap((line) => line.match(WORD) ?? []);
    const marked = tokens.map((token) => this.byItself(token));
    return marked.some((token, i) => {
      const next = marked[i + 1];
      return next !== undefined && this.endsBefore(token, next);
    });
  }

  /** What the word alone says. */
  private byItself(text: string): Token {
    const lower = text.toLowerCase();
    const type = whole(lower, NUMBER) ? '##number##' : lower;
    const token = { text, type, isAbbreviation: false, endsSentence: false };
    if (['.', '?', '!'].includes(text)) return { ...token, endsSentence: true };
    if (!text.endsWith('.') || text.endsWith('..')) return token;
    const bare = lower.slice(0, -1);
    const isAbbreviation =
      this.abbreviations.has(bare) || this.abbreviations.has(bare.split('-').at(-1)!);
    return { ...token, isAbbreviation, endsSentence: !isAbbreviation };
  }

  /** What the next word says of it. */
  private endsBefore(token: Token, next: Token): boolean {
    if (!token.text.endsWith('.')) return token.endsSentence;
    const type = withoutStop(token.type);
    const nextType = next.endsSentence ? withoutStop(next.type) : next.type;
    const isInitial = whole(token.text, INITIAL);
    const context = this.contexts.get(nextType) ?? 0;
    if (this.collocations.has(`${type} ${nextType}`)) return false;
    const begins = beginsSentence(next.text, context);
    const isUpper = isCase(first(next.text), 'upper');
    if ((token.isAbbreviation || /^\.\.+$/.test(token.text)) && !isInitial) {
      if (begins === true) return true;
      if (isUpper && this.starters.has(nextType)) return true;
    }
    if (isInitial || type === '##number##') {
      if (begins === false) return false;
      if (begins === undefined && isInitial && isUpper && !(context & LOWER)) return false;
    }
    return token.endsSentence;
  }
}

/** Whether a word looks like the first of a sentence; undefined if it may or may not. */
function beginsSentence(word: string, context: number): boolean | undefined {
  if (/^[;:,.!?]$/.test(word)) return false;
  const letter = first(word);
  if (isCase(letter, 'upper') && context & LOWER && !(context & MIDDLE_UPPER)) return true;
  if (isCase(letter, 'lower') && (context & UPPER || !(context & FIRST_LOWER))) return false;
  return undefined;
}

interface Candidate {
  /** After the mark. */
  end: number;
  /** Where the next word begins. */
  next: number | undefined;
  /** The word with its mark, and what follows. */
  context: string;
}

/** Of marks at one word, only the last counts. */
function candidates(text: string): Candidate[] {
  const found: Candidate[] = [];
  let before: Span = { start: 0, end: 0 };
  let last: Candidate | undefined;
  for (const match of text.matchAll(CANDIDATE)) {
    const { index, 1: after = '', 2: nextWord } = match;
    const space = lastSpace(text.slice(before.end, index));
    const start = space ? space + before.end + 1 : before.start;
    if (last && before.end <= start) found.push(last);
    before = { start, end: index };
    const end = index + 1;
    last = {
      end,
      next: nextWord === undefined ? undefined : end + after.length - nextWord.length,
      context: text.slice(start, end) + after,
    };
  }
  return last ? [...found, last] : found;
}

/** The place of the last white space; 0 if there is none, or only there. */
function lastSpace(text: string): number {
  return Math.max(0, text.search(/[ \t\n\r\v\f][^ \t\n\r\v\f]*$/));
}

const first = (word: string): string => Array.from(word)[0] ?? '';

const withoutStop = (type: string): string =>
  type.length > 1 && type.endsWith('.') ? type.slice(0, -1) : type;

/** What the pattern matches at the start of the text. */
function atStart(text: string, of: RegExp): string | undefined {
  const match = text.matchAll(of).next().value;
  return match?.index === 0 ? match[0] : undefined;
}

const whole = (text: string, of: RegExp): boolean => atStart(text, of) === text;
