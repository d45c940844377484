/**
 * Verifiable instructions of IFEval (Zhou et al. 2023, arXiv 2311.07911), by their ids, as lm-eval 0.4.13
 * checks them (tasks/ifeval/instructions.py). tests/golden/ifeval.test.ts compares them. The rules of
 * language and sentences need TextModels, and cannot be judged without them.
 */
import { count, isCase, isPythonJson, nltkPattern, pattern, strip, words } from './python-text.ts';
import type { TextModels } from './text-models/text-models.ts';
import { treebankWords } from './treebank.ts';

export type Kwargs = Readonly<Record<string, unknown>>;

export interface Instruction {
  id: string;
  kwargs: Kwargs;
}

/** undefined if a needed argument, or a model of language, is missing. */
export type Check = (response: string, kwargs: Kwargs, models?: TextModels) => boolean | undefined;

export const ifevalChecks: Readonly<Record<string, Check>> = {
  'keywords:existence': (text, { keywords }) =>
    texts(keywords)?.every((word) => count(text, keywordPattern(word)) > 0),
  'keywords:frequency': (text, { keyword, frequency, relation }) =>
    typeof keyword === 'string'
      ? compare(count(text, keywordPattern(strip(keyword))), relation, frequency)
      : undefined,
  'keywords:forbidden_words': (text, { forbidden_words: words }) =>
    texts(words)?.every((word) => count(text, keywordPattern(word, String.raw`\b`)) === 0),
  'keywords:letter_frequency': (text, { letter, let_frequency, let_relation }) =>
    typeof letter === 'string'
      ? compare(
          text.toLowerCase().split(strip(letter).toLowerCase()).length - 1,
          let_relation,
          let_frequency,
        )
      : undefined,
  'length_constraints:number_words': (text, { num_words, relation }) =>
    compare(count(text, nltkPattern(String.raw`\w+`)), relation, num_words),
  'length_constraints:number_sentences': (text, { num_sentences, relation }, models) =>
    models && compare(models.sentencesIn(text), relation, num_sentences),
  'length_constraints:number_paragraphs': (text, { num_paragraphs: wanted }) => {
    if (typeof wanted !== 'number') return undefined;
    const parts = text.split(pattern(String.raw`\s?\*\*\*\s?`)).map(strip);
    if (parts.slice(1, -1).includes('')) return false;
    return parts.filter(Boolean).length === wanted;
  },
  'length_constraints:nth_paragraph_first_word': (text, kwargs) => {
    const { num_paragraphs: wanted, nth_paragraph: nth, first_word: word } = kwargs;
    if (typeof wanted !== 'number' || typeof nth !== 'number' || typeof word !== 'string') {
      return undefined;
    }
    // In the original, a number outside of the text is replaced by a random one.
    if (nth < 1 || nth > wanted) return undefined;
    const paragraphs = text.split('\n\n').map(strip);
    const filled = paragraphs.filter(Boolean).length;
    const [first = ''] = words(paragraphs[nth - 1] ?? '');
    const bare = /^[^.,?!'"]*/u.exec(first.replace(/^'+/, '').replace(/^"+/, ''))![0];
    // Letter by letter, as in the original: the sigma at the end of a word becomes σ, not ς.
    const lower = Array.from(bare, (letter) => letter.toLowerCase()).join('');
    return first !== '' && nth <= filled && filled === wanted && lower === word.toLowerCase();
  },
  'detectable_content:number_placeholders': (text, { num_placeholders: least }) =>
    compare(count(text, pattern(String.raw`\[.*?\]`)), 'at least', least),
  'detectable_content:postscript': (text, { postscript_marker: marker }) => {
    if (typeof marker !== 'string') return undefined;
    const own = strip(marker);
    const lower = text.toLowerCase();
    if (own === 'P.P.S') return count(lower, pattern(String.raw`p\.\s?p\.\s?s`)) > 0;
    if (own === 'P.S.') return count(lower, pattern(String.raw`p\.\s?s\.`)) > 0;
    return count(lower, keywordPattern(own.toLowerCase())) > 0;
  },
  'detectable_format:number_bullet_lists': (text, { num_bullets: wanted }) =>
    typeof wanted === 'number'
      ? count(text, pattern(String.raw`^\s*\*[^*].*$`)) +
          count(text, pattern(String.raw`^\s*-.*$`)) ===
        wanted
      : undefined,
  'detectable_format:constrained_response': (text) =>
    ['My answer is yes.', 'My answer is no.', 'My answer is maybe.'].some((option) =>
      text.includes(option),
    ),
  'detectable_format:number_highlighted_sections': (text, { num_highlights: least }) => {
    const single = text.match(/\*[^\n*]*\*/g) ?? [];
    const double = text.match(/\*\*[^\n*]*\*\*/g) ?? [];
    const filled = [
      ...single.filter((section) => strip(section.replace(/^\*+|\*+$/g, ''))),
      ...double.filter((section) => strip(section.replace(/^\*\*|\*\*$/g, ''))),
    ];
    return compare(filled.length, 'at least', least);
  },
  'detectable_format:multiple_sections': (text, kwargs) => {
    const { section_spliter: word, num_sections: least } = kwargs;
    if (typeof word !== 'string') return undefined;
    const starts = count(text, keywordPattern(strip(word), '', String.raw`\s?\d+\s?`));
    return compare(starts, 'at least', least);
  },
  'detectable_format:json_format': (text) =>
    isPythonJson(
      strip(
        ['```json', '```Json', '```JSON', '```']
          .reduce(
            (rest, start) => (rest.startsWith(start) ? rest.slice(start.length) : rest),
            strip(text),
          )
          .replace(/```$/, ''),
      ),
    ),
  'detectable_format:title': (text) =>
    (text.match(/<<[^\n]+>>/g) ?? []).some(
      (title) => strip(title.replace(/^<+/, '').replace(/>+$/, '')) !== '',
    ),
  'combination:two_responses': (text) => {
    const parts = text.split('******').map(strip);
    if (parts.slice(1, -1).includes('')) return false;
    const filled = parts.filter(Boolean);
    return filled.length === 2 && filled[0] !== filled[1];
  },
  'combination:repeat_prompt': (text, { prompt_to_repeat: prompt }) =>
    typeof prompt === 'string'
      ? strip(text).toLowerCase().startsWith(strip(prompt).toLowerCase())
      : undefined,
  'startend:end_checker': (text, { end_phrase: phrase }) =>
    typeof phrase === 'string'
      ? strip(text)
          .replace(/^"+|"+$/g, '')
          .toLowerCase()
          .endsWith(strip(phrase).toLowerCase())
      : undefined,
  'startend:quotation': (text) => /^".*"$/s.test(strip(text)),
  'change_case:capital_word_frequency': (text, kwargs) =>
    compare(
      treebankWords(text).filter((word) => isCase(word, 'upper')).length,
      kwargs.capital_relation,
      kwargs.capital_frequency,
    ),
  'change_case:english_capital': (text, _, models) =>
    models && isCase(text, 'upper') && isIn(text, 'en', models),
  'change_case:english_lowercase': (text, _, models) =>
    models && isCase(text, 'lower') && isIn(text, 'en', models),
  'language:response_language': (text, { language }, models) =>
    models && typeof language === 'string' ? isIn(text, language, models) : undefined,
  'punctuation:no_comma': (text) => !text.includes(','),
};

/** As in the original, a text without letters is in every language. */
function isIn(text: string, language: string, models: TextModels): boolean {
  return [language, undefined].includes(models.languageOf(text));
}

function compare(count: number, relation: unknown, wanted: unknown): boolean | undefined {
  if (typeof wanted !== 'number') return undefined;
  if (relation === 'less than') return count < wanted;
  return relation === 'at least' ? count >= wanted : undefined;
}

function texts(value: unknown): string[] | undefined {
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'string')) return undefined;
  return value;
}

/** A keyword is a regular expression, as in the original; one that JavaScript cannot read is literal. */
function keywordPattern(keyword: string, before = '', after = before): RegExp {
  const flags = after === before ? 'i' : '';
  try {
    return pattern(`${before}${keyword}${after}`, flags);
  } catch {
    return pattern(`${before}${keyword.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}${after}`, flags);
  }
}
