/** Jinja's filters: {{ value | NAME(arguments) }}, as jinja2/filters.py defines them. */
import { bind, toCount, toText } from './call.ts';
import {
  batches,
  columns,
  extreme,
  grouped,
  keyOf,
  lazily,
  selected,
  sorted,
  unique,
} from './collections.ts';
import { TemplateError } from './errors.ts';
import { formatPercent } from './format.ts';
import { toJson } from './json.ts';
import { round, toFloat, toInt } from './numbers.ts';
import { capitalize, center, replace } from './methods.ts';
import { attributeOnly, byPath, calculate } from './operators.ts';
import { codePoints, splitLines, strip } from './text.ts';
import {
  isNumber,
  isTrue,
  iterate,
  Iterator,
  length,
  print,
  typeName,
  tuple,
  Undefined,
  type Callable,
  type Value,
} from './values.ts';

/** Parameters after the input, by name, and what the filter gives. */
type Filter = readonly [
  parameters: string,
  run: (input: Value, ...args: (Value | undefined)[]) => Value,
];

/** @throws TemplateError when there is no such filter */
export function applyFilter(
  name: string,
  input: Value,
  args: readonly Value[],
  named: ReadonlyMap<string, Value>,
): Value {
  const open = OPEN[name];
  if (open) return open([input, ...args], named);
  if (!Object.hasOwn(FILTERS, name)) throw new TemplateError(`No filter named '${name}'.`);
  const [parameters, run] = FILTERS[name]!;
  const names = parameters === '' ? [] : parameters.split(' ');
  return run(input, ...bind(name, names, args, named));
}

/** Filters that take any arguments; the input is the first. */
const OPEN: Record<string, Callable | undefined> = {
  tojson: toJson,
  format: ([pattern = '', ...args], named) =>
    formatPercent(print(pattern), named.size > 0 ? new Map<Value, Value>(named) : tuple(args)),
  map: ([input = null, ...args], named) => {
    const attribute = named.get('attribute');
    if (attribute !== undefined) {
      const otherwise = named.get('default');
      return lazily(input, (one) => {
        const value = byPath(one, attribute);
        return value instanceof Undefined && otherwise !== undefined ? otherwise : value;
      });
    }
    const [name, ...rest] = args;
    if (name === undefined) throw new TemplateError('map requires a filter argument');
    return lazily(input, (one) => applyFilter(print(name), one, rest, named));
  },
  select: ([input = null, ...args]) => selected(input, args, true, (one) => one),
  reject: ([input = null, ...args]) => selected(input, args, false, (one) => one),
  selectattr: ([input = null, attribute = '', ...args]) =>
    selected(input, args, true, (one) => byPath(one, attribute)),
  rejectattr: ([input = null, attribute = '', ...args]) =>
    selected(input, args, false, (one) => byPath(one, attribute)),
};

function indent(text: string, width: Value, first: Value, blank: Value): string {
  const space = typeof width === 'string' ? width : ' '.repeat(toCount(width));
  const [head = '', ...rest] = splitLines(`${text}\n`);
  const lines = rest.map((line) => (line === '' && !isTrue(blank) ? line : space + line));
  return (isTrue(first) ? space : '') + [head, ...lines].join('\n');
}

function truncate(
  text: string,
  most: number,
  killWords: Value,
  end: string,
  leeway: number,
): string {
  const points = codePoints(text);
  if (points.length <= most + leeway) return text;
  const cut = points.slice(0, most - codePoints(end).length).join('');
  if (isTrue(killWords)) return cut + end;
  const space = cut.lastIndexOf(' ');
  return (space < 0 ? cut : cut.slice(0, space)) + end;
}

const HTML: Record<string, string> = {
  ...{ '&': '&amp;', '<': '&lt;', '>': '&gt;', "'": '&#39;', '"': '&#34;' },
};
/** As markupsafe.escape. */
export const escapeHtml = (value: Value): string =>
  print(value).replace(/[&<>'"]/g, (one) => HTML[one]!);

const titled = (text: string): string =>
  text
    .split(/([-\s({[<]+)/u)
    .map((part) => capitalize(part))
    .join('');

const fallback: Filter = [
  'default_value boolean',
  (input, otherwise = '', always = false) =>
    input instanceof Undefined || (isTrue(always) && !isTrue(input)) ? otherwise : input,
];
const count: Filter = ['', (input) => BigInt(length(input))];
const escape: Filter = ['', escapeHtml];

const FILTERS: Record<string, Filter> = {
  abs: ['', (input) => (Number(input) < 0 ? calculate('*', input, -1n) : input)],
  attr: ['name', (input, name) => attributeOnly(input, print(name!))],
  batch: [
    'linecount fill_with',
    (input, size, fill) => lazily(batches(input, toCount(size!), fill), (one) => one),
  ],
  capitalize: ['', (input) => capitalize(print(input))],
  center: ['width', (input, width = 80n) => center(print(input), toCount(width))],
  ...{
    count,
    length: count,
    default: fallback,
    d: fallback,
    escape,
    e: escape,
    forceescape: escape,
  },
  dictsort: [
    'case_sensitive by reverse',
    (input, caseSensitive = false, by = 'key', reverse = false) => {
      if (!(input instanceof Map)) throw new TemplateError('dictsort needs a dict');
      const pairs = [...input].map(([key, one]) => tuple([key, one]));
      return sorted(pairs, keyOf(by === 'key' ? 0n : 1n, caseSensitive), reverse);
    },
  ],
  first: [
    '',
    (input) => {
      for (const one of iterate(input)) return one;
      return new Undefined('No first item, sequence was empty.');
    },
  ],
  float: ['default', (input, otherwise = 0) => toFloat(input) ?? otherwise],
  groupby: [
    'attribute default case_sensitive',
    (input, attribute, otherwise) => grouped(input, attribute!, otherwise),
  ],
  indent: [
    'width first blank',
    (input, width = 4n, first = false, blank = false) => indent(toText(input), width, first, blank),
  ],
  int: [
    'default base',
    (input, otherwise = 0n, base = 10n) => toInt(input, otherwise, toCount(base)),
  ],
  items: [
    '',
    (input) => {
      if (input instanceof Undefined) return lazily([], (one) => one);
      if (!(input instanceof Map))
        throw new TemplateError('Can only get item pairs from a mapping.');
      return lazily(
        [...input].map(([key, one]) => tuple([key, one])),
        (one) => one,
      );
    },
  ],
  join: [
    'd attribute',
    (input, between = '', attribute) =>
      [...iterate(input)]
        .map((one) =>
          print(attribute === undefined || attribute === null ? one : byPath(one, attribute)),
        )
        .join(print(between)),
  ],
  last: [
    '',
    (input) => {
      const items = [...iterate(input)];
      return items.length > 0 ? items.at(-1)! : new Undefined('No last item, sequence was empty.');
    },
  ],
  list: ['', (input) => [...iterate(input)]],
  lower: ['', (input) => print(input).toLowerCase()],
  max: [
    'case_sensitive attribute',
    (input, caseSensitive = false, attribute) => extreme(input, 1, caseSensitive, attribute),
  ],
  min: [
    'case_sensitive attribute',
    (input, caseSensitive = false, attribute) => extreme(input, -1, caseSensitive, attribute),
  ],
  replace: [
    'old new count',
    (input, old, by, most) =>
      replace(
        print(input),
        toText(old!),
        toText(by!),
        most === undefined || most === null || toCount(most) < 0 ? undefined : toCount(most),
      ),
  ],
  reverse: [
    '',
    (input) =>
      typeof input === 'string'
        ? codePoints(input).reverse().join('')
        : new Iterator('list_reverseiterator', [...iterate(input)].reverse()),
  ],
  round: [
    'precision method',
    (input, precision = 0n, method = 'common') => {
      if (!isNumber(input))
        throw new TemplateError(`type ${typeName(input)} doesn't define __round__ method`);
      const rounded = round(Number(input), toCount(precision), print(method));
      return typeof input === 'number' || method !== 'common' ? rounded : BigInt(rounded);
    },
  ],
  safe: ['', (input) => print(input)],
  slice: [
    'slices fill_with',
    (input, slices, fill) => lazily(columns(input, toCount(slices!), fill), (one) => one),
  ],
  sort: [
    'reverse case_sensitive attribute',
    (input, reverse = false, caseSensitive = false, attribute) =>
      sorted([...iterate(input)], keyOf(attribute, caseSensitive), reverse),
  ],
  string: ['', (input) => print(input)],
  sum: [
    'attribute start',
    (input, attribute, start = 0n) =>
      [...iterate(input)]
        .map((one) =>
          attribute === undefined || attribute === null ? one : byPath(one, attribute),
        )
        .reduce((sum, one) => calculate('+', sum, one), start),
  ],
  title: ['', (input) => titled(print(input))],
  trim: [
    'chars',
    (input, chars) =>
      strip(print(input), chars === undefined || chars === null ? undefined : toText(chars)),
  ],
  truncate: [
    'length killwords end leeway',
    (input, most = 255n, kill = false, end = '...', leeway = 5n) =>
      truncate(print(input), toCount(most), kill, print(end), toCount(leeway)),
  ],
  unique: [
    'case_sensitive attribute',
    (input, caseSensitive = false, attribute) => unique(input, caseSensitive, attribute),
  ],
  upper: ['', (input) => print(input).toUpperCase()],
  urlencode: [
    '',
    (input) =>
      encodeURIComponent(print(input))
        .replaceAll('%2F', '/')
        .replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`),
  ],
  wordcount: ['', (input) => BigInt(print(input).match(/[\p{L}\p{N}_]+/gu)?.length ?? 0)],
};
