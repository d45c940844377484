/**
 * The values of a template, with Python's types: an int is a bigint and a float a number, a list is an
 * array and a dict a Map. Here is how they print, compare and iterate.
 */
import { TemplateError } from './errors.ts';
import { codePoints, textLength } from './text.ts';

export type Value =
  | null
  | boolean
  | bigint
  | number
  | string
  | Value[]
  | Dict
  | Undefined
  | Namespace
  | Iterator
  | View
  | Range
  | Callable
  | Attributes;

export type Dict = Map<Value, Value>;

/** Arguments by position and by name. */
export type Callable = (args: readonly Value[], named: ReadonlyMap<string, Value>) => Value;

/** A Python tuple; any other array is a list. */
export class Tuple extends Array<Value> {
  // What methods of arrays give is a list.
  static override get [Symbol.species](): ArrayConstructor {
    return Array;
  }
}

/** What the filter groupby makes: a tuple of two whose items have names. */
export class Group extends Tuple {}

export function group(grouper: Value, list: Value): Group {
  const made = new Group();
  made.push(grouper, list);
  return made;
}

export function tuple(items: Iterable<Value>): Tuple {
  const made = new Tuple();
  for (const item of items) made.push(item);
  return made;
}

/** A name that has no value: it prints as nothing, and most else that is done with it is an error. */
export class Undefined {
  constructor(readonly message: string) {}
  fail(): never {
    throw new TemplateError(this.message);
  }
}

/** {% set ns = namespace() %}: attributes that a block may change for those around it. */
export class Namespace {
  readonly attributes = new Map<string, Value>();

  set(name: string, value: Value): void {
    if (name.startsWith('_')) {
      throw new TemplateError(
        `Chat templates cannot store underscore-prefixed attributes on a namespace, but got '${name}'. ` +
          'Please rename the attribute.',
      );
    }
    this.attributes.set(name, value);
  }
}

/** A generator, as the filters map and select give: it has no length, and is read once. */
export class Iterator {
  constructor(
    readonly name: string,
    readonly items: Iterable<Value>,
  ) {}
}

/** What dict.keys(), .values() and .items() give. */
export class View {
  constructor(
    readonly name: string,
    readonly items: readonly Value[],
  ) {}
}

export class Range {
  readonly items: Value[] = [];
  constructor(
    readonly start: bigint,
    readonly stop: bigint,
    readonly step: bigint,
  ) {
    const count =
      step > 0n ? (stop - start + step - 1n) / step : (start - stop - step - 1n) / -step;
    if (count > 100_000n) {
      throw new TemplateError('Range too big. The sandbox blocks ranges larger than 100000.');
    }
    for (let i = 0n; i < count; i++) this.items.push(start + i * step);
  }
}

/** An object of the template engine with attributes: `loop`, a macro's `caller`, a group. */
export class Attributes {
  constructor(
    readonly print: string,
    /** undefined for an attribute that it does not have. */
    readonly get: (name: string) => Value | undefined,
    /** Calls the object, if it can be called. */
    readonly call?: Callable,
  ) {}
}

export const isCallable = (value: Value): value is Callable => typeof value === 'function';

const PRIMITIVES: Record<string, string> = {
  ...{ boolean: 'bool', bigint: 'int', number: 'float', string: 'str', function: 'function' },
};

/** The name of a value's Python type. */
export function typeName(value: Value): string {
  if (value === null) return 'NoneType';
  if (typeof value !== 'object') return PRIMITIVES[typeof value]!;
  if (value instanceof Tuple) return 'tuple';
  if (Array.isArray(value)) return 'list';
  if (value instanceof Map) return 'dict';
  if (value instanceof Undefined) return 'Undefined';
  if (value instanceof Namespace) return 'TemplateNamespace';
  if (value instanceof Range) return 'range';
  if (value instanceof Iterator || value instanceof View) return value.name;
  return value.print;
}

export function isTrue(value: Value): boolean {
  if (value === null || value instanceof Undefined) return false;
  if (typeof value === 'object' && !Array.isArray(value)) {
    if (value instanceof Map) return value.size > 0;
    return value instanceof View || value instanceof Range ? value.items.length > 0 : true;
  }
  return Array.isArray(value) ? value.length > 0 : Boolean(value);
}

/** str(value). */
export function print(value: Value): string {
  if (typeof value === 'string') return value;
  return value instanceof Undefined ? '' : represent(value);
}

/** repr(value). */
export function represent(value: Value): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number') return printFloat(value);
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'function') return `<function ${value.name}>`;
  const list = (items: readonly Value[]): string => items.map(represent).join(', ');
  if (value instanceof Tuple) return `(${list(value)}${value.length === 1 ? ',' : ''})`;
  if (Array.isArray(value)) return `[${list(value)}]`;
  if (value instanceof Map) {
    return `{${[...value].map(([key, item]) => `${represent(key)}: ${represent(item)}`).join(', ')}}`;
  }
  if (value instanceof Undefined) return 'Undefined';
  if (value instanceof View) return `${value.name}([${list(value.items)}])`;
  if (value instanceof Range) {
    const step = value.step === 1n ? '' : `, ${value.step.toString()}`;
    return `range(${value.start.toString()}, ${value.stop.toString()}${step})`;
  }
  if (value instanceof Namespace) {
    return `<Namespace ${represent(new Map<Value, Value>(value.attributes))}>`;
  }
  return value instanceof Iterator ? `<${value.name} object>` : value.print;
}

/** A float as Python prints it: the shortest digits that give it back, always with a point or exponent. */
export function printFloat(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (Object.is(value, -0)) return '-0.0';
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e16)) {
    const [digits, exponent] = value.toExponential().split('e') as [string, string];
    return `${digits}e${exponent[0]!}${exponent.slice(1).padStart(2, '0')}`;
  }
  const text = value.toString();
  return text.includes('.') ? text : `${text}.0`;
}

const NAMED: Record<string, string> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** repr of a str: in single quotes, unless it has some and no double ones. */
function quote(text: string): string {
  const mark = text.includes("'") && !text.includes('"') ? '"' : "'";
  // Python escapes what it does not take for printable.
  const body = text.replace(/[\\'"\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu, (one) => {
    if (one === "'" || one === '"') return one === mark ? `\\${one}` : one;
    const named = NAMED[one];
    if (named !== undefined) return named;
    const code = one.codePointAt(0)!;
    const hex = code.toString(16);
    if (code < 0x100) return `\\x${hex.padStart(2, '0')}`;
    return code < 0x10000 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
  });
  return mark + body + mark;
}

/** len(value). */
export function length(value: Value): number {
  if (typeof value === 'string') return textLength(value);
  if (Array.isArray(value)) return value.length;
  if (value instanceof Map) return value.size;
  if (value instanceof View || value instanceof Range) return value.items.length;
  if (value instanceof Undefined) return 0;
  throw new TemplateError(`object of type '${typeName(value)}' has no len()`);
}

/** undefined when a value cannot be iterated. */
export function itemsOf(value: Value): Iterable<Value> | undefined {
  if (typeof value === 'string') return codePoints(value);
  if (Array.isArray(value)) return value;
  if (value instanceof Map) return value.keys();
  if (value instanceof View || value instanceof Range || value instanceof Iterator) {
    return value.items;
  }
  return value instanceof Undefined ? [] : undefined;
}

export function iterate(value: Value): Iterable<Value> {
  const items = itemsOf(value);
  if (!items) throw new TemplateError(`'${typeName(value)}' object is not iterable`);
  return items;
}

/** The number that an int, float or bool stands for. */
export const isNumber = (value: Value): value is number | bigint | boolean =>
  typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean';

/** An int for an int or bool, a float for a float. */
export const numeric = (value: number | bigint | boolean): number | bigint =>
  typeof value === 'boolean' ? BigInt(value) : value;

/** a == b. */
export function equals(a: Value, b: Value): boolean {
  // eslint-disable-next-line eqeqeq -- 1n == 1 as in Python
  if (isNumber(a) && isNumber(b)) return numeric(a) == numeric(b);
  if (Array.isArray(a) && Array.isArray(b)) {
    if (a instanceof Tuple !== b instanceof Tuple || a.length !== b.length) return false;
    return a.every((item, i) => equals(item, b[i]!));
  }
  if (a instanceof Map && b instanceof Map) {
    if (a.size !== b.size) return false;
    return [...a].every(([key, item]) => b.has(key) && equals(item, b.get(key)!));
  }
  return a === b || (a instanceof Undefined && b instanceof Undefined);
}

/** Negative, zero or positive, as a sorts before b. @throws TemplateError for types without an order */
export function compare(a: Value, b: Value, operator = '<'): number {
  if (isNumber(a) && isNumber(b)) {
    const [x, y] = [numeric(a), numeric(b)];
    return x < y ? -1 : x > y ? 1 : x >= y ? 0 : NaN;
  }
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b);
  if (Array.isArray(a) && Array.isArray(b) && a instanceof Tuple === b instanceof Tuple) {
    for (let i = 0; i < Math.min(a.length, b.length); i++) {
      if (!equals(a[i]!, b[i]!)) return compare(a[i]!, b[i]!, operator);
    }
    return a.length - b.length;
  }
  for (const value of [a, b]) if (value instanceof Undefined) value.fail();
  throw new TemplateError(
    `'${operator}' not supported between instances of '${typeName(a)}' and '${typeName(b)}'`,
  );
}

/** By code points, where JavaScript compares UTF-16 units. */
function compareText(a: string, b: string): number {
  if (a === b) return 0;
  const [x, y] = [codePoints(a), codePoints(b)];
  for (let i = 0; i < Math.min(x.length, y.length); i++) {
    if (x[i] !== y[i]) return x[i]!.codePointAt(0)! - y[i]!.codePointAt(0)!;
  }
  return x.length - y.length;
}

/** b in a. */
export function contains(container: Value, item: Value): boolean {
  if (typeof container === 'string') {
    if (typeof item === 'string') return container.includes(item);
    throw new TemplateError(`'in <string>' requires string as left operand, not ${typeName(item)}`);
  }
  if (container instanceof Map) return container.has(item);
  if (!itemsOf(container)) {
    throw new TemplateError(`argument of type '${typeName(container)}' is not iterable`);
  }
  for (const one of iterate(container)) if (equals(one, item)) return true;
  return false;
}

/** A JSON value as a template sees it: whole numbers become ints. */
export function fromJson(value: unknown): Value {
  if (value === undefined || value === null) return null;
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value;
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (Array.isArray(value)) return value.map(fromJson);
  return new Map(
    Object.entries(value).map(([key, item]): [string, Value] => [key, fromJson(item)]),
  );
}
