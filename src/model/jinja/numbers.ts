/** Numbers as the filters int, float and round make them. */
import { TemplateError } from './errors.ts';
import { strip } from './text.ts';
import { isNumber, numeric, type Value } from './values.ts';

/** Python reads and prints no number of more digits. */
export const MOST_DIGITS = 4300;

/** A number in the source of a template. @throws TemplateError when it has too many digits */
export function wholeNumber(text: string): bigint {
  const digits = text.replaceAll('_', '');
  if (digits.length <= MOST_DIGITS) return BigInt(digits);
  throw new TemplateError(`a number with more than ${MOST_DIGITS} digits`);
}

export function toInt(value: Value, otherwise: Value, base: number): Value {
  if (isNumber(value)) {
    const number = numeric(value);
    if (typeof number === 'bigint') return number;
    return Number.isFinite(number) ? BigInt(Math.trunc(number)) : otherwise;
  }
  if (typeof value !== 'string') return otherwise;
  const text = strip(value).replace(/(?<=\d)_(?=\d)/g, '');
  const digits = base === 10 ? /^[+-]?\d+$/ : /^[+-]?(?:0[xXoObB])?[\da-zA-Z]+$/;
  if (digits.test(text)) {
    const unsigned = text.replace(/^[+-]/, '');
    if (base === 10 && unsigned.length > MOST_DIGITS) return otherwise;
    if (base === 10) return BigInt(text.startsWith('-') ? text : unsigned);
    const parsed = parseInt(text.replace(/0[xXoObB]/, ''), base);
    if (!Number.isNaN(parsed)) return BigInt(parsed);
  }
  const float = toFloat(value);
  return float === undefined || !Number.isFinite(float) ? otherwise : BigInt(Math.trunc(float));
}

export function toFloat(value: Value): number | undefined {
  if (isNumber(value)) return Number(value);
  if (typeof value !== 'string') return undefined;
  const text = strip(value).toLowerCase();
  if (/^[+-]?(?:\d[\d_]*\.?\d*|\.\d+)(?:e[+-]?\d+)?$/.test(text)) {
    return Number(text.replaceAll('_', ''));
  }
  const named = /^([+-]?)(inf|infinity|nan)$/.exec(text);
  if (!named) return undefined;
  return (named[1] === '-' ? -1 : 1) * (named[2] === 'nan' ? NaN : Infinity);
}

/** Python rounds halves to even. */
export function round(value: number, precision: number, method: string): number {
  const scale = 10 ** precision;
  if (method === 'ceil') return Math.ceil(value * scale) / scale;
  if (method === 'floor') return Math.floor(value * scale) / scale;
  const scaled = value * scale;
  const near = Math.round(scaled);
  const isHalf = Math.abs(scaled - Math.trunc(scaled)) === 0.5;
  return (isHalf && near % 2 !== 0 ? near - 1 : near) / scale;
}
