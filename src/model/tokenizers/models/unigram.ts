/**
 * Unigram, as the library tokenizers (models/unigram) does: of all ways to cut a word into tokens, the one
 * with the highest sum of scores.
 */
import { Vocabulary, type Token, type TokenModel } from './model.ts';

/** `model` of a tokenizer.json with the type Unigram. */
export interface UnigramFields {
  readonly vocab: readonly (readonly [token: string, score: number])[];
  readonly unk_id?: number | null;
  readonly byte_fallback?: boolean;
}

/** The score of an unknown character is this much below the lowest one. */
const UNKNOWN_PENALTY = 10;

/** The best way to the end of a token, whose last token begins at `start`. */
interface Path {
  readonly start: number;
  readonly score: number;
  readonly isUnknown: boolean;
}

export class UnigramModel implements TokenModel {
  readonly vocabulary: Vocabulary;
  private readonly scores: readonly number[];
  private readonly unknown: number | undefined;
  private readonly unknownScore: number;
  /** In UTF-16 units. */
  private readonly longest: number;

  constructor(private readonly fields: UnigramFields) {
    const { vocab } = fields;
    this.vocabulary = new Vocabulary(vocab.map(([token], id) => [token, id]));
    this.scores = vocab.map(([, score]) => score);
    this.unknown = fields.unk_id ?? undefined;
    if (this.unknown !== undefined && !(this.unknown in this.scores)) {
      throw new Error(`unk_id of Unigram is ${this.unknown}, which the vocabulary does not have`);
    }
    this.unknownScore =
      this.scores.reduce((least, score) => Math.min(least, score), Infinity) - UNKNOWN_PENALTY;
    this.longest = vocab.reduce((most, [token]) => Math.max(most, token.length), 0);
  }

  /** Unknown characters next to one another are one token. */
  tokens(word: string): Token[] {
    const paths = this.bestPaths(word);
    const texts: string[] = [];
    let unknown = '';
    const write = (text: string): void => {
      if (text !== '') texts.push(text);
    };
    for (let end = word.length; end > 0;) {
      const { start, isUnknown } = paths[end]!;
      const text = word.slice(start, end);
      if (isUnknown) unknown = text + unknown;
      else {
        write(unknown);
        unknown = '';
        write(text);
      }
      end = start;
    }
    write(unknown);
    return texts.reverse().flatMap((text) => this.asTokens(text));
  }

  private asTokens(text: string): Token[] {
    const id = this.vocabulary.id(text);
    if (id !== undefined) return [{ id, text }];
    const bytes = this.fields.byte_fallback ? this.vocabulary.bytes(text) : undefined;
    return bytes ?? [{ id: this.unknown, text }];
  }

  /** By the end of a path. Of equally good ones, the one whose last token is longest. */
  private bestPaths(word: string): (Path | undefined)[] {
    const paths = new Array<Path | undefined>(word.length + 1);
    const reach = (end: number, path: Path): void => {
      const before = paths[end];
      if (!before || path.score > before.score) paths[end] = path;
    };
    for (let start = 0; start < word.length;) {
      const till = paths[start]?.score ?? 0;
      const single = word.codePointAt(start)! > 0xffff ? 2 : 1;
      let hasSingle = false;
      const last = Math.min(word.length, start + this.longest);
      for (let end = start + 1; end <= last; end++) {
        const id = this.vocabulary.id(word.slice(start, end));
        if (id === undefined) continue;
        hasSingle ||= end === start + single;
        const isUnknown = id === this.unknown;
        reach(end, { start, score: this.scores[id]! + till, isUnknown });
      }
      if (!hasSingle) {
        reach(start + single, { start, score: this.unknownScore + till, isUnknown: true });
      }
      start += single;
    }
    return paths;
  }
}
