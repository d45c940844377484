/** The arithmetic of the benchmark. */
import type { MatmulShape } from '../../src/cli/bench-result.ts';

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((x, y) => x - y);
  const middle = sorted.length / 2;
  return (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2;
}

/**
 * The largest error among about `samples` elements of c = a b, relative to the largest element among
 * them; the exact values are float64 sums.
 */
export function largestError(
  { m, n, k, transposed }: MatmulShape,
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
      want += a[row * k + i]! * b[transposed ? column * k + i : i * n + column]!;
    }
    largest = Math.max(largest, Math.abs(want));
    const error = Math.abs(c[at]! - want);
    if (Number.isNaN(error)) return NaN;
    worst = Math.max(worst, error);
  }
  return worst / largest;
}
