import { afterAll, afterEach, beforeAll, describe, it } from 'vitest';
import { rope } from './rope.ts';
import { ROW_VARIANTS, Sandbox, centralDifferences, expectClose, seeded } from './sandbox.ts';

interface Shape {
  rows: number;
  heads: number;
  headDim: number;
  rowStride: number;
  offset: number;
  rotaryDim?: number;
  factor?: number;
}

function reference(
  shape: Shape,
  x: ArrayLike<number>,
  positions: Uint32Array,
  frequencies: Float32Array,
): Float64Array {
  const { rows, heads, headDim, rowStride, offset, rotaryDim = headDim, factor = 1 } = shape;
  const half = rotaryDim / 2;
  const y = Float64Array.from(x);
  for (let row = 0; row < rows; row++) {
    for (let head = 0; head < heads; head++) {
      for (let i = 0; i < half; i++) {
        const at = row * rowStride + offset + head * headDim + i;
        const angle = Math.fround(positions[row]! * frequencies[i]!);
        const [a, b] = [x[at] as number, x[at + half] as number];
        y[at] = factor * (a * Math.cos(angle) - b * Math.sin(angle));
        y[at + half] = factor * (b * Math.cos(angle) + a * Math.sin(angle));
      }
    }
  }
  return y;
}

const SHAPES: Shape[] = [
  { rows: 5, heads: 3, headDim: 16, rowStride: 70, offset: 6 },
  { rows: 17, heads: 1, headDim: 4, rowStride: 4, offset: 0 },
  { rows: 3, heads: 2, headDim: 20, rowStride: 60, offset: 20 },
  { rows: 9, heads: 6, headDim: 16, rowStride: 144, offset: 16 },
  { rows: 4, heads: 2, headDim: 128, rowStride: 256, offset: 0 },
  { rows: 5, heads: 3, headDim: 16, rowStride: 72, offset: 8, rotaryDim: 8, factor: 1.2 },
  { rows: 2, heads: 2, headDim: 20, rowStride: 60, offset: 0, rotaryDim: 6 },
];

describe.each(ROW_VARIANTS)('rows: %s', (rowVariant) => {
  let box: Sandbox;
  beforeAll(async () => {
    box = await Sandbox.open({ rows: rowVariant });
  });
  afterEach(() => box.clear());
  afterAll(() => box.close());

  it.each(SHAPES)('$heads heads of $headDim: values and gradients', async (shape) => {
    const { rows, rowStride, headDim, rotaryDim = headDim } = shape;
    // Both ends of the reduction of the angle: fractions of a turn, and thousands of turns.
    const positions = Uint32Array.from({ length: rows }, (_, i) => (i < 3 ? i : 29 ** i % 32768));
    const frequencies = Float32Array.from(
      { length: rotaryDim / 2 },
      (_, i) => 10000 ** ((-2 * i) / rotaryDim),
    );
    const data = seeded(rows * rowStride, 1);
    const dy = seeded(rows * rowStride, 2);
    const [x, d] = [box.put(data), box.put(dy)] as const;
    const launch = { ...shape, positions: box.put(positions), frequencies: box.put(frequencies) };
    await box.run(rope({ ...launch, x, direction: 1 }), rope({ ...launch, x: d, direction: -1 }));
    const forward = (values: ArrayLike<number>) => reference(shape, values, positions, frequencies);
    expectClose(await box.floats(x, data.length), forward(data), 1e-6);
    const loss = (values: Float64Array) =>
      forward(values).reduce((sum, value, i) => sum + value * dy[i]!, 0);
    expectClose(await box.floats(d, dy.length), centralDifferences(data, loss), 2e-6);
  });
});
