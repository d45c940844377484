/** A token of a text; its id is undefined where the vocabulary has no token for the text. */
export interface Token {
  readonly id: number | undefined;
  readonly text: string;
}

/** Makes words into tokens, as the library tokenizers (models/*) does. */
export interface TokenModel {
  readonly vocabulary: Vocabulary;
  /** @param word not empty */
  tokens(word: string): Token[];
}

/** Tokens and their ids, both ways. */
export class Vocabulary {
  private readonly ids: ReadonlyMap<string, number>;
  private readonly texts: ReadonlyMap<number, string>;

  /** @param tokens of two ids with one token, the later one is used, and both are decoded */
  constructor(tokens: readonly (readonly [token: string, id: number])[]) {
    this.ids = new Map(tokens);
    this.texts = new Map(tokens.map(([token, id]) => [id, token]));
  }

  id(token: string): number | undefined {
    return this.ids.get(token);
  }

  token(id: number): string | undefined {
    return this.texts.get(id);
  }

  /** The bytes of a text as tokens <0x00> to <0xFF>; undefined if one of them is none. */
  bytes(text: string): Token[] | undefined {
    const tokens: Token[] = [];
    for (const byte of new TextEncoder().encode(text)) {
      const token = `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`;
      const id = this.id(token);
      if (id === undefined) return undefined;
      tokens.push({ id, text: token });
    }
    return tokens;
  }
}
