/** What filters make of lists: what passes a test, in order, in groups. */
import { byPath } from './operators.ts';
import { findTest } from './tests.ts';
import {
  compare,
  equals,
  group,
  isTrue,
  iterate,
  Iterator,
  print,
  Undefined,
  type Value,
} from './values.ts';

export function lazily(input: Value, map: (one: Value) => Value): Iterator {
  function* items(): Generator<Value> {
    if (isTrue(input)) for (const one of iterate(input)) yield map(one);
  }
  return new Iterator('generator', items());
}

/** The items whose `valueOf` passes a test (or, with `wanted` false, does not). */
export function selected(
  input: Value,
  [name, other = null]: Value[],
  wanted: boolean,
  valueOf: (one: Value) => Value,
): Iterator {
  function* items(): Generator<Value> {
    if (!isTrue(input)) return;
    const test = findTest(name === undefined ? undefined : print(name));
    for (const one of iterate(input)) if (test(valueOf(one), other) === wanted) yield one;
  }
  return new Iterator('generator', items());
}

/** What a list is sorted or compared by: small letters unless `caseSensitive`. */
export function keyOf(attribute: Value | undefined, caseSensitive: Value): (one: Value) => Value {
  const fold = (value: Value): Value =>
    typeof value === 'string' && !isTrue(caseSensitive) ? value.toLowerCase() : value;
  if (attribute === undefined || attribute === null) return fold;
  const paths = typeof attribute === 'string' ? attribute.split(',') : [attribute];
  return (one) => {
    const keys = paths.map((path) => fold(byPath(one, path)));
    return keys.length === 1 ? keys[0]! : keys;
  };
}

export function sorted(
  items: readonly Value[],
  key: (one: Value) => Value,
  reverse: Value,
): Value[] {
  const keyed = items.map((one) => ({ one, key: key(one) }));
  const sign = isTrue(reverse) ? -1 : 1;
  return keyed.sort((a, b) => sign * compare(a.key, b.key)).map(({ one }) => one);
}

export function extreme(
  input: Value,
  sign: number,
  caseSensitive: Value,
  attribute?: Value,
): Value {
  const items = [...iterate(input)];
  const key = keyOf(attribute, caseSensitive);
  if (items.length === 0) return new Undefined('No aggregated item, sequence was empty.');
  return items.reduce((best, one) => (sign * compare(key(one), key(best)) > 0 ? one : best));
}

export function unique(input: Value, caseSensitive: Value, attribute?: Value): Iterator {
  const key = keyOf(attribute, caseSensitive);
  const seen: Value[] = [];
  function* items(): Generator<Value> {
    for (const one of iterate(input)) {
      const mark = key(one);
      if (seen.some((other) => equals(other, mark))) continue;
      seen.push(mark);
      yield one;
    }
  }
  return new Iterator('generator', items());
}

export function grouped(input: Value, attribute: Value, otherwise?: Value): Value[] {
  const keyed = (one: Value): Value => {
    const value = byPath(one, attribute);
    return value instanceof Undefined && otherwise !== undefined ? otherwise : value;
  };
  const fold = keyOf(undefined, false);
  const groups: { grouper: Value; list: Value[] }[] = [];
  for (const one of sorted([...iterate(input)], (item) => fold(keyed(item)), false)) {
    const last = groups.at(-1);
    if (last && equals(fold(last.grouper), fold(keyed(one)))) last.list.push(one);
    else groups.push({ grouper: keyed(one), list: [one] });
  }
  return groups.map(({ grouper, list }) => group(grouper, list));
}

/** Lists of `size` items; the last is filled up with `fill`. */
export function batches(input: Value, size: number, fill: Value | undefined): Value[] {
  const items = [...iterate(input)];
  const out: Value[][] = [];
  for (let at = 0; at < items.length; at += size) out.push(items.slice(at, at + size));
  const last = out.at(-1);
  if (last && fill !== undefined && fill !== null) while (last.length < size) last.push(fill);
  return out;
}

/** Columns of a list. */
export function columns(input: Value, count: number, fill: Value | undefined): Value[] {
  const items = [...iterate(input)];
  const size = Math.floor(items.length / count);
  const longer = items.length % count;
  let at = 0;
  return Array.from({ length: count }, (_, i) => {
    const column = items.slice(at, (at += size + (i < longer ? 1 : 0)));
    if (fill !== undefined && fill !== null && i >= longer && longer > 0) column.push(fill);
    return column;
  });
}
