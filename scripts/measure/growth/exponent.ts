/** y ~ x^e: the exponent of growth. */

/** Least squares of log y over log x. */
export function exponent(xs: readonly number[], ys: readonly number[]): number {
  const u = xs.map(Math.log);
  const v = ys.map(Math.log);
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const [mu, mv] = [mean(u), mean(v)];
  const covariance = u.reduce((sum, value, i) => sum + (value - mu) * (v[i]! - mv), 0);
  return covariance / u.reduce((sum, value) => sum + (value - mu) ** 2, 0);
}

/** As 1.13 (1.30): over all points, and over the last two; - where there is none. */
export function exponentsText(xs: readonly number[], ys: readonly number[]): string {
  if (xs.length < 2 || ys.includes(0)) return '-';
  // Rounding leaves -0.00 of an exponent that is 0.
  const text = (value: number): string => value.toFixed(2).replace('-0.00', '0.00');
  return `${text(exponent(xs, ys))} (${text(lastExponent(xs, ys))})`;
}

/** Between the last two points, where the constant parts of y weigh least. */
export const lastExponent = (xs: readonly number[], ys: readonly number[]): number =>
  exponent(xs.slice(-2), ys.slice(-2));
