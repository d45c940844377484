/** The value of an expression. */
import { TemplateError } from './errors.ts';
import { TemplateBudget } from './budget.ts';
import { applyFilter, escapeHtml } from './filters.ts';
import { attribute, calculate, item, negate, slice } from './operators.ts';
import type { Arguments, Expression, FilterCall } from './syntax.ts';
import { compareBy, findTest } from './tests.ts';
import {
  Attributes,
  isCallable,
  isNumber,
  isTrue,
  iterate,
  numeric,
  print,
  typeName,
  tuple,
  Undefined,
  type Callable,
  type Value,
} from './values.ts';

/** Names that are visible at a place; what is set there does not reach the scope around it. */
export class Scope {
  private readonly names = new Map<string, Value>();

  constructor(private readonly outer?: Scope) {}

  inner(): Scope {
    return new Scope(this);
  }

  get(name: string): Value | undefined {
    return this.names.has(name) ? this.names.get(name) : this.outer?.get(name);
  }

  set(name: string, value: Value): void {
    this.names.set(name, value);
  }
}

export class Evaluator {
  readonly budget = new TemplateBudget();

  /** @throws RangeError when the template takes too many steps or makes too much */
  evaluate(expression: Expression, scope: Scope): Value {
    this.budget.step();
    const made = this.valueOf(expression, scope);
    if (typeof made === 'string') this.budget.make(made.length);
    else if (Array.isArray(made)) this.budget.make(made.length, true);
    return made;
  }

  private valueOf(expression: Expression, scope: Scope): Value {
    const value = (one: Expression): Value => this.evaluate(one, scope);
    switch (expression.is) {
      case 'constant':
        return expression.value;
      case 'name': {
        const found = scope.get(expression.name);
        return found === undefined ? new Undefined(`'${expression.name}' is undefined`) : found;
      }
      case 'list':
        return expression.items.map(value);
      case 'tuple':
        return tuple(expression.items.map(value));
      case 'concat':
        return expression.items.map((one) => print(value(one))).join('');
      case 'dict':
        return new Map(expression.entries.map(([key, one]) => [value(key), value(one)]));
      case 'attribute':
        return attribute(value(expression.object), expression.name);
      case 'item':
        return item(value(expression.object), value(expression.index));
      case 'slice': {
        const object = value(expression.object);
        return slice(
          object,
          expression.range.map((part) => part && value(part)),
        );
      }
      case 'call':
        return this.call(expression, scope);
      case 'filter':
        return this.filter(expression, expression.input ? value(expression.input) : null, scope);
      case 'test': {
        const [first = null] = this.arguments(expression.args, scope)[0];
        return findTest(expression.name)(value(expression.input), first);
      }
      case 'not':
        return !isTrue(value(expression.value));
      case 'negative':
        return negate(value(expression.value));
      case 'positive': {
        const number = value(expression.value);
        if (isNumber(number)) return numeric(number);
        throw new TemplateError(`bad operand type for unary +: '${typeName(number)}'`);
      }
      case 'and': {
        const left = value(expression.left);
        return isTrue(left) ? value(expression.right) : left;
      }
      case 'or': {
        const left = value(expression.left);
        return isTrue(left) ? left : value(expression.right);
      }
      case 'binary':
        return calculate(expression.operator, ...this.operands(expression, scope));
      case 'compare':
        return this.compare(expression, scope);
      case 'choice':
        if (isTrue(value(expression.test))) return value(expression.yes);
        return expression.no
          ? value(expression.no)
          : new Undefined(
              'the inline if-expression evaluated to false and no else section was defined.',
            );
    }
  }

  /** Markup and text: what is added to a text from `safe` or `escape` is escaped. */
  private operands(
    { operator, left, right }: Extract<Expression, { is: 'binary' }>,
    scope: Scope,
  ): [Value, Value] {
    const [a, b] = [this.evaluate(left, scope), this.evaluate(right, scope)];
    if (operator !== '+' || typeof a !== 'string' || typeof b !== 'string') return [a, b];
    const [markupA, markupB] = [isMarkup(left), isMarkup(right)];
    return [markupB && !markupA ? escapeHtml(a) : a, markupA && !markupB ? escapeHtml(b) : b];
  }

  /** a < b < c is (a < b) and (b < c). */
  private compare({ first, rest }: Extract<Expression, { is: 'compare' }>, scope: Scope): boolean {
    let left = this.evaluate(first, scope);
    for (const [operator, expression] of rest) {
      const right = this.evaluate(expression, scope);
      if (!compareBy(operator, left, right)) return false;
      left = right;
    }
    return true;
  }

  filter({ name, args }: FilterCall, input: Value, scope: Scope): Value {
    return applyFilter(name, input, ...this.arguments(args, scope));
  }

  /** @param caller what a {% call %} block hands to the macro */
  call({ callee, args }: Extract<Expression, { is: 'call' }>, scope: Scope, caller?: Value): Value {
    const target = toCallable(this.evaluate(callee, scope));
    const [positional, named] = this.arguments(args, scope);
    if (caller !== undefined) named.set('caller', caller);
    return target(positional, named);
  }

  private arguments(
    { positional, named, spread, namedSpread }: Arguments,
    scope: Scope,
  ): [Value[], Map<string, Value>] {
    const values = positional.map((one) => this.evaluate(one, scope));
    if (spread) values.push(...iterate(this.evaluate(spread, scope)));
    const byName = new Map(named.map(([name, one]) => [name, this.evaluate(one, scope)]));
    if (namedSpread) {
      const more = this.evaluate(namedSpread, scope);
      if (!(more instanceof Map)) {
        throw new TemplateError(`argument after ** must be a mapping, not ${typeName(more)}`);
      }
      for (const [name, one] of more) byName.set(print(name), one);
    }
    return [values, byName];
  }
}

const MARKUP_FILTERS = ['safe', 'escape', 'e', 'forceescape'];

/** Seen from the expression alone: a variable that holds markup is taken for text. */
function isMarkup(one: Expression): boolean {
  if (one.is === 'filter') return MARKUP_FILTERS.includes(one.name);
  return one.is === 'binary' && one.operator === '+' && (isMarkup(one.left) || isMarkup(one.right));
}

function toCallable(value: Value): Callable {
  if (value instanceof Undefined) value.fail();
  const call = value instanceof Attributes ? value.call : value;
  if (call !== undefined && isCallable(call)) return call;
  throw new TemplateError(`'${typeName(value)}' object is not callable`);
}
