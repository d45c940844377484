/** The functions that transformers and Jinja give to every template. */
import { bind, toCount, toText } from './call.ts';
import { TemplateError } from './errors.ts';
import { unpack } from './operators.ts';
import { strftime } from './strftime.ts';
import {
  Attributes,
  iterate,
  Namespace,
  print,
  Range,
  type Callable,
  type Dict,
  type Value,
} from './values.ts';

/** @param now the time that `strftime_now` formats */
export function globals(now: Date): Map<string, Value> {
  return new Map<string, Value>([
    ['raise_exception', raiseException],
    ['strftime_now', ([format = '']) => strftime(now, toText(format))],
    ['range', range],
    [
      'dict',
      new Attributes(
        "<class 'dict'>",
        (name) => (name === 'fromkeys' ? fromKeys : undefined),
        toDict,
      ),
    ],
    ['namespace', toNamespace],
    ['joiner', joiner],
    ['cycler', cycler],
  ]);
}

const raiseException: Callable = (args, named) => {
  const [message = ''] = bind('raise_exception', ['message'], args, named);
  throw new TemplateError(print(message));
};

const range: Callable = (args) => {
  const numbers = args.map((one) => BigInt(toCount(one)));
  const [first = 0n, second, step = 1n] = numbers;
  if (step === 0n) throw new TemplateError('range() arg 3 must not be zero');
  return second === undefined ? new Range(0n, first, 1n) : new Range(first, second, step);
};

/** dict(mapping or pairs, name=value ...) */
const toDict: Callable = ([source], named): Dict => {
  const dict: Dict = new Map();
  if (source instanceof Map) for (const [key, value] of source) dict.set(key, value);
  else if (source !== undefined) {
    for (const pair of iterate(source)) {
      const [key, value] = unpack(pair, 2);
      dict.set(key!, value!);
    }
  }
  for (const [key, value] of named) dict.set(key, value);
  return dict;
};

const fromKeys: Callable = ([keys = null, value = null]): Dict =>
  new Map([...iterate(keys)].map((key) => [key, value]));

const toNamespace: Callable = (args, named) => {
  const namespace = new Namespace();
  for (const [name, value] of toDict(args, named) as Dict) namespace.set(print(name), value);
  return namespace;
};

/** Gives '' the first time that it is called, then the separator. */
const joiner: Callable = ([separator = ', ']) => {
  let used = false;
  const next: Callable = () => {
    const text = used ? separator : '';
    used = true;
    return text;
  };
  return next;
};

/** Gives its items in turn. */
const cycler: Callable = (items) => {
  let at = 0;
  const current = (): Value => items[at % items.length] ?? null;
  const next: Callable = () => {
    const value = current();
    at++;
    return value;
  };
  const reset: Callable = () => {
    at = 0;
    return null;
  };
  return new Attributes('<Cycler>', (name) => {
    if (name === 'current') return current();
    return name === 'next' ? next : name === 'reset' ? reset : undefined;
  });
};
