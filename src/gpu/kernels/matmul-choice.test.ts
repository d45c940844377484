import { describe, expect, it } from 'vitest';
import type { MatmulLayout } from './matmul-prelude.ts';
import { cardVariants, mostPartialSums, pitchOf, sharesOfK, type Sizes } from './matmul-choice.ts';

const partsOfK = (layout: MatmulLayout, sizes: Sizes): number => sharesOfK(layout, sizes).parts;

/** The variant for these sizes, with k whole or in parts. */
function picked(layout: MatmulLayout, m: number, n: number, k: number): string {
  const { whole, inParts } = cardVariants(layout, { m, n, k });
  const [variant, ...others] = [...whole, ...inParts];
  expect(others).toEqual([]);
  return variant!;
}

it('has large tiles where there are enough of them, smaller ones where a card would idle', () => {
  expect(picked('nt', 4096, 4096, 4096)).toBe('large');
  expect(picked('nt', 512, 512, 512)).not.toBe('large');
  expect(picked('nt', 32, 512, 48)).toBe('small');
  expect(picked('nn', 3312, 48, 96)).toBe('narrow');
});

it('reads the weights once or twice for few rows, where k is long enough to be shared out', () => {
  expect(picked('nt', 8, 576, 576)).toBe('few');
  expect(picked('nt', 16, 49152, 576)).toBe('few');
  expect(picked('nt', 17, 49152, 576)).not.toBe('few');
  expect(picked('nt', 8, 576, 48)).not.toBe('few');
  expect(picked('tn', 8, 576, 576)).not.toBe('few');
});

it('reads weights that a cache holds up to four times, rather than to cut k or to run few tiles', () => {
  for (const [n, k] of [
    [960, 576],
    [576, 576],
    [576, 1536],
    [16, 1536],
  ] as const) {
    expect(picked('nt', 32, n, k)).toBe('few');
    expect(partsOfK('nt', { m: 32, n, k })).toBe(1);
    expect(picked('nt', 33, n, k)).not.toBe('few');
  }
  expect(picked('nt', 17, 3072, 576)).not.toBe('few');
});

it('takes the tile that is the fastest of a measured card', () => {
  const even = { large: 1e12, medium: 1e12, narrow: 1e12, small: 1e12 };
  const sizes = { m: 4096, n: 4096, k: 4096 };
  const card = { full: { ...even, small: 4e12 }, alone: even, packed: [] };
  expect(cardVariants('nt', sizes, card)).toEqual({ whole: ['small'], inParts: [] });
  // Where one workgroup alone takes all of a card, small tiles gain nothing.
  const fast = { ...even, large: 2e12 };
  const one = { full: fast, alone: fast, packed: [] };
  expect(cardVariants('nt', { m: 128, n: 64, k: 48 }, one).whole).toEqual(['large']);
});

it('compiles every variant that a replay picks, and no tile for more rows than there are', () => {
  expect(cardVariants('nt', { m: { most: 12 }, n: 576, k: 576 })).toEqual({
    whole: ['few'],
    inParts: [],
  });
  for (const most of [1, 7, 64, 100, 300, 1000, 5000]) {
    for (const n of [4, 48, 576, 4096]) {
      for (const [layout, k] of [
        ['nt', 48],
        ['nt', 576],
        ['nn', 96],
      ] as const) {
        const { whole, inParts } = cardVariants(layout, { m: { most }, n, k });
        for (let m = 1; m <= most; m += Math.ceil(m / 9)) {
          const { parts, sliced } = sharesOfK(layout, { m, n, k });
          expect(parts > 1 ? inParts : whole).not.toEqual([]);
          const inTeams = whole.some((variant) => variant === 'sliced' || variant === 'thin');
          if (sliced) expect(inTeams, `${m} x ${n} x ${k}`).toBe(true);
        }
      }
    }
  }
});

describe('k shared out in a workgroup', () => {
  it('is what a card does for the products of decoding 33 to 96 sequences, in one launch', () => {
    for (const m of [33, 64, 96]) {
      for (const k of [576, 1536]) {
        expect(sharesOfK('nt', { m, n: 576, k })).toEqual({
          parts: 1,
          sliced: m > 48 ? 'sliced' : 'thin',
        });
        expect(sharesOfK('nt', { m, n: 16, k })).toEqual({ parts: 1, sliced: 'thin' });
        expect(picked('nt', m, 576, k)).toBe(m > 48 ? 'sliced' : 'thin');
        expect(picked('nt', m, 16, k)).toBe('thin');
      }
    }
  });

  it('is not done where tiles are many or k is short, for few rows, or in gradients', () => {
    for (const sizes of [
      { m: 2500, n: 576, k: 576 },
      { m: 64, n: 3072, k: 576 },
      { m: 128, n: 48, k: 48 },
      { m: 64, n: 144, k: 48 },
      { m: 8, n: 576, k: 576 },
    ]) {
      expect(sharesOfK('nt', sizes).sliced).toBeUndefined();
    }
    for (const layout of ['nn', 'tn'] as const) {
      expect(sharesOfK(layout, { m: 64, n: 576, k: 576 }).sliced).toBeUndefined();
    }
  });

  it('is not done where a norm, a second matrix or a gate belongs to the product', () => {
    const { whole } = cardVariants('nt', { m: 64, n: 576, k: 576 }, undefined, false);
    expect(whole).toEqual(['small']);
  });
});

describe('parts of k', () => {
  it('has several where there are few tiles and k is long', () => {
    expect(partsOfK('tn', { m: 48, n: 48, k: 2500 })).toBeGreaterThan(8);
    expect(partsOfK('tn', { m: 576, n: 16, k: 2500 })).toBeGreaterThan(1);
    expect(partsOfK('nn', { m: 33, n: 576, k: 576 })).toBeGreaterThan(1);
  });

  it('has one where tiles keep the card busy, or the second launch would take longer', () => {
    expect(partsOfK('nt', { m: 4096, n: 4096, k: 4096 })).toBe(1);
    expect(partsOfK('tn', { m: 1536, n: 576, k: 2500 })).toBe(1);
    expect(partsOfK('nt', { m: 2500, n: 48, k: 48 })).toBe(1);
    expect(partsOfK('tn', { m: 48, n: 48, k: 64 })).toBe(1);
    // The kernel for few rows shares out k by itself.
    expect(partsOfK('nt', { m: 8, n: 576, k: 576 })).toBe(1);
  });

  const unknown = { most: Infinity };

  it('needs no more memory than is planned, and few megabytes', () => {
    const sizes = [1, 3, 16, 48, 65, 130, 200, 500, 1000, 2500, 70_000];
    let several = 0;
    for (const m of sizes) {
      for (const n of sizes) {
        for (const k of sizes) {
          const parts = partsOfK('tn', { m, n, k });
          if (parts === 1) continue;
          several++;
          const taken = parts * m * pitchOf(n);
          for (const known of [
            { m, n, k },
            { m, n, k: unknown },
            { m: unknown, n, k },
            { m, n: unknown, k: unknown },
          ]) {
            const most = mostPartialSums('tn', known);
            expect(taken).toBeLessThanOrEqual(most);
            expect(4 * most).toBeLessThanOrEqual(2.2e6);
          }
        }
      }
    }
    expect(several).toBeGreaterThan(50);
  });
});
