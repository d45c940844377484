/** Growth by count: what doubles, what stays, and what must not become quadratic. */
import { describe, expect, it } from 'vitest';
import { heldBytes, MemoryPlan } from '../../../src/gpu/memory.ts';
import { count, type Counted } from './count.ts';
import { exponent, exponentsText, lastExponent } from './exponent.ts';
import { svg } from './plot.ts';
import type { Axis, Point } from './points.ts';
import { batchDims, batchLimits, batchOf, planStep } from './programs.ts';

/** Shallow, because each layer takes time to plan. */
const BASE: Point = { batch: 32, length: 256, depth: 3, width: 192, vocabulary: 32768 };

const over = (axis: Axis, values: readonly number[]) => {
  const counted = values.map((x) => count({ ...BASE, [axis]: x }));
  const of = (quantity: (point: Counted) => number) => counted.map(quantity);
  return {
    of,
    all: (quantity: (point: Counted) => number) => exponent(values, of(quantity)),
    last: (quantity: (point: Counted) => number) => lastExponent(values, of(quantity)),
  };
};

/** Without its constant part: differences between points that double. */
const differences = (ys: readonly number[]): number[] => ys.slice(1).map((y, i) => y - ys[i]!);

it('finds the exponent of a power', () => {
  const xs = [1, 2, 4, 8];
  expect(
    exponent(
      xs,
      xs.map((x) => 3 * x ** 1.5),
    ),
  ).toBeCloseTo(1.5, 10);
  expect(lastExponent(xs, [9, 9, 2, 8])).toBeCloseTo(2, 10);
});

it('writes both exponents, without a sign at 0', () => {
  expect(exponentsText([1, 2, 4], [3, 6, 24])).toBe('1.50 (2.00)');
  expect(exponentsText([1, 2], [1, 0.999])).toBe('0.00 (0.00)');
  expect(exponentsText([1, 2], [0, 1])).toBe('-');
});

it('draws the exponents beside the name of each curve', () => {
  const series = [{ label: 'all', xs: [1, 2, 4], ys: [3, 6, 24] }];
  expect(svg([{ row: 'TFLOP', column: 'batch', series }])).toContain('>all 1.50 (2.00)</text>');
});

describe('with the length of sequences', () => {
  const length = over('length', [2048, 4096, 8192, 16384]);

  it('memory grows linearly: attention keeps no scores', () => {
    for (const of of [
      length.of(({ memory }) => memory.activations),
      length.of(({ recomputed }) => recomputed.activations),
      length.of(({ memory }) => memory.kv),
    ]) {
      for (const ratio of differences(differences(of).map(Math.log2))) {
        expect(ratio).toBeCloseTo(1, 2);
      }
    }
  });

  it('attention grows with the square, and everything else in proportion', () => {
    expect(length.all(({ update }) => update.attention)).toBeCloseTo(2, 2);
    expect(length.all(({ update }) => update.flops - update.attention)).toBeCloseTo(1, 2);
    expect(length.all(({ decode }) => decode.attention)).toBeCloseTo(1, 2);
    expect(length.all(({ decode }) => decode.flops - decode.attention)).toBe(0);
  });

  it('the data that moves does not: the head reads the rows a limited number of times', () => {
    expect(length.last(({ update }) => update.bytes)).toBeLessThan(1.05);
    expect(length.last(({ update }) => update.launches)).toBe(0);
  });
});

describe('with the batch', () => {
  const batch = over('batch', [32, 64, 128, 256]);

  it('operations and caches grow in proportion', () => {
    expect(batch.all(({ update }) => update.flops)).toBeCloseTo(1, 5);
    expect(batch.all(({ decode }) => decode.flops)).toBeCloseTo(1, 5);
    expect(batch.all(({ memory }) => memory.kv)).toBeCloseTo(1, 5);
    expect(batch.last(({ update }) => update.bytes)).toBeLessThan(1.05);
  });

  it('a token of the cache costs the same in a longer completion as in another one', () => {
    const kv = (point: Partial<Point>): number => count({ ...BASE, ...point }).memory.kv;
    expect(kv({ batch: 128 })).toBe(kv({ length: 1024 }));
  });
});

describe('with the model', () => {
  it('everything grows with depth at most in proportion', () => {
    const depth = over('depth', [2, 4, 8]);
    expect(depth.all(({ update }) => update.attention)).toBeCloseTo(1, 5);
    for (const quantity of [
      ({ update }: Counted) => update.flops,
      ({ update }: Counted) => update.bytes,
      ({ update }: Counted) => update.launches,
      ({ memory }: Counted) => heldBytes(memory),
    ]) {
      expect(depth.last(quantity)).toBeLessThanOrEqual(1);
      const [first, second] = differences(depth.of(quantity));
      expect(second! / first!).toBeCloseTo(2, 1);
    }
  });

  it('recomputation keeps the input of each layer, and nothing else of it', () => {
    const [few, many] = over('depth', [4, 12]).of(({ recomputed }) => recomputed.activations);
    const { maxTokens } = batchLimits(BASE);
    expect((many! - few!) / 8 / (4 * maxTokens * BASE.width)).toBeCloseTo(1, 2);
  });

  it('matrix products grow with the square of the width, attention in proportion', () => {
    const width = over('width', [192, 384, 768]);
    expect(width.all(({ update }) => update.attention)).toBeCloseTo(1, 5);
    const [first, second] = differences(width.of(({ update }) => update.flops - update.attention));
    expect(second! / first!).toBeGreaterThan(2);
    expect(second! / first!).toBeLessThan(4);
  });

  it('the vocabulary adds to the head alone: no logits of all rows, no larger cache', () => {
    const vocabulary = over('vocabulary', [32768, 65536, 131072, 262144]);
    const of = vocabulary.of(({ memory }) => memory.activations);
    // The logits and probabilities of one token per sequence while sampling, and nothing else.
    expect(of.at(-1)! - of[0]!).toBeLessThanOrEqual(2 * 4 * BASE.batch * (262144 - 32768));
    const [a, b, c] = differences(vocabulary.of(({ update }) => update.flops));
    expect(b! / a!).toBeCloseTo(2, 5);
    expect(c! / b!).toBeCloseTo(2, 5);
  });
});

describe('what WebGPU takes', () => {
  it.each([
    ['a long context', { batch: 8, length: 2 ** 17 }],
    ['many sequences', { batch: 4096 }],
    ['a large vocabulary', { batch: 8, vocabulary: 2 ** 18 - 64 }],
    ['a wide model', { batch: 8, width: 8192 + 64, depth: 1 }],
  ])('holds with %s: grids and parameters', (_, change) => {
    const point = { ...BASE, depth: 2, ...change };
    const { forward, backward } = planStep(new MemoryPlan(2 ** 31 - 4), point, true);
    const dims = batchDims(batchOf(point));
    for (const op of [...forward, ...backward]) {
      expect(Math.max(...op.grid(dims).map((n) => n ?? 1)), op.label).toBeLessThanOrEqual(65535);
      const types = Object.values(op.kernel.params);
      op.params(dims).forEach((value, i) => {
        if (types[i] !== 'u32') return;
        expect(Number.isInteger(value) && value >= 0 && value < 2 ** 32, op.label).toBe(true);
      });
    }
  });
});
