/** Logistic regression with an l1 penalty, for a few features: what liblinear solves for AlpacaEval. */
import { sigmoid } from '../logistic.ts';

export interface WeightedOutcome {
  features: readonly number[];
  /** Between 0 and 1. */
  outcome: number;
  weight: number;
}

const STEPS = 100;
const ROUNDS = 1000;
const SMALL_STEP = 1e-6;
const TOLERANCE = 1e-12;
const HALVINGS = 40;

/**
 * Weights w that minimise |w|_1 + C times the weighted sum of the cross-entropies of the outcomes against
 * sigmoid(x w): Newton steps, each on the second-order model plus the penalty, by coordinate descent (Yuan,
 * Ho and Lin 2012, JMLR 13, "newGLMNET"). No intercept.
 */
export function fitLassoLogistic(rows: readonly WeightedOutcome[], C: number): number[] {
  const size = rows[0]?.features.length ?? 0;
  let at = new Array<number>(size).fill(0);
  let loss = lossAt(rows, C, at);
  for (let step = 0; step < STEPS; step++) {
    const target = modelMinimum(derivatives(rows, C, at), at);
    const direction = target.map((value, k) => value - at[k]!);
    // Newton's method squares the error: after so small a step the loss cannot tell the difference.
    if (Math.max(...direction.map(Math.abs)) < SMALL_STEP) return target;
    // The loss is convex, so some part of the way to the model's minimum lowers it.
    let next = target;
    let lower = lossAt(rows, C, next);
    for (let k = 1; lower > loss && k <= HALVINGS; k++) {
      next = at.map((value, i) => value + direction[i]! / 2 ** k);
      lower = lossAt(rows, C, next);
    }
    if (lower > loss) break;
    [at, loss] = [next, lower];
  }
  return at;
}

function lossAt(rows: readonly WeightedOutcome[], C: number, at: readonly number[]): number {
  const entropy = rows.reduce((sum, { features, outcome, weight }) => {
    const logit = dot(features, at);
    // log(1 + exp(logit)) - outcome logit, without overflow.
    const own = Math.max(logit, 0) - outcome * logit + Math.log1p(Math.exp(-Math.abs(logit)));
    return sum + weight * own;
  }, 0);
  return at.reduce((sum, value) => sum + Math.abs(value), C * entropy);
}

interface Derivatives {
  gradient: number[];
  hessian: number[][];
}

function derivatives(
  rows: readonly WeightedOutcome[],
  C: number,
  at: readonly number[],
): Derivatives {
  const gradient = at.map(() => 0);
  // A little on the diagonal: a feature that is 0 everywhere has no curvature.
  const hessian = at.map((_, i) => at.map((__, j) => (i === j ? 1e-12 : 0)));
  for (const { features, outcome, weight } of rows) {
    const p = sigmoid(dot(features, at));
    for (let i = 0; i < at.length; i++) {
      gradient[i]! += C * weight * (p - outcome) * features[i]!;
      for (let j = 0; j < at.length; j++) {
        hessian[i]![j]! += C * weight * p * (1 - p) * features[i]! * features[j]!;
      }
    }
  }
  return { gradient, hessian };
}

/** The minimum of g (w - at) + (w - at) H (w - at) / 2 + |w|_1. */
function modelMinimum({ gradient, hessian }: Derivatives, at: readonly number[]): number[] {
  const w = [...at];
  for (let round = 0; round < ROUNDS; round++) {
    let moved = 0;
    for (let k = 0; k < w.length; k++) {
      const curvature = hessian[k]![k]!;
      const slope = gradient[k]! + hessian[k]!.reduce((sum, h, j) => sum + h * (w[j]! - at[j]!), 0);
      const next = softThreshold(w[k]! - slope / curvature, 1 / curvature);
      moved = Math.max(moved, Math.abs(next - w[k]!));
      w[k] = next;
    }
    if (moved < TOLERANCE) break;
  }
  return w;
}

const softThreshold = (value: number, by: number): number =>
  Math.sign(value) * Math.max(0, Math.abs(value) - by);

const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, k) => sum + value * b[k]!, 0);
