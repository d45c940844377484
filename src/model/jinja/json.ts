/** json.dumps, as transformers' filter `tojson` calls it. */
import { bind } from './call.ts';
import { TemplateError } from './errors.ts';
import {
  compare,
  isTrue,
  print,
  printFloat,
  typeName,
  type Callable,
  type Value,
} from './values.ts';

interface Layout {
  /** What each level is indented by; undefined for one line. */
  readonly indent: string | undefined;
  readonly between: string;
  readonly colon: string;
  readonly asciiOnly: boolean;
  readonly sorted: boolean;
}

export const toJson: Callable = (args, named) => {
  const names = ['value', 'ensure_ascii', 'indent', 'separators', 'sort_keys'];
  const bound = bind('tojson', names, args, named);
  const [value = null, ascii = false, indent = null, separators = null, sorted = false] = bound;
  const pair = Array.isArray(separators) ? separators.map(print) : undefined;
  return dump(value, {
    indent:
      indent === null
        ? undefined
        : typeof indent === 'bigint'
          ? ' '.repeat(Number(indent))
          : print(indent),
    between: pair?.[0] ?? (indent === null ? ', ' : ','),
    colon: pair?.[1] ?? ': ',
    asciiOnly: isTrue(ascii),
    sorted: isTrue(sorted),
  });
};

function dump(value: Value, layout: Layout, outer = '\n'): string {
  if (value === null) return 'null';
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number') return dumpFloat(value);
  if (typeof value === 'string') return dumpText(value, layout);
  const line = layout.indent === undefined ? '' : outer + layout.indent;
  const wrap = (open: string, close: string, parts: string[]): string => {
    if (parts.length === 0) return open + close;
    const end = layout.indent === undefined ? '' : outer;
    return open + line + parts.join(layout.between + line) + end + close;
  };
  if (Array.isArray(value)) {
    return wrap(
      '[',
      ']',
      value.map((one) => dump(one, layout, line)),
    );
  }
  if (value instanceof Map) {
    const entries = [...value];
    if (layout.sorted) entries.sort(([a], [b]) => compare(a, b));
    const parts = entries.map(
      ([key, one]) => dumpText(keyText(key), layout) + layout.colon + dump(one, layout, line),
    );
    return wrap('{', '}', parts);
  }
  throw new TemplateError(`Object of type ${typeName(value)} is not JSON serializable`);
}

function keyText(key: Value): string {
  if (key === null) return 'null';
  if (typeof key === 'boolean') return String(key);
  if (typeof key === 'number') return dumpFloat(key);
  if (typeof key === 'string' || typeof key === 'bigint') return print(key);
  throw new TemplateError(`keys must be str, int, float, bool or None, not ${typeName(key)}`);
}

function dumpFloat(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? 'Infinity' : '-Infinity';
  return printFloat(value);
}

const NAMED: Record<string, string> = {
  ...{ '"': '\\"', '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t', '\b': '\\b', '\f': '\\f' },
};

function dumpText(text: string, { asciiOnly }: Layout): string {
  // eslint-disable-next-line no-control-regex -- JSON escapes control characters
  const pattern = asciiOnly ? /["\\\x00-\x1f\x7f-\uffff]/g : /["\\\x00-\x1f]/g;
  const escaped = text.replace(
    pattern,
    (one) => NAMED[one] ?? `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `"${escaped}"`;
}
