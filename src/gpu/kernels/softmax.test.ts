import { afterAll, afterEach, beforeAll, it } from 'vitest';
import { MARK, Sandbox, expectClose, seeded } from './sandbox.ts';
import { softmax } from './softmax.ts';

let box: Sandbox;
beforeAll(async () => {
  box = await Sandbox.open();
});
afterEach(() => box.clear());
afterAll(() => box.close());

it.each([
  { rows: 1, cols: 1, inverseTemperature: 1, spread: 1 },
  { rows: 3, cols: 7, inverseTemperature: 0.5, spread: 3 },
  { rows: 18, cols: 99, inverseTemperature: 1, spread: 5 },
  { rows: 4, cols: 256, inverseTemperature: 1.4, spread: 2 },
  // Teams of 64 and of 256 invocations a row.
  { rows: 5, cols: 1030, inverseTemperature: 1, spread: 200 },
  { rows: 3, cols: 8200, inverseTemperature: 0.8, spread: 4 },
])('$rows rows of $cols, logits within $spread', async (shape) => {
  const { rows, cols, inverseTemperature, spread } = shape;
  const x = seeded(rows * cols, 1, -spread, spread);
  const want: number[] = [];
  for (let r = 0; r < rows; r++) {
    const z = Array.from(x.subarray(r * cols, (r + 1) * cols), (v) => v * inverseTemperature);
    const top = Math.max(...z);
    const total = z.reduce((sum, v) => sum + Math.exp(v - top), 0);
    want.push(...z.map((v) => Math.exp(v - top) / total));
  }
  const y = box.marked(rows * cols + 1);
  await box.run(softmax({ x: box.put(x), y, rows, cols, inverseTemperature }));
  expectClose(await box.floats(y, rows * cols + 1), [...want, MARK], 1e-7, 2e-5);
});
