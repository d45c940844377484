/** tokenizer.json as the library tokenizers reads it. */
import { AddedTokens, type AddedToken } from './added-tokens.ts';
import { decoder, type Decoder } from './decoders.ts';
import { tokenModel } from './models/models.ts';
import type { Token, TokenModel } from './models/model.ts';
import { normalizer, type Normalizer } from './normalizers.ts';
import { postProcessor, type PostProcessor } from './post-processors.ts';
import { refuseMoved, usesStart } from './text-start.ts';
import { preTokenizer, type Part, type PreTokenizer } from './pre-tokenizers.ts';

export type { Token };

/** U+0298, which normalizers do not change. */
const PLAIN_LETTER = 'ʘ';

const ofAdded = ({ id, content }: AddedToken): Token => ({ id, text: content });

export class TextTokenizer {
  private readonly model: TokenModel;
  private readonly normalise: Normalizer;
  private readonly preTokenizer: PreTokenizer;
  private readonly decoder: Decoder;
  private readonly postProcessor: PostProcessor;
  private readonly written: AddedTokens;
  private readonly normalised: AddedTokens;
  private readonly special = new Set<string>();
  /** The text of each added token, as it is decoded. */
  private readonly added = new Map<number, string>();
  private readonly addedIds: ReadonlyMap<string, number>;
  /** BPE, Unigram, WordPiece or WordLevel. */
  readonly modelType: string;

  /**
   * @param json tokenizer.json
   * @throws Error for a part of a type that is not known, or a model that the library computes in another way
   */
  constructor(json: Record<string, unknown>) {
    const model = (json.model ?? {}) as Part;
    this.model = tokenModel(model);
    this.modelType = model.type;
    if (usesStart(json.pre_tokenizer)) refuseMoved(json.normalizer);
    this.normalise = normalizer(json.normalizer as Part | null);
    this.preTokenizer = preTokenizer(json.pre_tokenizer as Part | null);
    this.decoder = decoder(json.decoder as Part | null);
    this.postProcessor = postProcessor(json.post_processor as Part | null);
    const tokens = (json.added_tokens ?? []) as AddedToken[];
    this.addedIds = new Map(tokens.map(({ id, content }) => [content, id]));
    for (const token of tokens) {
      if (token.special) this.special.add(token.content);
      this.added.set(
        token.id,
        token.normalized || token.was_normalized ? this.normalise(token.content) : token.content,
      );
    }
    this.written = new AddedTokens(
      tokens.filter((token) => !token.normalized).map((token) => [token.content, token]),
    );
    const normalised = tokens
      .filter((token) => token.normalized)
      .map((token) => [this.added.get(token.id)!, token] as const);
    refuseUnclear(normalised);
    this.normalised = new AddedTokens(normalised);
  }

  /**
   * @param withSpecial adds the tokens that the tokenizer puts around every text, such as BOS
   * @returns an id is undefined in the place of a word that the vocabulary has no token for
   */
  encode(text: string, withSpecial = false): Token[] {
    const tokens: Token[] = [];
    let atStart = this.keepsFirst(text);
    for (const section of this.written.split(text)) {
      if (section.token) tokens.push(ofAdded(section.token));
      else {
        for (const part of this.normalised.split(this.normalise(section.text))) {
          if (part.token) tokens.push(ofAdded(part.token));
          else for (const token of this.tokensOf(part.text, atStart)) tokens.push(token);
          atStart = false;
        }
      }
      atStart = false;
    }
    if (!withSpecial) return tokens;
    return [...this.postProcessor(tokens, (id) => ({ id, text: this.token(id) ?? '' }))];
  }

  /** A word after a character that the normalizer removes is not at the start of the text. */
  private keepsFirst(text: string): boolean {
    const [first = ''] = text;
    return this.normalise(first + PLAIN_LETTER) !== this.normalise(PLAIN_LETTER);
  }

  private tokensOf(text: string, atStart: boolean): Token[] {
    return this.preTokenizer(text, atStart).flatMap((word) =>
      word === '' ? [] : this.model.tokens(word),
    );
  }

  /** Ids that no token has are left out. */
  decode(ids: readonly number[], skipSpecial = false): string {
    const tokens = ids
      .map((id) => this.token(id))
      .filter((token) => token !== undefined && !(skipSpecial && this.special.has(token)));
    return this.decoder(tokens as string[]).join('');
  }

  token(id: number): string | undefined {
    return this.added.get(id) ?? this.model.vocabulary.token(id);
  }

  id(token: string): number | undefined {
    return this.addedIds.get(token) ?? this.model.vocabulary.id(token);
  }
}

/**
 * The library takes one of two tokens with one text at random, and cuts at every character for a token
 * without a text.
 */
function refuseUnclear(tokens: readonly (readonly [text: string, token: AddedToken])[]): void {
  const before = new Map<string, AddedToken>();
  for (const [text, token] of tokens) {
    const content = JSON.stringify(token.content);
    if (text === '') throw new Error(`the normalizer leaves nothing of the added token ${content}`);
    const other = before.get(text);
    if (other && other.id !== token.id) {
      const both = `${JSON.stringify(other.content)} and ${content}`;
      throw new Error(`the normalizer makes one text of the added tokens ${both}`);
    }
    before.set(text, token);
  }
}
