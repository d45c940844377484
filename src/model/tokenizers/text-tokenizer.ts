/**
 * tokenizer.json as the library tokenizers reads it. @huggingface/tokenizers has the models, normalizers
 * and post-processors; around them stands what it does differently or not at all: how a text is cut into
 * words, added tokens that stand alone, unknown characters, and how bytes become text again.
 */
import { Tokenizer } from '@huggingface/tokenizers';
import { AddedTokens, type AddedToken } from './added-tokens.ts';
import { decoder, type Decoder } from './decoders.ts';
import { preTokenizer, type Part, type PreTokenizer } from './pre-tokenizers.ts';

export class TextTokenizer {
  private readonly pipeline: Tokenizer;
  private readonly preTokenizer: PreTokenizer;
  private readonly decoder: Decoder;
  private readonly written: AddedTokens;
  private readonly normalised: AddedTokens;
  private readonly special = new Set<string>();
  /** The text of each added token, as it is decoded. */
  private readonly added = new Map<number, string>();
  /** BPE, Unigram, WordPiece or WordLevel. */
  readonly modelType: string;
  private readonly byteFallback: boolean;

  /**
   * @param json tokenizer.json
   * @throws Error for a part of a type that is not known
   */
  constructor(json: Record<string, unknown>) {
    const model = (json.model ?? {}) as Part & { byte_fallback?: boolean; unk_token?: string };
    // For words (WordLevel), the library looks there for the unknown token.
    const config = { unk_token: model.unk_token };
    this.pipeline = new Tokenizer({ added_tokens: [], ...json }, config);
    this.modelType = model.type;
    this.byteFallback = model.type === 'Unigram' && model.byte_fallback === true;
    this.preTokenizer = preTokenizer(json.pre_tokenizer as Part | null);
    this.decoder = decoder(json.decoder as Part | null);
    const tokens = (json.added_tokens ?? []) as AddedToken[];
    const isNormalised = (token: AddedToken): boolean =>
      token.normalized && this.pipeline.normalizer !== null;
    for (const token of tokens) {
      if (token.special) this.special.add(token.content);
      this.added.set(token.id, isNormalised(token) ? this.normalise(token.content) : token.content);
    }
    this.written = new AddedTokens(
      tokens.filter((token) => !isNormalised(token)).map((token) => [token.content, token]),
    );
    this.normalised = new AddedTokens(
      tokens.filter(isNormalised).map((token) => [this.added.get(token.id)!, token]),
    );
  }

  /**
   * @param withSpecial adds the tokens that the tokenizer puts around every text, such as BOS
   * @returns undefined in the place of a word that the vocabulary has no token for; `texts` are the tokens
   */
  encode(text: string, withSpecial = false): { ids: (number | undefined)[]; tokens: string[] } {
    const { pipeline } = this;
    const model = pipeline.model!;
    const tokens: string[] = [];
    let atStart = true;
    for (const section of this.written.split(text)) {
      if (section.token) tokens.push(section.token.content);
      else {
        for (const part of this.normalised.split(this.normalise(section.text))) {
          if (part.token) tokens.push(part.token.content);
          else tokens.push(...this.tokensOf(part.text, atStart));
          atStart = false;
        }
      }
      atStart = false;
    }
    const all =
      withSpecial && pipeline.post_processor
        ? pipeline.post_processor(tokens, null, true).tokens
        : tokens;
    const ids = all.map((token) => model.tokens_to_ids.get(token) ?? model.unk_token_id);
    return { ids, tokens: all };
  }

  private normalise(text: string): string {
    return this.pipeline.normalizer ? this.pipeline.normalizer(text) : text;
  }

  /** Unknown characters next to one another are one token within a word, not across words. */
  private tokensOf(text: string, atStart: boolean): string[] {
    const model = this.pipeline.model!;
    return this.preTokenizer(text, atStart)
      .filter((word) => word !== '')
      .flatMap((word) =>
        model([word]).flatMap((token) => (this.byteFallback ? this.bytesOf(token) : [token])),
      );
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
    return this.pipeline.token_to_id(token);
  }
}
