/** A value per row; null where a sparse metric has none. */
export type Series = readonly (number | null)[];

/**
 * Exponential moving average, debiased, and time-weighted: it forgets by the distance in steps, so
 * that a metric logged every tenth step is smoothed as strongly as one logged at each:
 *   m_i = w m_(i-1) + y_i,  n_i = w n_(i-1) + 1,  s_i = m_i / n_i,  w = smoothing^(x_i - x_(i-1)).
 * `smoothing` is in [0, 1); at 0 the values are those of the series. Nulls stay null and weigh
 * nothing. The series may grow: `extend` reads only what is new.
 */
export class Smoothed {
  readonly values: (number | null)[] = [];
  private sum = 0;
  private norm = 0;
  private previous = 0;

  /** @param x steps, which never fall @param y the raw series */
  constructor(
    private readonly x: readonly number[],
    private readonly y: Series,
    private readonly smoothing: number,
  ) {}

  extend(): Series {
    for (let i = this.values.length; i < this.y.length; i++) this.values.push(this.next(i));
    return this.values;
  }

  private next(i: number): number | null {
    const value = this.y[i] ?? null;
    if (value === null) return null;
    const at = this.x[i] ?? 0;
    const weight = this.smoothing ** (at - this.previous);
    // 0 ** 0 is 1: two values at one step would be averaged even without smoothing.
    const kept = this.smoothing > 0 ? weight : 0;
    this.sum = kept * this.sum + value;
    this.norm = kept * this.norm + 1;
    this.previous = at;
    return this.sum / this.norm;
  }
}
