/**
 * Detects the language of a text as langdetect 1.0.9 does (Shuyo 2010, "Language Detection Library for
 * Java"): naive Bayes on runs of one to three letters, which are drawn from the text at random until one
 * language is nearly certain, seven times over. langdetect draws differently in every process; here the
 * seed is 0, as with its DetectorFactory.seed = 0.
 */
import { PythonRandom } from '../python-random.ts';
import { isCase } from '../python-text.ts';

export interface LanguageProfiles {
  /** Code, number of runs of one, two and three letters, and the runs with their counts. */
  languages: readonly (readonly [
    code: string,
    totals: readonly number[],
    /** Separated by line breaks. */
    runs: string,
    counts: readonly number[],
  ])[];
  /** Characters of Latin-1 that count as white space. */
  latin1_excluded: string;
  /** Groups of Chinese characters; the first of each stands for all. */
  kanji: readonly string[];
  /** A letter, and a mark that joins it in Vietnamese: `joined[mark][letter]`. */
  vietnamese: { letters: string; marks: string; joined: readonly string[] };
}

const SEED = 0;
const TRIALS = 7;
const ALPHA = 0.5;
const ALPHA_WIDTH = 0.05;
const BASE_FREQUENCY = 10_000;
const MOST_DRAWS = 1000;
const CERTAIN = 0.99999;
const LEAST_PROBABILITY = 0.1;
const LONGEST_TEXT = 10_000;
const LONGEST_RUN = 3;

const ADDRESS = /https?:\/\/[-_.?&~;+=/#0-9A-Za-z]{1,2076}/g;
const MAIL = /[-_.0-9A-Za-z]{1,64}@[-_0-9A-Za-z]{1,255}[-_.0-9A-Za-z]{1,255}/g;

/** Languages, by number, and how likely each writes a run. */
type Likelihoods = readonly (readonly [language: number, probability: number])[];

export class LanguageDetector {
  private readonly codes: string[];
  private readonly likelihoods = new Map<string, [number, number][]>();
  private readonly simplified = new Map<string, string>();
  private readonly vietnamese: RegExp;

  constructor(private readonly profiles: LanguageProfiles) {
    this.codes = profiles.languages.map(([code]) => code);
    profiles.languages.forEach(([, totals, runs, counts], language) => {
      runs.split('\n').forEach((run, i) => {
        const known = this.likelihoods.get(run) ?? [];
        known.push([language, counts[i]! / totals[Array.from(run).length - 1]!]);
        this.likelihoods.set(run, known);
      });
    });
    for (const group of profiles.kanji) {
      const [first = ''] = group;
      for (const character of group) this.simplified.set(character, first);
    }
    const { letters, marks } = profiles.vietnamese;
    this.vietnamese = new RegExp(`([${letters}])([${marks}])`, 'gu');
  }

  /** The code of the language, `unknown` if none is likely, or undefined for a text without letters. */
  detect(text: string): string | undefined {
    const runs = this.runsOf(withoutLatin(this.prepared(text)));
    if (runs.length === 0) return undefined;
    const random = new PythonRandom(SEED);
    const sums = this.codes.map(() => 0);
    for (let trial = 0; trial < TRIALS; trial++) {
      this.trial(runs, random).forEach((probability, i) => (sums[i]! += probability / TRIALS));
    }
    const best = sums.indexOf(Math.max(...sums));
    return sums[best]! > LEAST_PROBABILITY ? this.codes[best]! : 'unknown';
  }

  private trial(runs: readonly string[], random: PythonRandom): number[] {
    const probabilities = this.codes.map(() => 1 / this.codes.length);
    const weight = (ALPHA + random.gauss() * ALPHA_WIDTH) / BASE_FREQUENCY;
    for (let draw = 0; ; draw++) {
      const seen = this.likelihoods.get(runs[random.below(runs.length)]!)!;
      multiply(probabilities, seen, weight);
      if (draw % 5 === 0 && (normalize(probabilities) > CERTAIN || draw >= MOST_DRAWS)) {
        return probabilities;
      }
    }
  }

  private prepared(text: string): string[] {
    const { letters, marks, joined } = this.profiles.vietnamese;
    const plain = text
      .replace(ADDRESS, ' ')
      .replace(MAIL, ' ')
      .replace(
        this.vietnamese,
        (_, letter: string, mark: string) => joined[marks.indexOf(mark)]![letters.indexOf(letter)]!,
      );
    return Array.from(plain)
      .slice(0, LONGEST_TEXT)
      .filter((char, i, all) => char !== ' ' || all[i - 1] !== ' ');
  }

  /** The runs that some language has, of words that are not in capitals. */
  private runsOf(chars: readonly string[]): string[] {
    const found: string[] = [];
    let window = [' '];
    let inCapitals = false;
    for (const raw of chars) {
      const char = this.normalized(raw);
      const last = window.at(-1)!;
      if (last === ' ') {
        window = [' '];
        inCapitals = false;
      } else if (window.length === LONGEST_RUN) window.shift();
      if (last !== ' ' || char !== ' ') {
        window.push(char);
        if (!isCase(char, 'upper')) inCapitals = false;
        else if (isCase(last, 'upper')) inCapitals = true;
      }
      if (inCapitals) continue;
      for (let length = 1; length <= window.length; length++) {
        const run = window.slice(-length).join('');
        if (run !== ' ' && this.likelihoods.has(run)) found.push(run);
      }
    }
    return found;
  }

  private normalized(char: string): string {
    const code = char.codePointAt(0)!;
    const within = (first: number, last: number): boolean => code >= first && code <= last;
    if (code < 0x80) return /[A-Za-z]/.test(char) ? char : ' ';
    if (within(0x80, 0xff)) return this.profiles.latin1_excluded.includes(char) ? ' ' : char;
    // With a comma below, as with a cedilla.
    if (char === '\u0219') return '\u015f';
    if (char === '\u021b') return '\u0163';
    if (within(0x2000, 0x206f)) return ' ';
    // Farsi yeh, as Arabic yeh.
    if (char === '\u06cc') return '\u064a';
    if (within(0x1ea0, 0x1eff)) return '\u1ec3';
    if (within(0x3040, 0x309f)) return '\u3042';
    if (within(0x30a0, 0x30ff)) return '\u30a2';
    if (within(0x3100, 0x312f) || within(0x31a0, 0x31bf)) return '\u3105';
    if (within(0xac00, 0xd7af)) return '\uac00';
    return this.simplified.get(char) ?? char;
  }
}

/** Leaves out Latin letters where other letters are more than twice as many. */
function withoutLatin(chars: readonly string[]): readonly string[] {
  const isLatin = (char: string): boolean => char >= 'A' && char <= 'z';
  const isOther = (char: string): boolean => {
    const code = char.codePointAt(0)!;
    return code >= 0x300 && (code < 0x1e00 || code > 0x1eff);
  };
  const latin = chars.filter(isLatin).length;
  return 2 * latin < chars.filter(isOther).length ? chars.filter((char) => !isLatin(char)) : chars;
}

function multiply(probabilities: number[], seen: Likelihoods, weight: number): void {
  const factors = probabilities.map(() => weight);
  for (const [language, probability] of seen) factors[language]! += probability;
  factors.forEach((factor, i) => (probabilities[i]! *= factor));
}

/** @returns the largest */
function normalize(probabilities: number[]): number {
  const sum = probabilities.reduce((total, probability) => total + probability, 0);
  probabilities.forEach((probability, i) => (probabilities[i] = probability / sum));
  return Math.max(...probabilities);
}
