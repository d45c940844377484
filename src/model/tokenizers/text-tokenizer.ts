/**
 * tokenizer.json as the library tokenizers reads it. @huggingface/tokenizers has the models, and
 * most normalizers; around them stands what it does differently or not at all: how a text is cut into
 * words, added tokens, unknown characters, tokens around a text, and how bytes become text again.
 */
import { Tokenizer } from '@huggingface/tokenizers';
import { AddedTokens, type AddedToken } from './added-tokens.ts';
import { decoder, type Decoder } from './decoders.ts';
import { normalizer, type Normalizer } from './normalizers.ts';
import { postProcessor, type PostProcessor } from './post-processors.ts';
import { preTokenizer, type Part, type PreTokenizer } from './pre-tokenizers.ts';

export interface Token {
  readonly id: number | undefined;
  readonly text: string;
}

const ofAdded = ({ id, content }: AddedToken): Token => ({ id, text: content });

export class TextTokenizer {
  private readonly pipeline: Tokenizer;
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
  private readonly byteFallback: boolean;
  /** Whether the library leaves the bytes of unknown tokens to this class. */
  private readonly fallsBack: boolean;
  /** Whether characters without a token are left out, for want of an unknown token. */
  private readonly leavesOut: boolean;

  /**
   * @param json tokenizer.json
   * @throws Error for a part of a type that is not known, or a model that the library computes in another way
   */
  constructor(json: Record<string, unknown>) {
    const model = (json.model ?? {}) as Part & { byte_fallback?: boolean; unk_token?: string };
    refuseModel(model);
    // For words (WordLevel), the library looks there for the unknown token.
    const config = { unk_token: model.unk_token };
    // The model must not know added tokens: a word that looks like one is cut as any other.
    const others = { normalizer: null, pre_tokenizer: null, post_processor: null, decoder: null };
    this.pipeline = new Tokenizer({ ...json, ...others, added_tokens: [] }, config);
    this.normalise = normalizer(json.normalizer as Part | null);
    this.modelType = model.type;
    this.byteFallback = model.byte_fallback === true;
    this.fallsBack = this.byteFallback && model.type === 'Unigram';
    this.leavesOut = model.type === 'BPE' && !model.unk_token;
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
    this.normalised = new AddedTokens(
      tokens.filter((token) => token.normalized).map((token) => [this.added.get(token.id)!, token]),
    );
  }

  /**
   * @param withSpecial adds the tokens that the tokenizer puts around every text, such as BOS
   * @returns an id is undefined in the place of a word that the vocabulary has no token for
   */
  encode(text: string, withSpecial = false): Token[] {
    const tokens: Token[] = [];
    // A word after a character that the normalizer removes is not at the start.
    const [first = ''] = text;
    let atStart = this.normalise(first) !== '';
    for (const section of this.written.split(text)) {
      if (section.token) tokens.push(ofAdded(section.token));
      else {
        for (const part of this.normalised.split(this.normalise(section.text))) {
          if (part.token) tokens.push(ofAdded(part.token));
          else tokens.push(...this.tokensOf(part.text, atStart));
          atStart = false;
        }
      }
      atStart = false;
    }
    if (!withSpecial) return tokens;
    return [...this.postProcessor(tokens, (id) => ({ id, text: this.token(id) ?? '' }))];
  }

  /** Unknown characters next to one another are one token within a word, not across words. */
  private tokensOf(text: string, atStart: boolean): Token[] {
    const model = this.pipeline.model!;
    return this.preTokenizer(text, atStart)
      .map((word) => (this.leavesOut ? this.withoutUnknown(word) : word))
      .filter((word) => word !== '')
      .flatMap((word) => model([word]))
      .flatMap((token) => (this.fallsBack ? this.bytesOf(token) : [token]))
      .map((token) => ({ id: model.tokens_to_ids.get(token) ?? model.unk_token_id, text: token }));
  }

  /** What stands around a character that is left out is put together. */
  private withoutUnknown(word: string): string {
    const { tokens_to_ids: ids } = this.pipeline.model!;
    const has = (token: string): boolean => ids.has(token);
    if (has(word)) return word;
    const isKnown = (character: string): boolean =>
      has(character) || (this.byteFallback && this.bytesOf(character)[0] !== character);
    return Array.from(word).filter(isKnown).join('');
  }

  /** The bytes of a token that the vocabulary does not have. */
  private bytesOf(token: string): string[] {
    const { tokens_to_ids: ids } = this.pipeline.model!;
    if (ids.has(token)) return [token];
    const bytes = Array.from(
      new TextEncoder().encode(token),
      (byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`,
    );
    return bytes.every((byte) => ids.has(byte)) ? bytes : [token];
  }

  /** Ids that no token has are left out. */
  decode(ids: readonly number[], skipSpecial = false): string {
    const tokens = ids
      .map((id) => this.token(id))
      .filter((token) => token !== undefined && !(skipSpecial && this.special.has(token)));
    return this.decoder(tokens as string[]).join('');
  }

  token(id: number): string | undefined {
    return this.added.get(id) ?? this.pipeline.id_to_token(id);
  }

  id(token: string): number | undefined {
    return this.addedIds.get(token) ?? this.pipeline.token_to_id(token);
  }
}

function refuseModel({ type, unk_token, ...model }: Part & { unk_token?: string }): void {
  if (type !== 'BPE') return;
  if (model.continuing_subword_prefix) {
    throw new Error('continuing_subword_prefix of BPE is not computed');
  }
  if (model.end_of_word_suffix && !unk_token) {
    throw new Error('end_of_word_suffix of BPE without unk_token is not computed');
  }
}
