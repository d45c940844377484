/** WordLevel and WordPiece, as the library tokenizers (models/wordlevel, models/wordpiece) does. */
import { Vocabulary, type Token, type TokenModel } from './model.ts';

/** `model` of a tokenizer.json with one of the two types. */
export interface WordFields {
  readonly vocab: Readonly<Record<string, number>>;
  readonly unk_token?: string;
}

/** A word is one token. */
export class WordModel implements TokenModel {
  readonly vocabulary: Vocabulary;
  private readonly unknownToken: string;

  constructor({ vocab, unk_token = '' }: WordFields) {
    this.vocabulary = new Vocabulary(Object.entries(vocab));
    this.unknownToken = unk_token;
  }

  tokens(word: string): Token[] {
    const id = this.vocabulary.id(word);
    return id === undefined ? this.unknown(word) : [{ id, text: word }];
  }

  protected unknown(word: string): Token[] {
    const id = this.vocabulary.id(this.unknownToken);
    return [{ id, text: id === undefined ? word : this.unknownToken }];
  }
}

export interface WordPieceFields extends WordFields {
  readonly continuing_subword_prefix?: string;
  readonly max_input_chars_per_word?: number;
}

/** A word is cut into the longest tokens, from its start; if that fails it is unknown as a whole. */
export class WordPieceModel extends WordModel {
  private readonly prefix: string;
  private readonly longest: number;

  constructor(fields: WordPieceFields) {
    super(fields);
    this.prefix = fields.continuing_subword_prefix ?? '##';
    this.longest = fields.max_input_chars_per_word ?? 100;
  }

  override tokens(word: string): Token[] {
    const characters = Array.from(word);
    if (characters.length > this.longest) return this.unknown(word);
    const tokens: Token[] = [];
    for (let start = 0; start < characters.length;) {
      let end = characters.length;
      let found: Token | undefined;
      for (; end > start && !found; end--) {
        const text = (start > 0 ? this.prefix : '') + characters.slice(start, end).join('');
        const id = this.vocabulary.id(text);
        if (id !== undefined) found = { id, text };
      }
      if (!found) return this.unknown(word);
      tokens.push(found);
      start = end + 1;
    }
    return tokens;
  }
}
