import { describe, expect, it } from 'vitest';
import { affineWord, BLOCK, decode, encode } from './storage.ts';

const bytes = (words: ArrayLike<number>): ArrayBuffer => Uint32Array.from(words).buffer;

/** The same words on a device that reads subnormal float16 numbers as zero. */
function flushed(words: Uint32Array, wordsOfBlock: number): Uint32Array {
  const flush = (half: number): number => (half & 0x7c00 ? half : half & 0x8000);
  return words.map((word, i) =>
    i % wordsOfBlock === 0 ? flush(word & 0xffff) | (flush(word >>> 16) << 16) : word,
  );
}

describe.each([
  ['int8', 255, 9],
  ['int4', 15, 5],
] as const)('%s', (storage, steps, wordsOfBlock) => {
  const block = (low: number, high: number): Float32Array =>
    Float32Array.from({ length: BLOCK }, (_, i) => low + ((high - low) * i) / (BLOCK - 1));

  it.each([
    [-3e-4, 4e-4],
    [-0.007, 0.008],
    [-0.1, 0.1],
    [2e-4, 0.01],
    [-200, 300],
  ])(
    'keeps numbers from %f to %f, also where subnormal float16 numbers are read as zero',
    (low, high) => {
      const values = block(low, high);
      const words = encode(storage, values) as Uint32Array;
      // Half a step, and what rounding step and minimum to 11 bits moves.
      const most = (high - low) / steps / 2 + 1e-3 * Math.max(Math.abs(low), Math.abs(high));
      for (const read of [words, flushed(words, wordsOfBlock)]) {
        decode(storage, bytes(read)).forEach((value, i) => {
          expect(Math.abs(value - values[i]!)).toBeLessThanOrEqual(most);
        });
      }
    },
  );

  it('refuses what float16 cannot express', () => {
    expect(() => encode(storage, block(-1e6, 1e6))).toThrow(
      `${storage} cannot store numbers from -1000000 to 1000000`,
    );
    expect(() => encode(storage, block(0, 1e6))).toThrow(
      'cannot store numbers from 0 in steps of ',
    );
    expect(() => affineWord(storage, 1, 1e5)).toThrow(
      /^int\d cannot store numbers from 100000 in steps of 1$/,
    );
  });
});
