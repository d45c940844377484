/** A value per step; null where a sparse metric has none. */
export type Series = readonly (number | null)[];

/**
 * Exponential moving average, debiased, and weighted by the distance in steps so that a metric
 * logged every tenth step is smoothed as strongly as one logged at each:
 *   m_i = w m_(i-1) + y_i,  n_i = w n_(i-1) + 1,  s_i = m_i / n_i,  w = smoothing^(x_i - x_(i-1)).
 * `smoothing` is in [0, 1); 0 returns the series as it is. Nulls stay null and weigh nothing.
 */
export function smooth(x: readonly number[], y: Series, smoothing: number): Series {
  if (smoothing <= 0) return y;
  let sum = 0;
  let norm = 0;
  let previous = 0;
  return y.map((value, i) => {
    if (value === null) return null;
    const at = x[i] ?? 0;
    const weight = smoothing ** (at - previous);
    sum = weight * sum + value;
    norm = weight * norm + 1;
    previous = at;
    return sum / norm;
  });
}
