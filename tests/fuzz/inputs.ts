/** Inputs for fuzzing: seeds with changes, in their values and in their text. */
import fc from 'fast-check';

/** Values at which readers go wrong. */
const ODD_VALUES: readonly unknown[] = [
  ...[null, true, false, 0, 1, -1, 0.5, 7, 1e308, -1e308, 2 ** 31, 2 ** 32, 2 ** 52, 2 ** 53],
  ...[
    '',
    ' ',
    'x',
    '-1',
    '../outside',
    '__proto__',
    'constructor',
    '\0',
    '\ud83d',
    'a'.repeat(300),
  ],
  ...[[], [[]], {}, [null], [-1], ['x'], { x: 1 }, [0, 7], nested(90), nested(3000)],
];

const ODD_TEXTS = [
  ...['null', '-1', '1e999', 'NaN', '"x"', '[]', '{}', '"', '\\', '{', '}', '[', ']', ',', ':'],
  ...['\n', '\r', '\ufeff', '\0', '&a ', '*a', '<<: ', '- ', '  ', '|', '!!binary ', '__proto__'],
  ...['['.repeat(5000), '{"a":'.repeat(5000), '- '.repeat(5000), 'a: '.repeat(500)],
];

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < depth; i++) value = [value];
  return value;
}

/** A value of a place in a JSON value: replaced, removed, doubled, renamed, or another field added. */
type Change = (value: unknown) => unknown;

const odd = fc.constantFrom(...ODD_VALUES);

const change: fc.Arbitrary<Change> = fc.oneof(
  odd.map(
    (value): Change =>
      () =>
        value,
  ),
  fc.jsonValue({ maxDepth: 2 }).map(
    (value): Change =>
      () =>
        value,
  ),
  odd.map(
    (value): Change =>
      (old) =>
        isObject(old) ? { ...old, [String(value).slice(0, 20)]: value } : [old, value],
  ),
  fc.nat(20).map((at): Change => (old) => {
    if (Array.isArray(old)) return (old as unknown[]).filter((_, i) => i !== at % old.length);
    if (!isObject(old)) return old;
    const entries = Object.entries(old);
    return Object.fromEntries(entries.filter((_, i) => i !== at % entries.length));
  }),
  fc.double({ noNaN: true }).map(
    (factor): Change =>
      (old) =>
        typeof old === 'number' ? old * factor : old,
  ),
);

/** Seeds as JSON texts with one to three changes. */
export function changedJson(seeds: readonly unknown[]): fc.Arbitrary<string> {
  const path = fc.array(fc.nat(30), { maxLength: 4 });
  const changes = fc.array(fc.tuple(path, change), { minLength: 1, maxLength: 3 });
  return fc
    .tuple(fc.constantFrom(...seeds), changes)
    .map(([seed, list]) =>
      JSON.stringify(list.reduce((value, [at, how]) => changeAt(value, at, how), seed)),
    );
}

function changeAt(value: unknown, [first, ...rest]: readonly number[], how: Change): unknown {
  if (first === undefined || typeof value !== 'object' || value === null) return how(value);
  const keys = Object.keys(value);
  const key = keys[first % keys.length];
  if (key === undefined) return how(value);
  const inner = changeAt((value as Record<string, unknown>)[key], rest, how);
  if (Array.isArray(value))
    return value.map((item: unknown, i) => (String(i) === key ? inner : item));
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, k === key ? inner : v]));
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Seeds with one to four pieces cut out, repeated, inserted or overwritten. */
export function changedText(seeds: readonly string[]): fc.Arbitrary<string> {
  const place = fc.double({ min: 0, max: 1, noNaN: true });
  const piece = fc.oneof(
    fc.constantFrom(...ODD_TEXTS),
    fc.string({ unit: 'binary', maxLength: 4 }),
  );
  const edit = fc.record({
    from: place,
    length: fc.oneof(fc.nat(4), fc.nat(200)),
    insert: fc.oneof(fc.constant(''), piece),
    repeat: fc.boolean(),
  });
  return fc
    .tuple(fc.constantFrom(...seeds), fc.array(edit, { minLength: 1, maxLength: 4 }))
    .map(([seed, edits]) =>
      edits.reduce((text, { from, length, insert, repeat }) => {
        const start = Math.floor(from * text.length);
        const cut = text.slice(start, start + length);
        return (
          text.slice(0, start) + insert + (repeat ? cut + cut : '') + text.slice(start + length)
        );
      }, seed),
    );
}

/** Seeds with some bytes changed, or cut off. */
export function changedBytes(
  seeds: readonly Uint8Array<ArrayBuffer>[],
): fc.Arbitrary<Uint8Array<ArrayBuffer>> {
  const flip = fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(255));
  const flips = fc.array(flip, { maxLength: 6 });
  const end = fc.oneof(fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true }));
  return fc.tuple(fc.constantFrom(...seeds), flips, end).map(([seed, list, share]) => {
    const bytes = seed.slice(0, Math.ceil(share * seed.length));
    for (const [at, value] of list)
      if (bytes.length > 0) bytes[Math.floor(at * (bytes.length - 1))] = value;
    return bytes;
  });
}
