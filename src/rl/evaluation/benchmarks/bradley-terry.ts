/**
 * The fit of Arena-Hard's style control (utils/math_utils.py at commit 196f6b8): logits that minimise the
 * summed cross-entropy, by 50 iterations of torch.optim.LBFGS with a learning rate of 0.1 and no line
 * search. It stops before the minimum, and the published scores are those of that point; so this is the
 * same method and not a better one.
 */
import { sigmoid } from '../logistic.ts';

const LEARNING_RATE = 0.1;
const ITERATIONS = 50;
const TOLERANCE = 1e-9;
const START = 0.5;

/** @returns the coefficients of `features[row][k]` for outcomes between 0 and 1 */
export function fitBradleyTerry(
  features: readonly (readonly number[])[],
  outcomes: readonly number[],
): number[] {
  const size = features[0]?.length ?? 0;
  const at = new Array<number>(size).fill(START);
  const steps: number[][] = [];
  const changes: number[][] = [];
  let { loss, gradient } = evaluate(features, outcomes, at);
  let direction = gradient.map((g) => -g);
  let scale = 1;
  for (let iteration = 1; iteration <= ITERATIONS; iteration++) {
    const rate =
      iteration === 1
        ? Math.min(1, 1 / sum(gradient.map(Math.abs))) * LEARNING_RATE
        : LEARNING_RATE;
    if (iteration > 1) direction = descent(gradient, steps, changes, scale);
    if (dot(gradient, direction) > -TOLERANCE) break;
    const step = direction.map((d) => rate * d);
    step.forEach((s, k) => (at[k]! += s));
    const next = evaluate(features, outcomes, at);
    const change = next.gradient.map((g, k) => g - gradient[k]!);
    const curvature = dot(change, step);
    if (curvature > 1e-10) {
      steps.push(step);
      changes.push(change);
      scale = curvature / dot(change, change);
    }
    const still =
      Math.max(...next.gradient.map(Math.abs)) <= TOLERANCE ||
      Math.max(...step.map(Math.abs)) <= TOLERANCE ||
      Math.abs(next.loss - loss) < TOLERANCE;
    ({ loss, gradient } = next);
    if (still) break;
  }
  return at;
}

/** The two-loop recursion (Nocedal and Wright 2006, algorithm 7.4). */
function descent(
  gradient: readonly number[],
  steps: readonly number[][],
  changes: readonly number[][],
  scale: number,
): number[] {
  const direction = gradient.map((g) => -g);
  const weights = new Array<number>(steps.length);
  for (let i = steps.length - 1; i >= 0; i--) {
    weights[i] = dot(steps[i]!, direction) / dot(changes[i]!, steps[i]!);
    changes[i]!.forEach((y, k) => (direction[k]! -= weights[i]! * y));
  }
  direction.forEach((d, k) => (direction[k] = d * scale));
  steps.forEach((step, i) => {
    const back = dot(changes[i]!, direction) / dot(changes[i]!, step);
    step.forEach((s, k) => (direction[k]! += (weights[i]! - back) * s));
  });
  return direction;
}

function evaluate(
  features: readonly (readonly number[])[],
  outcomes: readonly number[],
  at: readonly number[],
): { loss: number; gradient: number[] } {
  let loss = 0;
  const gradient = new Array<number>(at.length).fill(0);
  features.forEach((x, row) => {
    const logit = dot(x, at);
    loss += Math.max(logit, 0) - logit * outcomes[row]! + Math.log1p(Math.exp(-Math.abs(logit)));
    const error = sigmoid(logit) - outcomes[row]!;
    x.forEach((value, k) => (gradient[k]! += error * value));
  });
  return { loss, gradient };
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((total, value, k) => total + value * b[k]!, 0);
