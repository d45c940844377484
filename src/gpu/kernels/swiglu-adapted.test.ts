import { afterAll, beforeAll, expect, it } from 'vitest';
import { MARK, Sandbox, expectClose, seeded } from './sandbox.ts';
import { GATES } from './gate-reference.ts';
import type { Gate } from './gate.ts';
import { swigluAdapted } from './swiglu-adapted.ts';

let box: Sandbox;
beforeAll(async () => {
  box = await Sandbox.open();
});
afterAll(() => box.close());

/** NaN behind the data: larger batches leave their rows there. */
const put = (data: Float32Array) =>
  box.put(Float32Array.of(...data, ...Array<number>(64).fill(NaN)));

const BOTH = { gate: true, up: true };

// Widths and ranks that are multiples of four, and others; rows for several workgroups, odd and even.
it.each([
  { rows: 6, width: 70, rank: 3, ...BOTH },
  { rows: 7, width: 70, rank: 8, ...BOTH },
  { rows: 5, width: 72, rank: 3, ...BOTH },
  { rows: 7, width: 300, rank: 8, ...BOTH },
  { rows: 6, width: 300, rank: 16, ...BOTH, kind: 'gelu_tanh' },
  { rows: 1, width: 4, rank: 4, ...BOTH },
  { rows: 1, width: 1, rank: 1, ...BOTH, kind: 'gelu_tanh' },
  { rows: 3, width: 70, rank: 4, gate: true, up: false },
  { rows: 3, width: 72, rank: 4, gate: true, up: false },
  { rows: 4, width: 72, rank: 5, gate: false, up: true },
  { rows: 4, width: 70, rank: 5, gate: false, up: true },
] as const)(
  'rows $rows, width $width, rank $rank, gate $gate, up $up',
  async ({ rows, width, rank, ...rest }) => {
    const kind: Gate = 'kind' in rest ? rest.kind : 'silu';
    // A part of another matrix comes first in h and in b.
    const parts = 1 + Number(rest.gate) + Number(rest.up);
    const hWidth = parts * rank;
    const gateUp = seeded(rows * 2 * width, 1, -4, 4);
    const h = seeded(rows * hWidth, 2);
    const b = seeded((5 + (parts - 1) * width) * rank, 3);
    const gate = rest.gate ? { column: rank, row: 5 } : undefined;
    const up = rest.up ? { column: hWidth - rank, row: 5 + (rest.gate ? width : 0) } : undefined;
    const sums = Float64Array.from(gateUp, (value, at) => {
      const [row, column] = [Math.floor(at / (2 * width)), at % (2 * width)];
      const factors = column < width ? gate : up;
      if (!factors) return value;
      let sum = value;
      for (let k = 0; k < rank; k++) {
        const factor = b[(factors.row + (column % width)) * rank + k]!;
        sum += h[row * hWidth + factors.column + k]! * factor;
      }
      return sum;
    });
    const y = box.marked((rows + 4) * width);
    const adapted = swigluAdapted({
      ...{ gateUp: put(gateUp), h: put(h), b: put(b), y },
      ...{ hWidth, rank, gate, up, kind, width, rows: () => rows },
    });
    await (rows % 2 === 1 ? box.runCut(adapted) : box.run(adapted));
    const want = Float64Array.from({ length: rows * width }, (_, at) => {
      const first = Math.floor(at / width) * 2 * width + (at % width);
      return GATES[kind](sums[first]!) * sums[first + width]!;
    });
    const got = await box.floats(y, (rows + 4) * width);
    expectClose(got.subarray(0, rows * width), want, 5e-5);
    // The rows behind are untouched.
    expect(new Set(got.subarray(rows * width))).toEqual(new Set([MARK]));
  },
);
