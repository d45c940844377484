/** Parses expressions, with the precedences of jinja2/parser.py. */
import { TemplateError } from './errors.ts';
import { wholeNumber } from './numbers.ts';
import type { Arguments, Expression, FilterCall } from './syntax.ts';
import { TokenReader } from './token-reader.ts';

const NO_ARGUMENTS: Arguments = {
  positional: [],
  named: [],
  spread: undefined,
  namedSpread: undefined,
};

const COMPARISONS = new Set(['==', '!=', '<', '<=', '>', '>=']);

const CONSTANTS: ReadonlyMap<string, boolean | null> = new Map([
  ['true', true],
  ['True', true],
  ['false', false],
  ['False', false],
  ['none', null],
  ['None', null],
]);

export class ExpressionParser extends TokenReader {
  /** The names that were read since it was last set. */
  protected namesRead = new Set<string>();

  /** Several with commas between them are a tuple. */
  protected parseTuple(
    one = (): Expression => this.parseExpression(),
    ends = (): boolean => this.sees('operator', ')') || this.sees('name', 'in', 'recursive'),
  ): Expression {
    const items: Expression[] = [];
    let isTuple = false;
    while (!this.sees('blockEnd') && !this.sees('outputEnd') && !ends()) {
      items.push(one());
      if (!this.skip('operator', ',')) break;
      isTuple = true;
    }
    if (!isTuple && items.length === 1) return items[0]!;
    if (items.length === 0) throw this.unexpected('an expression');
    return { is: 'tuple', items };
  }

  protected parseExpression(): Expression {
    let expression = this.parseOr();
    while (this.skip('name', 'if')) {
      const test = this.parseOr();
      const no = this.skip('name', 'else') ? this.parseExpression() : undefined;
      expression = { is: 'choice', test, yes: expression, no };
    }
    return expression;
  }

  protected parseOr(): Expression {
    let left = this.parseAnd();
    while (this.skip('name', 'or')) left = { is: 'or', left, right: this.parseAnd() };
    return left;
  }

  private parseAnd(): Expression {
    let left = this.parseNot();
    while (this.skip('name', 'and')) left = { is: 'and', left, right: this.parseNot() };
    return left;
  }

  private parseNot(): Expression {
    if (this.skip('name', 'not')) return { is: 'not', value: this.parseNot() };
    return this.parseComparison();
  }

  private parseComparison(): Expression {
    const first = this.parseSum();
    const rest: [string, Expression][] = [];
    for (;;) {
      const { kind, value } = this.token;
      if (kind === 'operator' && COMPARISONS.has(value)) {
        this.next();
        rest.push([value, this.parseSum()]);
      } else if (this.skip('name', 'in')) {
        rest.push(['in', this.parseSum()]);
      } else if (kind === 'name' && value === 'not' && this.following.value === 'in') {
        this.next();
        this.next();
        rest.push(['not in', this.parseSum()]);
      } else break;
    }
    return rest.length === 0 ? first : { is: 'compare', first, rest };
  }

  private parseSum(): Expression {
    return this.parseBinary(['+', '-'], () => this.parseConcatenation());
  }

  private parseConcatenation(): Expression {
    const items = [this.parseProduct()];
    while (this.skip('operator', '~')) items.push(this.parseProduct());
    return items.length === 1 ? items[0]! : { is: 'concat', items };
  }

  private parseProduct(): Expression {
    return this.parseBinary(['*', '/', '//', '%'], () => this.parsePower());
  }

  private parsePower(): Expression {
    return this.parseBinary(['**'], () => this.parseUnary());
  }

  /** Operators of one precedence, which group from the left. */
  private parseBinary(operators: string[], operand: () => Expression): Expression {
    let left = operand();
    while (this.sees('operator', ...operators)) {
      const operator = this.next().value;
      left = { is: 'binary', operator, left, right: operand() };
    }
    return left;
  }

  private parseUnary(withFilters = true): Expression {
    let expression: Expression;
    if (this.skip('operator', '-')) {
      expression = { is: 'negative', value: this.parseUnary(false) };
    } else if (this.skip('operator', '+')) {
      expression = { is: 'positive', value: this.parseUnary(false) };
    } else expression = this.parsePrimary();
    expression = this.parsePostfix(expression);
    return withFilters ? this.parseFilters(expression) : expression;
  }

  private parsePrimary(): Expression {
    const { kind, value } = this.token;
    if (kind === 'name') {
      this.next();
      if (CONSTANTS.has(value)) return { is: 'constant', value: CONSTANTS.get(value)! };
      this.namesRead.add(value);
      return { is: 'name', name: value };
    }
    if (kind === 'string') {
      let text = '';
      while (this.sees('string')) text += this.next().value;
      return { is: 'constant', value: text };
    }
    if (kind === 'integer') {
      this.next();
      return { is: 'constant', value: wholeNumber(value) };
    }
    if (kind === 'float') {
      this.next();
      return { is: 'constant', value: Number(value.replaceAll('_', '')) };
    }
    if (this.skip('operator', '(')) {
      const inner: Expression = this.sees('operator', ')')
        ? { is: 'tuple', items: [] }
        : this.parseTuple(undefined, () => this.sees('operator', ')'));
      this.expect('operator', ')');
      return inner;
    }
    if (this.skip('operator', '[')) {
      return { is: 'list', items: this.parseItems(']', () => this.parseExpression()) };
    }
    if (this.skip('operator', '{')) return { is: 'dict', entries: this.parseEntries() };
    throw this.unexpected();
  }

  /** Items with commas between them, and the bracket that ends them. */
  private parseItems<T>(end: string, item: () => T): T[] {
    const items: T[] = [];
    while (!this.sees('operator', end)) {
      if (items.length > 0) this.expect('operator', ',');
      if (this.sees('operator', end)) break;
      items.push(item());
    }
    this.expect('operator', end);
    return items;
  }

  private parseEntries(): [Expression, Expression][] {
    return this.parseItems('}', () => {
      const key = this.parseExpression();
      this.expect('operator', ':');
      return [key, this.parseExpression()];
    });
  }

  protected parsePostfix(start: Expression): Expression {
    let expression = start;
    for (;;) {
      if (this.sees('operator', '.', '[')) expression = this.parseSubscript(expression);
      else if (this.sees('operator', '(')) expression = this.parseCall(expression);
      else return expression;
    }
  }

  private parseFilters(start: Expression): Expression {
    let expression = start;
    for (;;) {
      if (this.skip('operator', '|')) expression = this.parseFilter(expression);
      else if (this.skip('name', 'is')) expression = this.parseTest(expression);
      else if (this.sees('operator', '(')) expression = this.parseCall(expression);
      else return expression;
    }
  }

  private parseCall(callee: Expression): Expression {
    return { is: 'call', callee, args: this.parseArguments() };
  }

  private parseSubscript(object: Expression): Expression {
    if (this.next().value === '.') {
      if (this.sees('integer')) {
        const index: Expression = { is: 'constant', value: wholeNumber(this.next().value) };
        return { is: 'item', object, index };
      }
      return { is: 'attribute', object, name: this.expect('name') };
    }
    const parts = this.parseItems(']', () => this.parseIndex());
    const [first] = parts;
    if (first === undefined) throw this.unexpected('an index');
    if (parts.length === 1 && first.length > 1) return { is: 'slice', object, range: first };
    if (parts.some((part) => part.length > 1)) throw new TemplateError('a tuple of slices');
    const items = parts.map(([item]) => item!);
    return { is: 'item', object, index: items.length === 1 ? items[0]! : { is: 'tuple', items } };
  }

  /** One expression, or the two or three parts of a slice. */
  private parseIndex(): (Expression | undefined)[] {
    const parts: (Expression | undefined)[] = [];
    for (;;) {
      const isGiven = !this.sees('operator', ':', ']', ',');
      parts.push(isGiven ? this.parseExpression() : undefined);
      if (parts.length === 3 || !this.skip('operator', ':')) return parts;
    }
  }

  protected parseFilter(input: Expression | undefined): FilterCall {
    const name = this.parseDotted();
    return { is: 'filter', input, name, args: this.parseOptionalArguments() };
  }

  private parseDotted(): string {
    let name = this.expect('name');
    while (this.skip('operator', '.')) name += `.${this.expect('name')}`;
    return name;
  }

  private parseTest(input: Expression): Expression {
    const negated = this.skip('name', 'not');
    const name = this.parseDotted();
    let args = NO_ARGUMENTS;
    const { kind, value } = this.token;
    if (this.sees('operator', '(')) args = this.parseArguments();
    else if (
      ['string', 'integer', 'float'].includes(kind) ||
      this.sees('operator', '[', '{') ||
      (kind === 'name' && !['else', 'or', 'and', 'is', 'if', 'in', 'not'].includes(value))
    ) {
      args = { ...NO_ARGUMENTS, positional: [this.parsePostfix(this.parsePrimary())] };
    }
    const test: Expression = { is: 'test', input, name, args };
    return negated ? { is: 'not', value: test } : test;
  }

  private parseOptionalArguments(): Arguments {
    return this.sees('operator', '(') ? this.parseArguments() : NO_ARGUMENTS;
  }

  protected parseArguments(): Arguments {
    this.expect('operator', '(');
    const positional: Expression[] = [];
    const named: [string, Expression][] = [];
    let spread: Expression | undefined;
    let namedSpread: Expression | undefined;
    this.parseItems(')', () => {
      if (this.skip('operator', '*')) spread = this.parseExpression();
      else if (this.skip('operator', '**')) namedSpread = this.parseExpression();
      else if (this.token.kind === 'name' && this.following.value === '=') {
        const name = this.next().value;
        this.next();
        named.push([name, this.parseExpression()]);
      } else if (named.length > 0 || namedSpread) {
        throw new TemplateError('invalid syntax for function call expression');
      } else positional.push(this.parseExpression());
    });
    return { positional, named, spread, namedSpread };
  }
}
