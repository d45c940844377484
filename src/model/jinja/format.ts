/** Python's two ways to format text: '%s' % value, and '{}'.format(value). */
import { toCount } from './call.ts';
import { TemplateError } from './errors.ts';
import { codePoints, textLength } from './text.ts';
import {
  isNumber,
  numeric,
  print,
  printFloat,
  represent,
  Tuple,
  typeName,
  type Value,
} from './values.ts';

interface Spec {
  readonly fill: string;
  /** '<', '>', '^', '=' or undefined for the type's own. */
  readonly align: string | undefined;
  readonly sign: string;
  readonly alternate: boolean;
  readonly width: number;
  readonly grouping: string;
  readonly precision: number | undefined;
  readonly type: string;
}

/** 'pattern' % value: %s, %r, %d, %i, %x, %o, %f, %e, %g, %c, %%, with flags, and %(key)s. */
export function formatPercent(pattern: string, value: Value): string {
  const args = value instanceof Tuple ? [...value] : [value];
  let used = 0;
  const nextArgument = (): Value => {
    if (used >= args.length) throw new TemplateError('not enough arguments for format string');
    return args[used++]!;
  };
  const text = pattern.replace(
    /%(?:\(([^)]*)\))?([-+ #0]*)(\*|\d+)?(?:\.(\*|\d+))?([a-zA-Z%]?)/g,
    (
      _,
      key: string | undefined,
      flags: string,
      width = '0',
      precision: string | undefined,
      type,
    ) => {
      if (type === '%') return '%';
      const size = width === '*' ? toCount(nextArgument()) : Number(width);
      const digits = precision === '*' ? toCount(nextArgument()) : precision;
      let argument: Value;
      if (key === undefined) argument = nextArgument();
      else {
        used = args.length;
        argument = value instanceof Map ? (value.get(key) ?? null) : null;
      }
      const left = flags.includes('-');
      const zero = flags.includes('0') && !left;
      const spec = {
        fill: zero ? '0' : ' ',
        align: left ? '<' : zero ? '=' : '>',
        sign: flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '-',
        alternate: flags.includes('#'),
        width: size,
        grouping: '',
        precision: digits === undefined ? undefined : Number(digits),
        type: type as string,
      };
      return formatPercentValue(argument, spec);
    },
  );
  if (used < args.length && !(value instanceof Map)) {
    throw new TemplateError('not all arguments converted during string formatting');
  }
  return text;
}

function formatPercentValue(value: Value, spec: Spec): string {
  switch (spec.type) {
    case 's':
      return formatText(print(value), {
        ...spec,
        fill: ' ',
        align: spec.align === '<' ? '<' : '>',
      });
    case 'r':
    case 'a':
      return formatText(represent(value), spec);
    case 'c':
      return formatText(
        typeof value === 'bigint' ? String.fromCodePoint(Number(value)) : print(value),
        spec,
      );
    case 'd':
    case 'i':
    case 'u':
      if (!isNumber(value)) {
        throw new TemplateError(`%d format: a real number is required, not ${typeName(value)}`);
      }
      return formatNumber(truncate(value), { ...spec, type: 'd' });
    default:
      if (!isNumber(value)) throw new TemplateError(`must be real number, not ${typeName(value)}`);
      return formatNumber(value, spec);
  }
}

const truncate = (value: number | bigint | boolean): bigint =>
  typeof value === 'number' ? BigInt(Math.trunc(value)) : BigInt(value);

/** str.format: fields {}, {0}, {name}, with .attribute, [key], !r and a format after a colon. */
export function formatBraces(
  pattern: string,
  args: readonly Value[],
  named: ReadonlyMap<string, Value>,
  /** An attribute or an item of a value. */
  get: (object: Value, name: Value, isAttribute: boolean) => Value,
): string {
  let automatic = 0;
  const field = (name: string): Value => {
    const [, head = '', path = ''] = /^([^.[]*)(.*)$/s.exec(name)!;
    const key = head === '' ? String(automatic++) : head;
    const start = /^\d+$/.test(key) ? args[Number(key)] : named.get(key);
    if (start === undefined) {
      throw new TemplateError(
        /^\d+$/.test(key) ? 'Replacement index out of range' : `no argument named '${key}'`,
      );
    }
    let value = start;
    for (const [, attribute, key = ''] of path.matchAll(/\.([^.[]+)|\[([^\]]+)\]/g)) {
      const index = /^\d+$/.test(key) ? BigInt(key) : key;
      value = attribute === undefined ? get(value, index, false) : get(value, attribute, true);
    }
    return value;
  };
  return pattern.replace(
    /\{\{|\}\}|\{([^{}!:]*)(?:!([rsa]))?(?::((?:[^{}]|\{[^{}]*\})*))?\}|[{}]/g,
    (whole: string, name?: string, conversion?: string, spec: string = '') => {
      if (whole === '{{' || whole === '}}') return whole[0]!;
      if (name === undefined)
        throw new TemplateError(`Single '${whole}' encountered in format string`);
      const value = field(name);
      const written = spec.replace(/\{([^{}]*)\}/g, (_: string, inner: string) =>
        print(field(inner)),
      );
      const shown =
        conversion === undefined ? value : conversion === 's' ? print(value) : represent(value);
      return formatValue(shown, written);
    },
  );
}

/** format(value, spec). */
function formatValue(value: Value, written: string): string {
  if (written === '') return print(value);
  const match = /^(?:(.)?([<>=^]))?([-+ ])?(#)?(0)?(\d+)?([,_])?(?:\.(\d+))?([a-zA-Z%])?$/su.exec(
    written,
  );
  if (!match) throw new TemplateError(`Invalid format specifier '${written}'`);
  const [, fill, align, sign = '-', alternate, zero, width = '0', grouping = '', precision, type] =
    match;
  const spec = {
    fill: fill ?? (zero ? '0' : ' '),
    align: align ?? (zero ? '=' : undefined),
    sign,
    alternate: alternate !== undefined,
    width: Number(width),
    grouping,
    precision: precision === undefined ? undefined : Number(precision),
    type: type ?? '',
  };
  if (typeof value === 'boolean' && spec.type === '') return formatText(print(value), spec);
  return isNumber(value) && spec.type !== 's'
    ? formatNumber(value, spec)
    : formatText(print(value), spec);
}

function formatText(text: string, spec: Spec): string {
  const cut =
    spec.precision === undefined ? text : codePoints(text).slice(0, spec.precision).join('');
  return pad(cut, spec.width, spec.fill, spec.align === '=' ? '<' : (spec.align ?? '<'));
}

/** The text in the middle or at a side of `width` characters. */
export function pad(text: string, width: number, fill = ' ', align = '<'): string {
  const space = Math.max(0, width - textLength(text));
  if (align === '<') return text + fill.repeat(space);
  if (align === '>') return fill.repeat(space) + text;
  const before = Math.floor(space / 2);
  return fill.repeat(before) + text + fill.repeat(space - before);
}

function formatNumber(value: number | bigint | boolean, spec: Spec): string {
  const number = numeric(value);
  const negative = number < 0 || Object.is(number, -0);
  const sign = negative ? '-' : spec.sign === '-' ? '' : spec.sign;
  let body = digitsOf(
    number < 0
      ? -number
      : Math.abs(Number(number)) === 0 && typeof number === 'number'
        ? 0
        : number,
    spec,
  );
  if (spec.grouping !== '') body = body.replace(/^\d+/, (whole) => group(whole, spec.grouping));
  if (spec.align === '=') return sign + pad(body, spec.width - sign.length, spec.fill, '>');
  return pad(sign + body, spec.width, spec.fill, spec.align ?? '>');
}

const group = (digits: string, mark: string): string => digits.replace(/\B(?=(?:\d{3})+$)/g, mark);

function digitsOf(number: number | bigint, { type, precision, alternate }: Spec): string {
  const prefix = (mark: string): string => (alternate ? mark : '');
  if (typeof number === 'bigint') {
    switch (type) {
      case '':
      case 'd':
      case 'n':
        return number.toString();
      case 'x':
        return prefix('0x') + number.toString(16);
      case 'X':
        return prefix('0X') + number.toString(16).toUpperCase();
      case 'o':
        return prefix('0o') + number.toString(8);
      case 'b':
        return prefix('0b') + number.toString(2);
      case 'c':
        return String.fromCodePoint(Number(number));
      default:
    }
  }
  const value = Number(number);
  if (!Number.isFinite(value)) return printFloat(value);
  switch (type.toLowerCase()) {
    case 'f':
      return value.toFixed(precision ?? 6);
    case '%':
      return `${(value * 100).toFixed(precision ?? 6)}%`;
    case 'e':
      return exponential(value, precision ?? 6, type);
    case 'g':
      return general(value, precision ?? 6, type);
    case '':
      return precision === undefined ? printFloat(value) : general(value, precision, 'g');
    default:
      throw new TemplateError(`Unknown format code '${type}' for object of type 'float'`);
  }
}

function exponential(value: number, precision: number, type: string): string {
  const [digits, exponent] = value.toExponential(precision).split('e') as [string, string];
  return `${digits}${type}${exponent[0]!}${exponent.slice(1).padStart(2, '0')}`;
}

function general(value: number, precision: number, type: string): string {
  const digits = Math.max(1, precision);
  const exponent = value === 0 ? 0 : Number(value.toExponential(digits - 1).split('e')[1]);
  const trim = (text: string): string =>
    text.includes('.') ? text.replace(/\.?0+(?=e|$)/i, '') : text;
  return exponent < -4 || exponent >= digits
    ? trim(exponential(value, digits - 1, type === 'G' ? 'E' : 'e'))
    : trim(value.toFixed(digits - 1 - exponent));
}
