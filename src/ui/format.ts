/** Numbers for people to read: a real minus sign, no false precision. */

const MINUS = '\u2212';

/** Fixed decimals; `signed` writes the plus as well. NaN and infinities become an en dash. */
export function formatNumber(value: number | null | undefined, digits = 2, signed = false): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  const text = Math.abs(value).toFixed(digits);
  const isZero = Number(text) === 0;
  if (isZero) return text;
  return (value < 0 ? MINUS : signed ? '+' : '') + text;
}

/** About three significant digits at any size: 0.00031, 0.042, 1.73, 214, 31,400. */
export function formatCompact(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  if (value === 0) return '0';
  const size = Math.abs(value);
  const sign = value < 0 ? MINUS : '';
  if (size >= 1000) return sign + Math.round(size).toLocaleString('en');
  if (size < 1e-5) return sign + size.toExponential(1).replace('-', MINUS);
  return sign + String(Number(size.toPrecision(3)));
}

/** A fraction as a whole percentage. */
export function formatShare(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  return `${Math.round(value * 100)}%`;
}

/**
 * Two fractions as percentages that differ, with as many decimals as that takes: "93.1%", "93.4%".
 * Null where they are equal to people: within 0.005%.
 */
export function formatShareChange(before: number, after: number): [string, string] | null {
  for (let digits = 0; digits <= 2; digits++) {
    const [from, to] = [before, after].map((share) => `${(100 * share).toFixed(digits)}%`);
    if (from !== to) return [from!, to!];
  }
  return null;
}

/** An estimated number of seconds, rounded as people say it: "40 s", "9 min", "1 h 20 min". */
export function formatEstimate(seconds: number): string {
  if (seconds <= 55) return `${5 * Math.ceil(seconds / 5)} s`;
  if (seconds < 3570) return `${Math.round(seconds / 60)} min`;
  const minutes = 10 * Math.round(seconds / 600);
  const rest = minutes % 60 ? ` ${minutes % 60} min` : '';
  return `${Math.floor(minutes / 60)} h${rest}`;
}

/** A large whole number: "73.7K", "135M", "1.2B". */
export function formatCount(count: number): string {
  return new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 }).format(
    count,
  );
}
