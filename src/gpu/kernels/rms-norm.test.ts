import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { normPartials, rmsNorm, rmsNormBackward } from './rms-norm.ts';
import { centralDifferences, expectClose, Sandbox, seeded } from './sandbox.ts';

let box: Sandbox;
beforeAll(async () => {
  box = await Sandbox.open();
});
afterEach(() => box.clear());
afterAll(() => box.close());

const eps = 1e-3;

interface Shape {
  rows: number;
  cols: number;
  heads: number;
  rowStride: number;
  offset: number;
}

function elements({ rows, heads, rowStride }: Shape): number {
  return (rows / heads) * rowStride;
}

/** Normalises the rows of x where they lie; what lies between them stays. */
function reference(shape: Shape, x: ArrayLike<number>, weight: ArrayLike<number>): Float64Array {
  const { rows, cols, heads, rowStride, offset } = shape;
  const y = Float64Array.from(x);
  for (let row = 0; row < rows; row++) {
    const at = offset + Math.floor(row / heads) * rowStride + (row % heads) * cols;
    const values = Array.from({ length: cols }, (_, c) => x[at + c] as number);
    const mean = values.reduce((sum, value) => sum + value * value, 0) / cols;
    values.forEach((value, c) => (y[at + c] = (value / Math.sqrt(mean + eps)) * weight[c]!));
  }
  return y;
}

/** d loss / d x and d loss / d weight for loss = sum(dy * y), by central differences. */
function gradients(shape: Shape, x: Float32Array, weight: Float32Array, dy: Float32Array) {
  const loss = (values: ArrayLike<number>, scales: ArrayLike<number>) =>
    reference(shape, values, scales).reduce((sum, value, i) => sum + value * dy[i]!, 0);
  return {
    dx: centralDifferences(x, (values) => loss(values, weight)),
    dWeight: centralDifferences(weight, (scales) => loss(x, scales)),
  };
}

const whole = (rows: number, cols: number): Shape => ({
  rows,
  cols,
  heads: 1,
  rowStride: cols,
  offset: 0,
});
const SHAPES: Shape[] = [
  whole(1, 1),
  whole(7, 33),
  whole(130, 16),
  whole(3, 300),
  { rows: 15, cols: 16, heads: 3, rowStride: 70, offset: 5 },
  { rows: 70, cols: 20, heads: 2, rowStride: 44, offset: 4 },
];

describe.each(SHAPES)('$rows rows of $cols, $heads a row of $rowStride', (shape) => {
  const data = () => {
    const x = seeded(elements(shape), 1);
    const weight = seeded(shape.cols, 2, 0.5, 1.5);
    // A zero weight hides its column of x from y.
    if (shape.cols > 1) weight[shape.cols - 1] = 0;
    // No gradient reaches the gaps between rows.
    const dy = seeded(x.length, 3);
    reference({ ...shape }, x, weight).forEach((value, i) => {
      if (value === x[i] && shape.rowStride > shape.heads * shape.cols) dy[i] = 0;
    });
    return { x, weight, dy };
  };

  it('normalises, and differentiates onto what dx and dWeight hold', async () => {
    const { x, weight, dy } = data();
    const before = seeded(x.length, 4);
    const start = seeded(shape.cols, 5);
    const [y, dx, dWeight] = [box.put(x), box.put(before), box.put(start)] as const;
    const partials = box.marked(normPartials(shape.rows, shape.cols));
    const launch = { ...shape, x: box.put(x), weight: box.put(weight), eps };
    const backward = { ...launch, dy: box.put(dy), dWeight, partials };
    await box.run(
      rmsNorm({ ...launch, y }),
      ...rmsNormBackward({ ...backward, dx, accumulate: true }),
    );
    expectClose(await box.floats(y, x.length), reference(shape, x, weight), 1e-5);
    const want = gradients(shape, x, weight, dy);
    const sum = (a: ArrayLike<number>, b: Float64Array) => b.map((value, i) => value + a[i]!);
    expectClose(await box.floats(dx, x.length), sum(before, want.dx), 2e-5);
    expectClose(await box.floats(dWeight, shape.cols), sum(start, want.dWeight), 2e-5);

    await box.run(...rmsNormBackward({ ...backward, dx }));
    const written = await box.floats(dx, x.length);
    const gaps = want.dx.map((value, i) => (dy[i] === 0 ? before[i]! : value));
    expectClose(written, gaps, 2e-5);
  });
});

it('keeps the partial sums within their buffer', () => {
  expect(normPartials(129, 16)).toBe(129 + 3 * 16);
});
