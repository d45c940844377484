/** The methods of Python's str (format is in operators.ts), dict, list and tuple that a template may call. */
import { bind, toCount, toText } from './call.ts';
import { TemplateError } from './errors.ts';
import { pad } from './format.ts';
import { codePoints, SPACE, splitLines, strip, stripEnd, stripStart } from './text.ts';
import {
  equals,
  iterate,
  Tuple,
  typeName,
  tuple,
  Undefined,
  View,
  type Callable,
  type Dict,
  type Value,
} from './values.ts';

/** A method with its parameters' names; the arguments that were not given are undefined. */
type Method<T> = readonly [
  parameters: string,
  run: (self: T, ...args: (Value | undefined)[]) => Value,
];

/** Methods that change a value; Jinja's immutable sandbox refuses them. */
const CHANGING: Record<string, readonly string[]> = {
  list: ['append', 'clear', 'extend', 'insert', 'pop', 'remove', 'reverse', 'sort'],
  dict: ['clear', 'pop', 'popitem', 'setdefault', 'update'],
};

export function methodOf(object: Value, name: string): Callable | undefined {
  if (CHANGING[typeName(object)]?.includes(name)) {
    return () => {
      throw new TemplateError(
        `access to attribute '${name}' of '${typeName(object)}' object is unsafe.`,
      );
    };
  }
  if (typeof object === 'string') return method(STRING, object, name);
  if (object instanceof Map) return method(DICT, object, name);
  return Array.isArray(object) ? method(LIST, object, name) : undefined;
}

function method<T>(
  methods: Record<string, Method<T>>,
  self: T,
  name: string,
): Callable | undefined {
  if (!Object.hasOwn(methods, name)) return undefined;
  const [parameters, run] = methods[name]!;
  const names = parameters === '' ? [] : parameters.split(' ');
  return (args, named) => run(self, ...bind(name, names, args, named));
}

const text = (value: Value | undefined, otherwise: string): string =>
  value === undefined || value === null ? otherwise : toText(value);

const DICT: Record<string, Method<Dict>> = {
  get: [
    'key default',
    (self, key = null, otherwise = null) => (self.has(key) ? self.get(key)! : otherwise),
  ],
  keys: ['', (self) => new View('dict_keys', [...self.keys()])],
  values: ['', (self) => new View('dict_values', [...self.values()])],
  items: [
    '',
    (self) =>
      new View(
        'dict_items',
        [...self].map(([k, v]) => tuple([k, v])),
      ),
  ],
  copy: ['', (self) => new Map(self)],
};

const LIST: Record<string, Method<Value[]>> = {
  count: ['value', (self, value) => BigInt(self.filter((one) => equals(one, value!)).length)],
  copy: ['', (self) => [...self]],
  index: [
    'value',
    (self, value = null) => {
      const at = self.findIndex((one) => equals(one, value));
      if (at < 0) throw new TemplateError('the value is not in the list');
      return BigInt(at);
    },
  ],
};

const STRING: Record<string, Method<string>> = {
  upper: ['', (self) => self.toUpperCase()],
  lower: ['', (self) => self.toLowerCase()],
  casefold: ['', (self) => self.toLowerCase().replaceAll('ß', 'ss')],
  capitalize: ['', (self) => capitalize(self)],
  title: ['', (self) => titleCase(self)],
  swapcase: [
    '',
    (self) =>
      codePoints(self)
        .map((one) => (one === one.toUpperCase() ? one.toLowerCase() : one.toUpperCase()))
        .join(''),
  ],
  strip: ['chars', (self, chars) => strip(self, given(chars))],
  lstrip: ['chars', (self, chars) => stripStart(self, given(chars))],
  rstrip: ['chars', (self, chars) => stripEnd(self, given(chars))],
  split: ['sep maxsplit', (self, sep, most) => split(self, given(sep), limit(most))],
  rsplit: ['sep maxsplit', (self, sep, most) => splitFromEnd(self, given(sep), limit(most))],
  splitlines: ['keepends', (self, keep) => splitLines(self, keep === true)],
  partition: ['sep', (self, sep) => partition(self, toText(sep!), self.indexOf(toText(sep!)))],
  rpartition: [
    'sep',
    (self, sep) => partition(self, toText(sep!), self.lastIndexOf(toText(sep!)), true),
  ],
  join: ['iterable', (self, items) => [...iterate(items!)].map(toText).join(self)],
  replace: [
    'old new count',
    (self, old, by, count) => replace(self, toText(old!), toText(by!), limit(count)),
  ],
  startswith: [
    'prefix start end',
    (self, prefix, start, end) => anyOf(prefix!, (one) => range(self, start, end).startsWith(one)),
  ],
  endswith: [
    'suffix start end',
    (self, suffix, start, end) => anyOf(suffix!, (one) => range(self, start, end).endsWith(one)),
  ],
  removeprefix: [
    'prefix',
    (self, prefix) =>
      self.startsWith(toText(prefix!)) ? self.slice(toText(prefix!).length) : self,
  ],
  removesuffix: [
    'suffix',
    (self, suffix) =>
      self.endsWith(toText(suffix!)) && suffix !== ''
        ? self.slice(0, -toText(suffix!).length)
        : self,
  ],
  find: ['sub', (self, sub) => pointIndex(self, self.indexOf(toText(sub!)))],
  rfind: ['sub', (self, sub) => pointIndex(self, self.lastIndexOf(toText(sub!)))],
  index: ['sub', (self, sub) => found(pointIndex(self, self.indexOf(toText(sub!))))],
  rindex: ['sub', (self, sub) => found(pointIndex(self, self.lastIndexOf(toText(sub!))))],
  count: [
    'sub',
    (self, sub) =>
      BigInt(sub === '' ? codePoints(self).length + 1 : self.split(toText(sub!)).length - 1),
  ],
  center: ['width fill', (self, width, fill) => center(self, toCount(width!), text(fill, ' '))],
  ljust: ['width fill', (self, width, fill) => pad(self, toCount(width!), text(fill, ' '))],
  rjust: ['width fill', (self, width, fill) => pad(self, toCount(width!), text(fill, ' '), '>')],
  zfill: ['width', (self, width) => zeroFill(self, toCount(width!))],
  expandtabs: ['tabsize', (self, size = 8n) => expandTabs(self, toCount(size))],
  isdigit: ['', (self) => /^[\p{Nd}²³¹⁰-⁹₀-₉]+$/u.test(self)],
  isdecimal: ['', (self) => /^\p{Nd}+$/u.test(self)],
  isnumeric: ['', (self) => /^\p{N}+$/u.test(self)],
  isalpha: ['', (self) => /^\p{L}+$/u.test(self)],
  isalnum: ['', (self) => /^[\p{L}\p{N}]+$/u.test(self)],
  isspace: ['', (self) => new RegExp(`^[${SPACE}]+$`).test(self)],
  isidentifier: ['', (self) => /^[\p{L}_][\p{L}\p{N}\p{M}_]*$/u.test(self)],
  isascii: ['', (self) => codePoints(self).every((one) => one < '\x80')],
  islower: ['', (self) => isLower(self)],
  isupper: ['', (self) => isUpper(self)],
  istitle: ['', (self) => /\p{L}/u.test(self) && self === titleCase(self)],
};

export const isLower = (self: string): boolean =>
  self === self.toLowerCase() && /\p{Ll}/u.test(self);
export const isUpper = (self: string): boolean =>
  self === self.toUpperCase() && /\p{Lu}/u.test(self);

/** None stands for an argument that was not given. */
const given = (value: Value | undefined): string | undefined =>
  value === undefined || value === null ? undefined : toText(value);

/** Python's -1, the default, means as many as there are. */
function limit(value: Value | undefined): number {
  const count = value === undefined || value === null ? -1 : toCount(value);
  return count < 0 ? Infinity : count;
}

export function capitalize(self: string): string {
  const [first = '', ...rest] = codePoints(self);
  return first.toUpperCase() + rest.join('').toLowerCase();
}

/** Each run of letters begins with a capital and goes on in small letters. */
const titleCase = (self: string): string => self.replace(/[\p{L}\p{M}]+/gu, capitalize);

const SPACE_RUN = new RegExp(`[${SPACE}]+`, 'g');

/** str.split: at white space, or at every `separator`. */
function split(self: string, separator: string | undefined, most: number): string[] {
  if (separator === '') throw new TemplateError('empty separator');
  const start = separator === undefined ? stripStart(self) : self;
  const parts: string[] = [];
  const pattern = separator === undefined ? SPACE_RUN : undefined;
  let at = 0;
  while (parts.length < most) {
    let next: number;
    let size = separator?.length ?? 0;
    if (pattern) {
      pattern.lastIndex = at;
      const match = pattern.exec(start);
      next = match?.index ?? -1;
      size = match?.[0].length ?? 0;
    } else next = start.indexOf(separator!, at);
    if (next < 0) break;
    parts.push(start.slice(at, next));
    at = next + size;
  }
  const rest = start.slice(at);
  // Split at white space, a text has no empty parts.
  if (separator !== undefined || rest !== '') parts.push(rest);
  return parts;
}

function splitFromEnd(self: string, separator: string | undefined, most: number): string[] {
  if (most === Infinity) return split(self, separator, most);
  const parts: string[] = [];
  let rest = separator === undefined ? stripEnd(self) : self;
  while (parts.length < most) {
    if (separator === undefined) {
      const match = new RegExp(`[${SPACE}]+[^${SPACE}]*$`).exec(rest);
      if (!match || match.index === 0) break;
      parts.unshift(stripStart(match[0]));
      rest = stripEnd(rest.slice(0, match.index));
    } else {
      const at = rest.lastIndexOf(separator);
      if (at < 0) break;
      parts.unshift(rest.slice(at + separator.length));
      rest = rest.slice(0, at);
    }
  }
  return separator === undefined && rest === '' ? parts : [rest, ...parts];
}

function partition(self: string, separator: string, at: number, fromEnd = false): Tuple {
  if (separator === '') throw new TemplateError('empty separator');
  if (at < 0) return tuple(fromEnd ? ['', '', self] : [self, '', '']);
  return tuple([self.slice(0, at), separator, self.slice(at + separator.length)]);
}

export function replace(self: string, old: string, by: string, count = Infinity): string {
  if (old === '') {
    const points = codePoints(self);
    const pieces = points.map((one, i) => (i < count ? by + one : one)).join('');
    return points.length < count ? pieces + by : pieces;
  }
  const parts = self.split(old);
  const replaced = parts.slice(0, count + 1).join(by);
  return [replaced, ...parts.slice(count + 1)].join(old);
}

function anyOf(value: Value, test: (one: string) => boolean): boolean {
  if (value instanceof Undefined) value.fail();
  return value instanceof Tuple ? value.some((one) => test(toText(one))) : test(toText(value));
}

function range(self: string, start: Value = 0n, end?: Value): string {
  if (start === 0n && end === undefined) return self;
  const [from, to] = [
    toCount(start ?? 0n),
    end === undefined || end === null ? undefined : toCount(end),
  ];
  return codePoints(self).slice(from, to).join('');
}

/** A place in UTF-16 units as one in code points. */
const pointIndex = (self: string, at: number): bigint =>
  BigInt(at < 0 ? -1 : codePoints(self.slice(0, at)).length);

function found(at: bigint): bigint {
  if (at < 0n) throw new TemplateError('substring not found');
  return at;
}

/** str.center, which puts an odd space to the left if the width is odd. */
export function center(self: string, width: number, fill = ' '): string {
  const space = Math.max(0, width - codePoints(self).length);
  const left = Math.floor(space / 2) + (space & width & 1);
  return fill.repeat(left) + self + fill.repeat(space - left);
}

function zeroFill(self: string, width: number): string {
  const sign = /^[+-]/.test(self) ? self[0]! : '';
  return sign + pad(self.slice(sign.length), width - sign.length, '0', '>');
}

const expandTabs = (self: string, size: number): string =>
  self
    .split('\n')
    .map((line) => {
      let out = '';
      for (const one of codePoints(line)) {
        out += one === '\t' ? ' '.repeat(size - (codePoints(out).length % size)) : one;
      }
      return out;
    })
    .join('\n');
