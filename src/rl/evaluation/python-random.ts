/**
 * Python's random.Random(seed), as far as the originals of the benchmarks use it: their numbers depend on
 * what is drawn. MT19937 (Matsumoto and Nishimura 1998), seeded by init_by_array as
 * CPython's _randommodule.c does; `sample`, `choice` and `gauss` as in random.py.
 */
const SIZE = 624;

export class PythonRandom {
  private readonly state = new Uint32Array(SIZE);
  private at = SIZE;
  /** `gauss` draws two numbers at once. */
  private nextGauss: number | undefined;

  /** @param seed a whole number from 0 to 2^32 - 1 */
  constructor(seed: number) {
    const { state } = this;
    state[0] = 19650218;
    for (let i = 1; i < SIZE; i++) state[i] = mixed(state[i - 1]!, 1812433253) + i;
    let i = 1;
    const next = (factor: number, add: number, sign: 1 | -1): void => {
      state[i] = (state[i]! ^ mixed(state[i - 1]!, factor)) + sign * add;
      if (++i >= SIZE) {
        state[0] = state[SIZE - 1]!;
        i = 1;
      }
    };
    for (let k = 0; k < SIZE; k++) next(1664525, seed, 1);
    for (let k = 0; k < SIZE - 1; k++) next(1566083941, i, -1);
    state[0] = 0x80000000;
  }

  /** sample(range(n), n): a random order of 0 to n - 1, for n up to 21 (for more, Python draws in another way). */
  permutation(n: number): number[] {
    const pool = Array.from({ length: n }, (_, i) => i);
    return pool.map((_, i) => {
      const j = this.below(n - i);
      const drawn = pool[j]!;
      pool[j] = pool[n - i - 1]!;
      return drawn;
    });
  }

  /** gauss(0, 1) */
  gauss(): number {
    const kept = this.nextGauss;
    this.nextGauss = undefined;
    if (kept !== undefined) return kept;
    const angle = this.random() * 2 * Math.PI;
    const radius = Math.sqrt(-2 * Math.log(1 - this.random()));
    this.nextGauss = Math.sin(angle) * radius;
    return Math.cos(angle) * radius;
  }

  /** The place of the item that choice takes of n: 0 to n - 1. */
  below(n: number): number {
    const bits = 32 - Math.clz32(n);
    for (;;) {
      const drawn = this.uint32() >>> (32 - bits);
      if (drawn < n) return drawn;
    }
  }

  /** From 0 to 1, with 53 random bits. */
  private random(): number {
    const high = this.uint32() >>> 5;
    return (high * 2 ** 26 + (this.uint32() >>> 6)) / 2 ** 53;
  }

  private uint32(): number {
    if (this.at === SIZE) this.refill();
    let y = this.state[this.at++]!;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  private refill(): void {
    const { state } = this;
    for (let i = 0; i < SIZE; i++) {
      const y = (state[i]! & 0x80000000) | (state[(i + 1) % SIZE]! & 0x7fffffff);
      state[i] = state[(i + 397) % SIZE]! ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    }
    this.at = 0;
  }
}

function mixed(previous: number, factor: number): number {
  return Math.imul(previous ^ (previous >>> 30), factor);
}
