/**
 * Seeded random numbers on the host: sfc32 (C. Doty-Humphrey, PractRand), seeded through splitmix32.
 * The GPU has its own counter-based generator with the same run seed (src/gpu/kernels/sample.wgsl).
 */
export class Random {
  private readonly state: Uint32Array;

  /** Streams with other names are independent even under the same seed. */
  constructor(seed: number, stream = '') {
    let mix = seed >>> 0;
    for (const char of stream) mix = Math.imul(mix ^ char.charCodeAt(0), 0x01000193) >>> 0;
    const next = (): number => {
      mix = (mix + 0x9e3779b9) >>> 0;
      let z = mix;
      z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
      z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
      return (z ^ (z >>> 15)) >>> 0;
    };
    this.state = Uint32Array.from([next(), next(), next(), 1]);
    for (let i = 0; i < 12; i++) this.uint32();
  }

  uint32(): number {
    const s = this.state;
    const [a, b, c, counter] = s as unknown as [number, number, number, number];
    const result = (a + b + counter) >>> 0;
    s[0] = b ^ (b >>> 9);
    s[1] = c + (c << 3);
    s[2] = ((c << 21) | (c >>> 11)) + result;
    s[3] = counter + 1;
    return result;
  }

  /** Uniform in [0, 1). */
  uniform(): number {
    return this.uint32() / 2 ** 32;
  }

  /** Uniform integer in [0, n). */
  below(n: number): number {
    return Math.floor(this.uniform() * n);
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }

  /** Standard normal (Box-Muller). */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }

  /** A shuffled copy (Fisher-Yates). */
  shuffle<T>(items: readonly T[]): T[] {
    const out = [...items];
    for (let i = out.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [out[i], out[j]] = [out[j] as T, out[i] as T];
    }
    return out;
  }
}
