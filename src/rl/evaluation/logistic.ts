/** Logistic regression for win rates: few features, outcomes between 0 and 1. */

/** Keeps the weights finite if one side wins everything; otherwise it has almost no effect. */
const RIDGE = 1e-2;
const ITERATIONS = 50;
const TOLERANCE = 1e-10;

export const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/**
 * Weights w that minimise the sum over rows of the cross-entropy of `outcomes` (ties 0.5) against
 * sigmoid(x w), plus ridge / 2 |w|^2, by Newton's method. For an intercept, add a column of ones.
 */
export function fitLogistic(
  features: readonly (readonly number[])[],
  outcomes: readonly number[],
  ridge = RIDGE,
): number[] {
  const size = features[0]?.length ?? 0;
  let weights = new Array<number>(size).fill(0);
  for (let iteration = 0; iteration < ITERATIONS; iteration++) {
    const gradient = weights.map((w) => ridge * w);
    const hessian = weights.map((_, i) => weights.map((__, j) => (i === j ? ridge : 0)));
    features.forEach((x, row) => {
      const p = sigmoid(dot(x, weights));
      for (let i = 0; i < size; i++) {
        gradient[i]! += (p - outcomes[row]!) * x[i]!;
        for (let j = 0; j < size; j++) hessian[i]![j]! += p * (1 - p) * x[i]! * x[j]!;
      }
    });
    const step = solve(hessian, gradient);
    // A full Newton step may be too large where the curve is flat; these weights are of order 1.
    const scale = Math.min(1, 5 / Math.max(1e-300, ...step.map(Math.abs)));
    weights = weights.map((w, i) => w - scale * step[i]!);
    if (Math.max(...step.map(Math.abs)) < TOLERANCE) break;
  }
  return weights;
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}

/** Solves A x = b for a small symmetric positive definite A, by elimination. */
export function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const rows = matrix.map((row, i) => [...row, right[i]!]);
  const size = rows.length;
  for (let i = 0; i < size; i++) {
    for (let k = i + 1; k < size; k++) {
      const factor = rows[k]![i]! / rows[i]![i]!;
      for (let j = i; j <= size; j++) rows[k]![j]! -= factor * rows[i]![j]!;
    }
  }
  const x = new Array<number>(size).fill(0);
  for (let i = size - 1; i >= 0; i--) {
    let rest = rows[i]![size]!;
    for (let j = i + 1; j < size; j++) rest -= rows[i]![j]! * x[j]!;
    x[i] = rest / rows[i]![i]!;
  }
  return x;
}
