import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { normPartials, rmsNorm, rmsNormBackward } from './rms-norm.ts';
import { ROW_VARIANTS, Sandbox, centralDifferences, expectClose, seeded } from './sandbox.ts';

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

/** The same by the formula, for rows so long that differences would take too much time. */
function longGradients(
  { rows, cols }: Shape,
  x: Float32Array,
  weight: Float32Array,
  dy: Float32Array,
) {
  const dx = new Float64Array(x.length);
  const dWeight = new Float64Array(cols);
  for (let row = 0; row < rows; row++) {
    let [squares, products] = [0, 0];
    const at = row * cols;
    for (let c = 0; c < cols; c++) {
      squares += x[at + c]! ** 2;
      products += x[at + c]! * dy[at + c]! * weight[c]!;
    }
    const rstd = 1 / Math.sqrt(squares / cols + eps);
    for (let c = 0; c < cols; c++) {
      dx[at + c] = rstd * (dy[at + c]! * weight[c]! - (x[at + c]! * products * rstd ** 2) / cols);
      dWeight[c]! += dy[at + c]! * x[at + c]! * rstd;
    }
  }
  return { dx, dWeight };
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
  whole(2, 3),
  whole(7, 4),
  whole(7, 33),
  whole(70, 16),
  whole(21, 48),
  whole(3, 73),
  whole(2, 255),
  whole(3, 256),
  { rows: 15, cols: 16, heads: 3, rowStride: 70, offset: 5 },
  { rows: 70, cols: 20, heads: 2, rowStride: 44, offset: 4 },
];

const LONG_SHAPES = [
  ...[576, 1024, 1025, 4097, 49152].map((cols) => whole(3, cols)),
  whole(2100, 4), // chunks of more than the least rows
];

describe.each(ROW_VARIANTS)('rows: %s', (variant) => {
  let box: Sandbox;
  beforeAll(async () => {
    box = await Sandbox.open({ rows: variant });
  });
  afterEach(() => box.clear());
  afterAll(() => box.close());

  describe.each([...SHAPES, ...LONG_SHAPES])(
    '$rows rows of $cols, $heads a row of $rowStride',
    (shape) => {
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
        const long = LONG_SHAPES.includes(shape);
        const want = (long ? longGradients : gradients)(shape, x, weight, dy);
        const sum = (a: ArrayLike<number>, b: Float64Array) => b.map((value, i) => value + a[i]!);
        expectClose(await box.floats(dx, x.length), sum(before, want.dx), 2e-5);
        expectClose(await box.floats(dWeight, shape.cols), sum(start, want.dWeight), 2e-5);

        if (shape.rowStride === shape.heads * shape.cols) {
          await box.run(rmsNorm({ ...launch, y, residual: box.put(before) }));
          const normed = reference(shape, x, weight);
          expectClose(await box.floats(y, x.length), sum(before, normed), 1e-5);
        }

        await box.run(...rmsNormBackward({ ...backward, dx }));
        const written = await box.floats(dx, x.length);
        const gaps = want.dx.map((value, i) => (dy[i] === 0 ? before[i]! : value));
        expectClose(written, gaps, 2e-5);
      });
    },
  );
});

it('the formula of the gradients agrees with differences', () => {
  const shape = whole(3, 20);
  const [x, weight, dy] = [seeded(60, 1), seeded(20, 2), seeded(60, 3)];
  const want = gradients(shape, x, weight, dy);
  expectClose(longGradients(shape, x, weight, dy).dx, want.dx, 1e-7);
  expectClose(longGradients(shape, x, weight, dy).dWeight, want.dWeight, 1e-7);
});

it('keeps the partial sums within their buffer', () => {
  expect(normPartials(129, 16)).toBe(4 * 129 + 9 * 16);
  expect(normPartials(9999, 16)).toBe(4 * 9999 + 128 * 16);
});
