/** The arithmetic of a measurement. */
import type { Ceilings, Row } from './measurement.ts';

/** @throws Error when there are no values */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new Error('the median of no values');
  const sorted = [...values].sort((x, y) => x - y);
  const middle = sorted.length / 2;
  return (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2;
}

/**
 * The ceiling that bounds a work, and the share of it that was reached (Williams et al. 2009,
 * "Roofline"): the work takes at least the time of its operations at the multiply-add rate, and at
 * least the time of its bytes at the bandwidth. The longer of both over `seconds` is the share.
 */
export function roofline(
  { seconds, flops, bytes = 0 }: { seconds: number; flops: number; bytes?: number | undefined },
  ceilings: Pick<Ceilings, 'f32' | 'bandwidth'>,
): Required<Pick<Row, 'bound' | 'share'>> {
  const compute = flops / ceilings.f32;
  const bandwidth = bytes / ceilings.bandwidth;
  return compute >= bandwidth
    ? { bound: 'compute', share: compute / seconds }
    : { bound: 'bandwidth', share: bandwidth / seconds };
}

/** `count` numbers in [-1, 1), normal-looking enough for timing: a pattern of a prime length repeats. */
export function pattern(count: number, seed: number): Float32Array {
  const tile = new Float32Array(Math.min(count, 65521));
  let state = (seed * 2654435761 + 12345) >>> 0;
  for (let i = 0; i < tile.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    tile[i] = (state >>> 8) / 2 ** 23 - 1;
  }
  const values = new Float32Array(count);
  for (let at = 0; at < count; at += tile.length) {
    values.set(tile.subarray(0, Math.min(tile.length, count - at)), at);
  }
  return values;
}

/** a [m, k], or [k, m] in layout tn; b [k, n], or [n, k] in layout nt. */
export interface ProductShape {
  readonly layout: 'nn' | 'nt' | 'tn';
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

/**
 * The largest error among about `samples` elements of c = a b, relative to the largest element among
 * them; the exact values are float64 sums.
 */
export function largestError(
  { layout, m, n, k }: ProductShape,
  a: Float32Array,
  b: Float32Array,
  c: Float32Array,
  samples: number,
): number {
  let largest = 0;
  let worst = 0;
  // A stride that shares no factor with usual sizes visits every part of every tile.
  const stride = Math.max(1, Math.floor((m * n) / samples)) | 1;
  for (let at = 0; at < m * n; at += stride) {
    const [row, column] = [Math.floor(at / n), at % n];
    let want = 0;
    for (let i = 0; i < k; i++) {
      const left = a[layout === 'tn' ? i * m + row : row * k + i]!;
      want += left * b[layout === 'nt' ? column * k + i : i * n + column]!;
    }
    largest = Math.max(largest, Math.abs(want));
    const error = Math.abs(c[at]! - want);
    if (Number.isNaN(error)) return NaN;
    worst = Math.max(worst, error);
  }
  return worst / largest;
}
