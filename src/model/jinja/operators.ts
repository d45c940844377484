/** What operators, attributes, indices and slices give, as Python and Jinja's sandbox define them. */
import { TemplateError } from './errors.ts';
import { formatBraces, formatPercent } from './format.ts';
import { methodOf } from './methods.ts';
import { MOST_DIGITS } from './numbers.ts';
import { codePoints } from './text.ts';
import {
  Group,
  isNumber,
  iterate,
  Namespace,
  Attributes,
  numeric,
  print,
  Range,
  represent,
  Tuple,
  typeName,
  tuple,
  Undefined,
  type Value,
} from './values.ts';

/** Texts and lists longer than this are refused: a template can make them as long as it likes. */
const MAX_REPEATED = 10_000_000;

/** a OPERATOR b for the arithmetic operators. */
export function calculate(operator: string, a: Value, b: Value): Value {
  for (const value of [a, b]) if (value instanceof Undefined) value.fail();
  if (isNumber(a) && isNumber(b)) return arithmetic(operator, numeric(a), numeric(b));
  if (operator === '+') {
    if (typeof a === 'string' && typeof b === 'string') return a + b;
    if (a instanceof Tuple && b instanceof Tuple) return tuple([...a, ...b]);
    if (isList(a) && isList(b)) return [...a, ...b];
    if (typeof a === 'string' || Array.isArray(a)) {
      const type = typeName(a);
      throw new TemplateError(`can only concatenate ${type} (not "${typeName(b)}") to ${type}`);
    }
  }
  if (operator === '%' && typeof a === 'string') return formatPercent(a, b);
  if (operator === '*') {
    if (typeof b === 'bigint' || typeof b === 'boolean') {
      if (typeof a === 'string' || Array.isArray(a)) return repeat(a, BigInt(b));
    } else if (typeof a === 'bigint' || typeof a === 'boolean') {
      if (typeof b === 'string' || Array.isArray(b)) return repeat(b, BigInt(a));
    }
  }
  throw new TemplateError(
    `unsupported operand type(s) for ${operator}: '${typeName(a)}' and '${typeName(b)}'`,
  );
}

const isList = (value: Value): value is Value[] =>
  Array.isArray(value) && !(value instanceof Tuple);

function repeat(value: string | Value[], times: bigint): Value {
  const count = Number(times < 0n ? 0n : times);
  if (value.length * count > MAX_REPEATED) throw new TemplateError('the text is too long');
  if (typeof value === 'string') return value.repeat(count);
  const items = Array.from({ length: count }, () => value).flat();
  return value instanceof Tuple ? tuple(items) : items;
}

function arithmetic(operator: string, a: number | bigint, b: number | bigint): Value {
  if (typeof a === 'bigint' && typeof b === 'bigint') {
    const whole = wholeArithmetic(operator, a, b);
    if (whole !== undefined) return whole;
  }
  const [x, y] = [Number(a), Number(b)];
  switch (operator) {
    case '+':
      return x + y;
    case '-':
      return x - y;
    case '*':
      return x * y;
    case '**':
      if (x === 0 && y < 0) throw new TemplateError('zero to a negative power');
      return x ** y;
    default:
  }
  if (y === 0) throw new TemplateError(operator === '/' ? 'division by zero' : 'modulo by zero');
  if (operator === '/') return x / y;
  const rest = x - y * Math.floor(x / y);
  return operator === '%' ? rest : Math.floor(x / y);
}

/** Each operation takes longer, the more digits there are. */
const LARGEST_WHOLE = 10n ** BigInt(MOST_DIGITS);
const LARGEST_BITS = LARGEST_WHOLE.toString(2).length;
const isTooLarge = (x: bigint): boolean => x >= LARGEST_WHOLE || x <= -LARGEST_WHOLE;

function wholeArithmetic(operator: string, a: bigint, b: bigint): bigint | undefined {
  if (isTooLarge(a) || isTooLarge(b)) throw new TemplateError('a number is too large');
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '**':
      if (b < 0n) return undefined;
      // The bits of the result are about b times those of a; 0, 1 and -1 stay small.
      if (b * BigInt((a < 0n ? -a : a).toString(2).length - 1) > LARGEST_BITS)
        throw new TemplateError('the power is too large');
      return a ** b;
    default:
  }
  if (b === 0n) throw new TemplateError('division by zero');
  if (operator === '/') return undefined;
  // Python rounds down, JavaScript towards zero.
  const rest = ((a % b) + b) % b;
  return operator === '%' ? rest : (a - rest) / b;
}

export function negate(value: Value): Value {
  if (value instanceof Undefined) value.fail();
  if (!isNumber(value))
    throw new TemplateError(`bad operand type for unary -: '${typeName(value)}'`);
  const number = numeric(value);
  return -number;
}

/** object.name: an attribute or method, else an entry. */
export function attribute(object: Value, name: string): Value {
  if (object instanceof Undefined) object.fail();
  const own = ownAttribute(object, name);
  const found = own === undefined ? entry(object, name) : own;
  return found === undefined ? missing(object, name) : found;
}

/** object[index]: an entry, else an attribute or method. */
export function item(object: Value, index: Value): Value {
  if (object instanceof Undefined) object.fail();
  const found = entry(object, index);
  if (found !== undefined) return found;
  const own = typeof index === 'string' ? ownAttribute(object, index) : undefined;
  return own === undefined ? missing(object, index) : own;
}

/** object|attr(name): an attribute or method, never an entry. */
export function attributeOnly(object: Value, name: string): Value {
  if (object instanceof Undefined) object.fail();
  const own = ownAttribute(object, name);
  return own === undefined ? missing(object, name) : own;
}

const GROUP = ['grouper', 'list'];

function ownAttribute(object: Value, name: string): Value | undefined {
  if (object instanceof Group && GROUP.includes(name)) return object[GROUP.indexOf(name)];
  if (object instanceof Attributes) return object.get(name);
  if (object instanceof Namespace) return object.attributes.get(name);
  if (typeof object === 'string' && name === 'format') {
    return (args, named) =>
      formatBraces(object, args, named, (value, key, isAttribute) =>
        isAttribute ? attribute(value, print(key)) : item(value, key),
      );
  }
  return methodOf(object, name);
}

function entry(object: Value, index: Value): Value | undefined {
  if (object instanceof Map) return object.get(index);
  if (object instanceof Namespace) {
    return typeof index === 'string' ? object.attributes.get(index) : undefined;
  }
  if (typeof index !== 'bigint' && typeof index !== 'boolean') return undefined;
  return sequence(object)?.at(Number(index));
}

/** The items of a str, list, tuple or range, which can be indexed. */
function sequence(object: Value): Value[] | undefined {
  if (typeof object === 'string') return codePoints(object);
  if (Array.isArray(object)) return object;
  return object instanceof Range ? object.items : undefined;
}

function missing(object: Value, name: Value): Undefined {
  if (object === null) return new Undefined(`'None' has no attribute ${represent(name)}`);
  const what = `${typeName(object)} object`;
  return new Undefined(
    typeof name === 'string'
      ? `'${what}' has no attribute ${represent(name)}`
      : `${what} has no element ${represent(name)}`,
  );
}

/** object[start:stop:step]. */
export function slice(object: Value, parts: readonly (Value | undefined)[]): Value {
  if (object instanceof Undefined) object.fail();
  const items = sequence(object);
  if (!items) return missing(object, 'slice');
  const [start, stop, step = 1] = parts.map((part) => {
    if (part === undefined || part === null) return undefined;
    if (part instanceof Undefined) part.fail();
    if (typeof part !== 'bigint' && typeof part !== 'boolean') {
      throw new TemplateError('slice indices must be integers or None');
    }
    return Number(part);
  });
  if (step === 0) throw new TemplateError('slice step cannot be zero');
  const count = items.length;
  const [least, most] = step > 0 ? [0, count] : [-1, count - 1];
  const place = (at: number): number => Math.max(least, Math.min(most, at < 0 ? at + count : at));
  const from = start === undefined ? (step > 0 ? least : most) : place(start);
  const to = stop === undefined ? (step > 0 ? most : least) : place(stop);
  const picked: Value[] = [];
  for (let i = from; step > 0 ? i < to : i > to; i += step) picked.push(items[i]!);
  if (typeof object === 'string') return picked.map(print).join('');
  return object instanceof Tuple ? tuple(picked) : picked;
}

/** Fills a pattern of `count` names from a value. */
export function unpack(value: Value, count: number): Value[] {
  const items = [...iterate(value)];
  if (items.length === count) return items;
  const fault =
    items.length > count
      ? `too many values to unpack (expected ${count})`
      : `not enough values to unpack (expected ${count}, got ${items.length})`;
  throw new TemplateError(fault);
}

/** An item by its dotted path, as filters take `attribute='a.b'`; a number in it is an index. */
export function byPath(object: Value, path: Value): Value {
  if (typeof path !== 'string') return item(object, path);
  return path
    .split('.')
    .reduce((at: Value, part) => item(at, /^\d+$/.test(part) ? BigInt(part) : part), object);
}
