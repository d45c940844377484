import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Activation } from '../activations.ts';
import {
  mergeParts,
  mostPartsOfRows,
  partElements,
  partsOfKeys,
} from './attention-decode-merge.ts';
import { expectClose, MARK, Sandbox, seeded } from './sandbox.ts';

let box: Sandbox;
beforeAll(async () => {
  box = await Sandbox.open();
});
afterEach(() => box.clear());
afterAll(() => box.close());

describe('the parts of the keys of a row', () => {
  const LENGTHS = [1, 100, 511, 512, 700, 2000, 4096, 100_000];

  it('are several where few workgroups have many keys', () => {
    // A sequence of SmolLM2-135M.
    expect(partsOfKeys(3, 2000)).toBe(7);
    expect(partsOfKeys(3, 100_000)).toBe(16);
    expect(partsOfKeys(3, 511)).toBe(1);
    expect(partsOfKeys(3 * 8, 100_000)).toBe(2);
    expect(partsOfKeys(3 * 9, 100_000)).toBe(1);
  });

  it('fit into the memory that is planned', () => {
    for (const workgroups of [1, 3, 8, 40, 100]) {
      for (const maxKeys of LENGTHS) {
        const most = mostPartsOfRows(workgroups, 64, maxKeys);
        let largest = 0;
        for (const keys of LENGTHS.filter((one) => one <= maxKeys)) {
          for (let rows = 1; rows <= 64; rows++) {
            const parts = partsOfKeys(rows * workgroups, keys);
            if (parts > 1) largest = Math.max(largest, rows * parts);
          }
        }
        expect(largest).toBeLessThanOrEqual(most);
        // Memory is planned where it is used, and only there.
        expect(most > 0).toBe(largest > 0);
      }
    }
  });
});

describe('merging them', () => {
  it.each([
    { rows: 1, heads: 3, headDim: 4, parts: 1 },
    { rows: 5, heads: 3, headDim: 20, parts: 4 },
    { rows: 2, heads: 9, headDim: 64, parts: 16 },
  ])('$rows rows, $heads heads of $headDim, $parts parts', async (c) => {
    const { rows, heads, headDim, parts } = c;
    const pitch = partElements(headDim);
    const data = seeded(rows * heads * parts * pitch, 1);
    const want = new Float64Array(rows * heads * headDim);
    for (let head = 0; head < rows * heads; head++) {
      const partOf = (part: number) =>
        data.subarray((head * parts + part) * pitch, (head * parts + part + 1) * pitch);
      for (let part = 0; part < parts; part++) {
        const one = partOf(part);
        // Every third head has parts without keys; the maxima of others are far apart.
        const keyless = head % 3 === 1 && part > 0;
        if (keyless) one.fill(0);
        one[headDim] = head % 3 === 1 ? 50 : 200 * ((part + head) % 3);
        one[headDim + 1] = keyless ? 0 : 1 + (part % 5);
      }
      const all = Array.from({ length: parts }, (_, part) => partOf(part));
      const top = Math.max(...all.map((one) => one[headDim]!));
      const weight = (one: Float32Array): number => 2 ** (one[headDim]! - top);
      const total = all.reduce((sum, one) => sum + weight(one) * one[headDim + 1]!, 0);
      for (let e = 0; e < headDim; e++) {
        want[head * headDim + e] = all.reduce((sum, one) => sum + weight(one) * one[e]!, 0) / total;
      }
    }
    const partials = new Activation('partials', data.length);
    partials.view = box.put(data);
    const o = box.marked(want.length);
    await box.run(
      mergeParts({ partials, o, rows, heads, headDim, parts: () => parts, label: 'merge' }),
    );
    // One part is not merged: its launch has written o.
    if (parts === 1) want.fill(MARK);
    expectClose(await box.floats(o, want.length), want, 1e-5);
  });
});
