import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { adamw } from './adamw.ts';
import { Sandbox, expectClose, seeded } from './sandbox.ts';

let box: Sandbox;
beforeAll(async () => {
  box = await Sandbox.open();
});
afterEach(() => box.clear());
afterAll(() => box.close());

const SETTINGS = { lr: 0.01, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.1 };

/** torch.optim.AdamW's loop over `steps` gradients, in float64, after clip_grad_norm_. */
function reference(weights: Float32Array, steps: readonly Float32Array[], maxNorm: number) {
  const { lr, beta1, beta2, eps, weightDecay } = SETTINGS;
  const w = Float64Array.from(weights);
  const m = new Float64Array(w.length);
  const v = new Float64Array(w.length);
  steps.forEach((gradients, step) => {
    const norm = Math.sqrt(gradients.reduce((sum, g) => sum + g * g, 0));
    const clip = maxNorm > 0 ? Math.min(1, maxNorm / (norm + 1e-6)) : 1;
    gradients.forEach((gradient, i) => {
      const g = gradient * clip;
      w[i]! *= 1 - lr * weightDecay;
      m[i] = beta1 * m[i]! + (1 - beta1) * g;
      v[i] = beta2 * v[i]! + (1 - beta2) * g * g;
      const denominator = Math.sqrt(v[i]) / Math.sqrt(1 - beta2 ** (step + 1)) + eps;
      w[i]! -= ((lr / (1 - beta1 ** (step + 1))) * m[i]) / denominator;
    });
  });
  return { w, m, v };
}

function pools(weights: Float32Array) {
  return {
    weights: box.put(weights),
    gradients: box.put(new Float32Array(weights.length)),
    m: box.put(new Float32Array(weights.length)),
    v: box.put(new Float32Array(weights.length)),
    normSquared: box.put(new Float32Array(1)),
  };
}

async function step(
  pool: ReturnType<typeof pools>,
  gradients: Float32Array,
  options: { step: number; maxNorm: number; normSquared?: number; offset?: number; count?: number },
) {
  const { maxNorm, offset, count = gradients.length } = options;
  const normSquared = options.normSquared ?? gradients.reduce((sum, g) => sum + g * g, 0);
  box.gpu.upload(pool.gradients, gradients);
  box.gpu.upload(pool.normSquared, Float32Array.of(normSquared));
  const op = adamw({
    ...pool,
    ...SETTINGS,
    count,
    ...(offset !== undefined && { offset }),
    biasCorrection1: 1 - SETTINGS.beta1 ** options.step,
    biasCorrection2: 1 - SETTINGS.beta2 ** options.step,
    maxNorm,
  });
  // Some steps in one launch, some in many.
  await (options.step % 2 === 1 ? box.run(op) : box.runCut(op));
}

describe.each([1, 63, 1024, 2500])('%i weights', (count) => {
  // Without clipping, with a norm that is never reached, and with one that always is.
  it.each([0, 1e6, 0.5])('follow torch.optim.AdamW for three steps at max norm %f', async (max) => {
    const weights = seeded(count, 1);
    const steps = [2, 3, 4].map((seed) => seeded(count, seed, -3, 3));
    const pool = pools(weights);
    for (const [i, gradients] of steps.entries()) {
      await step(pool, gradients, { step: i + 1, maxNorm: max });
    }
    const want = reference(weights, steps, max);
    expectClose(await box.floats(pool.weights, count), want.w, 1e-6);
    expectClose(await box.floats(pool.m, count), want.m, 1e-7, 1e-5);
    expectClose(await box.floats(pool.v, count), want.v, 1e-9, 1e-5);
    expect((await box.floats(pool.gradients, count)).every((g) => g === 0)).toBe(true);
  });
});

it.each([
  [7, 20],
  [8, 20],
  [3, 1024],
  [1, 2],
])('touches nothing outside %i and the next %i', async (offset, count) => {
  const weights = seeded(1100, 1);
  const gradients = seeded(1100, 2);
  const pool = pools(weights);
  await step(pool, gradients, { step: 1, maxNorm: 0, offset, count });
  const inside = (i: number) => i >= offset && i < offset + count;
  const [w, g] = [await box.floats(pool.weights, 1100), await box.floats(pool.gradients, 1100)];
  for (let i = 0; i < 1100; i++) {
    expect(w[i] !== weights[i]).toBe(inside(i));
    expect(g[i]).toBe(inside(i) ? 0 : gradients[i]);
  }
});

it.each([NaN, Infinity])('only clears the gradients when the squared norm is %f', async (bad) => {
  const weights = seeded(100, 1);
  const pool = pools(weights);
  const gradients = seeded(100, 2).fill(bad, 50, 51);
  await step(pool, gradients, { step: 1, maxNorm: 1, normSquared: bad });
  expect(await box.floats(pool.weights, 100)).toEqual(weights);
  expect((await box.floats(pool.m, 100)).every((x) => x === 0)).toBe(true);
  expect((await box.floats(pool.v, 100)).every((x) => x === 0)).toBe(true);
  expect((await box.floats(pool.gradients, 100)).every((x) => x === 0)).toBe(true);
});
