import { expect, it } from 'vitest';
import { inverseFrequencies } from './rope.ts';

it('falls from 1 to theta^-(1 - 2 / dim) in equal ratios', () => {
  const frequencies = inverseFrequencies({ ropeTheta: 10000 }, 4);
  expect(frequencies).toHaveLength(2);
  expect(frequencies[0]).toBe(1);
  expect(frequencies[1]).toBeCloseTo(0.01, 12);
});

it('is stretched as llama3 asks: short waves stay, long ones slow down, between is blended', () => {
  const scaled = inverseFrequencies(
    {
      ropeTheta: 500000,
      ropeScaling: {
        type: 'llama3',
        factor: 32,
        lowFreqFactor: 1,
        highFreqFactor: 4,
        originalMaxPositionEmbeddings: 8192,
      },
    },
    64,
  );
  const plain = inverseFrequencies({ ropeTheta: 500000 }, 64);
  const ratio = scaled.map((f, i) => f / plain[i]!);
  // Wavelengths 2 pi 500000^(i/32): 2048 (= 8192 / 4) lies between i 14 and 15, 8192 between 17 and 18.
  expect(ratio.slice(0, 15).every((r) => r === 1)).toBe(true);
  for (const r of ratio.slice(18)) expect(r).toBeCloseTo(1 / 32, 12);
  // i 16: 8192 / (2 pi sqrt(500000)) = 1.843848 turns, so s = 0.281283 and s + (1 - s) / 32 = 0.303743.
  expect(ratio[16]).toBeCloseTo(0.303743, 6);
  expect(ratio[15]).toBeGreaterThan(ratio[16]!);
  expect(ratio[15]).toBeLessThan(1);
});
