import { afterAll, beforeAll, it } from 'vitest';
import { centralDifferences, expectClose, Sandbox, seeded } from './sandbox.ts';
import { GATES } from './gate-reference.ts';
import type { Gate } from './gate.ts';
import { swiglu, swigluBackward } from './swiglu.ts';

let box: Sandbox;
beforeAll(async () => {
  box = await Sandbox.open();
});
afterAll(() => box.close());

function reference(
  gateUp: ArrayLike<number>,
  rows: number,
  width: number,
  gate: Gate,
): Float64Array {
  return Float64Array.from({ length: rows * width }, (_, i) => {
    const at = Math.floor(i / width) * 2 * width + (i % width);
    return GATES[gate](gateUp[at] as number) * (gateUp[at + width] as number);
  });
}

it.each([
  [1, 1, 'silu'],
  [7, 33, 'silu'],
  [16, 64, 'silu'],
  [70, 96, 'silu'],
  [3, 130, 'silu'],
  [3, 300, 'silu'],
  [7, 33, 'gelu_tanh'],
  [3, 64, 'gelu_tanh'],
] as const)('%i rows of %i: values and gradients of %s', async (rows, width, gate) => {
  const data = seeded(rows * 2 * width, 1, -6, 6);
  // Far out the sigmoid saturates, and exp must not overflow.
  data.set([-200, 200].slice(0, width));
  const dy = seeded(rows * width, 2);
  const gateUp = box.put(data);
  const [y, dGateUp] = [box.marked(rows * width), box.marked(rows * 2 * width)] as const;
  await box.run(
    swiglu({ gateUp, y, rows, width, gate }),
    swigluBackward({ gateUp, dy: box.put(dy), dGateUp, rows, width, gate }),
  );
  expectClose(await box.floats(y, rows * width), reference(data, rows, width, gate), 1e-5);
  // Row by row: no row's gradient depends on another row.
  const want = Array.from({ length: rows }, (_, row) => {
    const loss = (x: Float64Array) =>
      reference(x, 1, width, gate).reduce((sum, y, i) => sum + y * dy[row * width + i]!, 0);
    return [...centralDifferences(data.subarray(2 * width * row, 2 * width * (row + 1)), loss)];
  });
  expectClose(await box.floats(dGateUp, data.length), want.flat(), 1e-5);
});
