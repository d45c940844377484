import { afterAll, beforeAll, it } from 'vitest';
import { centralDifferences, expectClose, Sandbox, seeded } from './sandbox.ts';
import { swiglu, swigluBackward } from './swiglu.ts';

let box: Sandbox;
beforeAll(async () => {
  box = await Sandbox.open();
});
afterAll(() => box.close());

function reference(gateUp: ArrayLike<number>, rows: number, width: number): Float64Array {
  return Float64Array.from({ length: rows * width }, (_, i) => {
    const at = Math.floor(i / width) * 2 * width + (i % width);
    const gate = gateUp[at] as number;
    return (gate / (1 + Math.exp(-gate))) * (gateUp[at + width] as number);
  });
}

it.each([
  [1, 1],
  [7, 33],
  [16, 64],
  [70, 96],
  [3, 130],
  [3, 300],
])('%i rows of %i: values and gradients', async (rows, width) => {
  const data = seeded(rows * 2 * width, 1, -6, 6);
  // Far out the sigmoid saturates, and exp must not overflow.
  data.set([-200, 200].slice(0, width));
  const dy = seeded(rows * width, 2);
  const gateUp = box.put(data);
  const [y, dGateUp] = [box.marked(rows * width), box.marked(rows * 2 * width)] as const;
  await box.run(
    swiglu({ gateUp, y, rows, width }),
    swigluBackward({ gateUp, dy: box.put(dy), dGateUp, rows, width }),
  );
  expectClose(await box.floats(y, rows * width), reference(data, rows, width), 1e-5);
  const loss = (x: Float64Array) =>
    reference(x, rows, width).reduce((sum, value, i) => sum + value * dy[i]!, 0);
  expectClose(await box.floats(dGateUp, data.length), centralDifferences(data, loss), 1e-5);
});
