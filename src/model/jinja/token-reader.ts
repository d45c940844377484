/** Reads the tokens of a template one by one; its errors say what stood there. */
import { TemplateError } from './errors.ts';
import { tokenize, type Token, type TokenKind } from './lexer.ts';

export class TokenReader {
  private readonly tokens: readonly Token[];
  private at = 0;

  constructor(template: string) {
    this.tokens = tokenize(template);
  }

  protected get token(): Token {
    return this.tokens[this.at]!;
  }

  protected get following(): Token {
    return this.tokens[this.at + 1] ?? this.token;
  }

  protected next(): Token {
    return this.tokens[this.at++]!;
  }

  protected sees(kind: TokenKind, ...values: string[]): boolean {
    const { token } = this;
    return token.kind === kind && (values.length === 0 || values.includes(token.value));
  }

  protected skip(kind: TokenKind, value: string): boolean {
    const found = this.sees(kind, value);
    if (found) this.at++;
    return found;
  }

  protected expect(kind: TokenKind, value?: string): string {
    const found = value === undefined ? this.sees(kind) : this.sees(kind, value);
    if (!found) throw this.unexpected(value ?? WORDS[kind]);
    return this.next().value;
  }

  protected unexpected(expected?: string): TemplateError {
    const { kind, value } = this.token;
    const found = kind === 'operator' || kind === 'name' ? `'${value}'` : WORDS[kind];
    const hint = expected === undefined ? '' : `, expected '${expected}'`;
    return new TemplateError(`unexpected ${found}${hint}`);
  }
}

const WORDS: Record<TokenKind, string> = {
  data: 'text',
  blockBegin: 'begin of statement block',
  blockEnd: 'end of statement block',
  outputBegin: 'begin of print statement',
  outputEnd: 'end of print statement',
  name: 'a name',
  string: 'a string',
  integer: 'an integer',
  float: 'a float',
  operator: 'an operator',
  end: 'end of template',
};
