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

/** Between the last two points, where the constant parts of y weigh least. */
export const lastExponent = (xs: readonly number[], ys: readonly number[]): number =>
  exponent(xs.slice(-2), ys.slice(-2));
