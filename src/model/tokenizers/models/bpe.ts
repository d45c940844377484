/**
 * Byte pair encoding, as the library tokenizers (models/bpe) does: the characters of a word become ids, and
 * of the pairs of neighbours that have a merge, the one listed first is merged, the leftmost of equal ones.
 */
import { MergeQueue } from './merge-queue.ts';
import { Vocabulary, type Token, type TokenModel } from './model.ts';

/** `model` of a tokenizer.json with the type BPE. */
export interface BytePairFields {
  readonly vocab: Readonly<Record<string, number>>;
  readonly merges: readonly (string | readonly [string, string])[];
  readonly unk_token?: string | null;
  readonly continuing_subword_prefix?: string | null;
  readonly end_of_word_suffix?: string | null;
  readonly fuse_unk?: boolean;
  readonly byte_fallback?: boolean;
  readonly ignore_merges?: boolean;
  readonly dropout?: number | null;
}

/** Two ids as one number: ids are below this (src/model/vocabulary.ts). */
const IDS = 2 ** 24;
/** Longer words are rare; they would fill the memory. */
const LONGEST_KEPT = 256;
const KEPT_WORDS = 10_000;

export class BytePairModel implements TokenModel {
  readonly vocabulary: Vocabulary;
  private readonly prefix: string;
  private readonly suffix: string;
  /** Of two ids, which merge they have. */
  private readonly ranks = new Map<number, number>();
  /** What each merge makes. */
  private readonly made: number[] = [];
  private readonly kept = new Map<string, Token[]>();

  /** @throws Error for a merge of what the vocabulary does not have, or for random merges */
  constructor(private readonly fields: BytePairFields) {
    if (fields.dropout)
      throw new Error('dropout of BPE, which cuts texts at random, is not computed');
    this.vocabulary = new Vocabulary(Object.entries(fields.vocab));
    this.prefix = fields.continuing_subword_prefix ?? '';
    this.suffix = fields.end_of_word_suffix ?? '';
    for (const merge of fields.merges) {
      const parts: readonly string[] = typeof merge === 'string' ? merge.split(' ') : merge;
      const [left = '', right = ''] = parts;
      if (parts.length !== 2) {
        throw new Error(`the merge ${JSON.stringify(merge)} does not have two tokens`);
      }
      const pair = this.known(left) * IDS + this.known(right);
      this.ranks.set(pair, this.made.length);
      this.made.push(this.known(left + right.slice(this.prefix.length)));
    }
  }

  private known(token: string): number {
    const id = this.vocabulary.id(token);
    if (id !== undefined) return id;
    throw new Error(`a merge has ${JSON.stringify(token)}, which the vocabulary does not have`);
  }

  tokens(word: string): Token[] {
    const whole = this.fields.ignore_merges ? this.vocabulary.id(word) : undefined;
    if (whole !== undefined) return [{ id: whole, text: word }];
    const before = this.kept.get(word);
    if (before) return before;
    const tokens = this.merged(this.characters(word));
    if (word.length < LONGEST_KEPT) {
      if (this.kept.size === KEPT_WORDS) this.kept.clear();
      this.kept.set(word, tokens);
    }
    return tokens;
  }

  /** Unknown characters are one unknown token (fuse_unk) or several, or left out if there is none. */
  private characters(word: string): Token[] {
    const { unk_token: unknown, fuse_unk: fuses, byte_fallback: asBytes } = this.fields;
    const characters = Array.from(word);
    const tokens: Token[] = [];
    // As in the library, an unknown token is written only before the next known one: after bytes.
    let waiting: Token | undefined;
    characters.forEach((character, i) => {
      const text =
        (i > 0 ? this.prefix : '') + character + (i === characters.length - 1 ? this.suffix : '');
      const id = this.vocabulary.id(text);
      if (id !== undefined) {
        if (waiting) tokens.push(waiting);
        waiting = undefined;
        tokens.push({ id, text });
        return;
      }
      const bytes = asBytes ? this.vocabulary.bytes(text) : undefined;
      if (bytes) tokens.push(...bytes);
      else if (typeof unknown === 'string' && !(fuses && waiting)) {
        if (waiting) tokens.push(waiting);
        const unknownId = this.vocabulary.id(unknown);
        waiting = { id: unknownId, text: unknownId === undefined ? character : unknown };
      }
    });
    if (waiting) tokens.push(waiting);
    return tokens;
  }

  private merged(tokens: readonly Token[]): Token[] {
    const ids = tokens.map(({ id }) => id ?? -1);
    const next = ids.map((_, i) => i + 1);
    const previous = ids.map((_, i) => i - 1);
    const gone = ids.map(() => false);
    const queue = new MergeQueue();
    const rankAt = (at: number): number | undefined => {
      const [left, right] = [ids[at] ?? -1, ids[next[at] ?? -1] ?? -1];
      return left < 0 || right < 0 ? undefined : this.ranks.get(left * IDS + right);
    };
    const consider = (at: number): void => {
      const rank = rankAt(at);
      if (rank !== undefined) queue.push(rank, at);
    };
    ids.forEach((_, at) => consider(at));
    for (let top = queue.pop(); top; top = queue.pop()) {
      const { rank, at } = top;
      if (gone[at]) continue;
      // What stood here may have been merged since; another merge that makes the same token goes on.
      const now = rankAt(at);
      if (now === undefined || this.made[now] !== this.made[rank]) continue;
      const right = next[at]!;
      ids[at] = this.made[rank]!;
      gone[right] = true;
      next[at] = next[right]!;
      if (next[at] < ids.length) previous[next[at]] = at;
      if (previous[at]! >= 0) consider(previous[at]!);
      consider(at);
    }
    return tokens.flatMap((token, i) => {
      if (gone[i]) return [];
      const id = ids[i]!;
      return [id < 0 ? token : { id, text: this.vocabulary.token(id)! }];
    });
  }
}
