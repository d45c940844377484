/**
 * Verifiable instructions of IFEval (Zhou et al. 2023, arXiv 2311.07911; instructions.py of
 * google-research/instruction_following_eval), by their ids. language:response_language is missing,
 * because it needs a language detector; for the same reason english_capital and english_lowercase check
 * only the case. Two differences: keywords are literal, not regular expressions, and sentences end at
 * . ! or ? before white space, not where nltk's model ends them.
 */

export type Kwargs = Readonly<Record<string, unknown>>;

export interface Instruction {
  id: string;
  kwargs: Kwargs;
}

/** undefined if a needed argument is missing. */
export type Check = (response: string, kwargs: Kwargs) => boolean | undefined;

export const ifevalChecks: Readonly<Record<string, Check>> = {
  'keywords:existence': (text, { keywords }) =>
    texts(keywords)?.every((word) => occurrences(text, word) > 0),
  'keywords:frequency': (text, { keyword, frequency, relation }) =>
    typeof keyword === 'string'
      ? compare(occurrences(text, keyword.trim()), relation, frequency)
      : undefined,
  'keywords:forbidden_words': (text, { forbidden_words: words }) =>
    texts(words)?.every((word) => !new RegExp(`\\b${escaped(word)}\\b`, 'i').test(text)),
  'keywords:letter_frequency': (text, { letter, let_frequency, let_relation }) =>
    typeof letter === 'string'
      ? compare(
          text.toLowerCase().split(letter.trim().toLowerCase()).length - 1,
          let_relation,
          let_frequency,
        )
      : undefined,
  'length_constraints:number_words': (text, { num_words, relation }) =>
    compare(text.match(/[\p{L}\p{N}_]+/gu)?.length ?? 0, relation, num_words),
  'length_constraints:number_sentences': (text, { num_sentences, relation }) =>
    compare(text.split(/(?<=[.!?])\s+/).filter((s) => s.trim()).length, relation, num_sentences),
  'length_constraints:number_paragraphs': (text, { num_paragraphs: wanted }) => {
    if (typeof wanted !== 'number') return undefined;
    const parts = text.split(/\s?\*\*\*\s?/);
    const inner = parts.slice(1, -1);
    if (inner.some((part) => !part.trim())) return false;
    return parts.filter((part) => part.trim()).length === wanted;
  },
  'length_constraints:nth_paragraph_first_word': (text, kwargs) => {
    const { num_paragraphs: wanted, nth_paragraph: nth, first_word: word } = kwargs;
    if (typeof wanted !== 'number' || typeof nth !== 'number' || typeof word !== 'string') {
      return undefined;
    }
    const paragraphs = text.split('\n\n');
    const count = paragraphs.filter((paragraph) => paragraph.trim()).length;
    const [first = ''] = (paragraphs[nth - 1] ?? '').trim().split(/\s+/);
    const bare = /^['"]*([^.,?!'"]*)/.exec(first)?.[1] ?? '';
    return nth <= count && count === wanted && bare.toLowerCase() === word.toLowerCase();
  },
  'detectable_content:number_placeholders': (text, { num_placeholders: least }) =>
    compare(text.match(/\[.*?\]/g)?.length ?? 0, 'at least', least),
  'detectable_content:postscript': (text, { postscript_marker: marker }) => {
    if (typeof marker !== 'string') return undefined;
    if (marker.trim() === 'P.P.S') return /p\.\s?p\.\s?s/i.test(text);
    if (marker.trim() === 'P.S.') return /p\.\s?s\./i.test(text);
    return text.toLowerCase().includes(marker.trim().toLowerCase());
  },
  'detectable_format:number_bullet_lists': (text, { num_bullets: wanted }) =>
    typeof wanted === 'number'
      ? lines(text, /^\s*\*[^*]/) + lines(text, /^\s*-/) === wanted
      : undefined,
  'detectable_format:constrained_response': (text) =>
    ['My answer is yes.', 'My answer is no.', 'My answer is maybe.'].some((option) =>
      text.includes(option),
    ),
  'detectable_format:number_highlighted_sections': (text, { num_highlights: least }) => {
    const single = text.match(/\*[^\n*]*\*/g) ?? [];
    const double = text.match(/\*\*[^\n*]*\*\*/g) ?? [];
    const filled = [...single, ...double].filter((section) => section.replaceAll('*', '').trim());
    return compare(filled.length, 'at least', least);
  },
  'detectable_format:multiple_sections': (text, kwargs) => {
    const { section_spliter: word, num_sections: least } = kwargs;
    if (typeof word !== 'string') return undefined;
    const starts = text.match(new RegExp(`${escaped(word.trim())}\\s?\\d+`, 'g'))?.length ?? 0;
    return compare(starts, 'at least', least);
  },
  'detectable_format:json_format': (text) =>
    isJson(
      text
        .trim()
        .replace(/^```(?:json)?/i, '')
        .replace(/```$/, '')
        .trim(),
    ),
  'detectable_format:title': (text) =>
    (text.match(/<<[^\n]+>>/g) ?? []).some((title) => title.replace(/^<+|>+$/g, '').trim() !== ''),
  'combination:two_responses': (text) => {
    const parts = text.split('******');
    if (parts.slice(1, -1).some((part) => !part.trim())) return false;
    const filled = parts.map((part) => part.trim()).filter(Boolean);
    return filled.length === 2 && filled[0] !== filled[1];
  },
  'combination:repeat_prompt': (text, { prompt_to_repeat: prompt }) =>
    typeof prompt === 'string'
      ? text.trim().toLowerCase().startsWith(prompt.trim().toLowerCase())
      : undefined,
  'startend:end_checker': (text, { end_phrase: phrase }) =>
    typeof phrase === 'string'
      ? text
          .trim()
          .replace(/^"+|"+$/g, '')
          .toLowerCase()
          .endsWith(phrase.trim().toLowerCase())
      : undefined,
  'startend:quotation': (text) => /^".*"$/s.test(text.trim()),
  'change_case:capital_word_frequency': (text, kwargs) =>
    compare(
      text.split(/[^\p{L}\p{N}'-]+/u).filter((word) => isCase(word, 'upper')).length,
      kwargs.capital_relation,
      kwargs.capital_frequency,
    ),
  'change_case:english_capital': (text) => isCase(text, 'upper'),
  'change_case:english_lowercase': (text) => isCase(text, 'lower'),
  'punctuation:no_comma': (text) => !text.includes(','),
};

function compare(count: number, relation: unknown, wanted: unknown): boolean | undefined {
  if (typeof wanted !== 'number') return undefined;
  if (relation === 'less than') return count < wanted;
  return relation === 'at least' ? count >= wanted : undefined;
}

function texts(value: unknown): string[] | undefined {
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'string')) return undefined;
  return value;
}

function occurrences(text: string, word: string): number {
  return text.match(new RegExp(escaped(word), 'gi'))?.length ?? 0;
}

function lines(text: string, pattern: RegExp): number {
  return text.split('\n').filter((line) => pattern.test(line)).length;
}

function escaped(word: string): string {
  return word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** As Python's isupper and islower: at least one letter has a case, and all letters with a case have this one. */
function isCase(text: string, wanted: 'upper' | 'lower'): boolean {
  const [own, other] = wanted === 'upper' ? [/\p{Lu}/u, /\p{Ll}/u] : [/\p{Ll}/u, /\p{Lu}/u];
  return own.test(text) && !other.test(text);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
