import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ROW_VARIANTS, Sandbox, expectClose, seeded } from './sandbox.ts';
import { sample } from './sample.ts';

const PAD = 0;
const LOWEST = Math.fround(-3.4e38);
const OFF = { topK: 0, topP: 1, minP: 0 };
type Filters = typeof OFF;

/** The uniform number of (seed, stream, step): pcg3d (Jarzynski and Olano 2020), its first word. */
function uniform(seed: number, stream: number, step: number): number {
  const v = Uint32Array.of(seed, stream, step).map((x) => Math.imul(x, 1664525) + 1013904223);
  const mix = () => {
    for (const i of [0, 1, 2]) v[i]! += Math.imul(v[(i + 1) % 3]!, v[(i + 2) % 3]!);
  };
  mix();
  v.forEach((x, i) => (v[i] = x ^ (x >>> 16)));
  mix();
  return (v[0]! >>> 8) / 2 ** 24;
}

/** Kept tokens by sorting: top-k, then top-p, then min-p, each with all ties at its threshold. */
function keptTokens(probs: ArrayLike<number>, { topK, topP, minP }: Filters): Set<number> {
  let tokens = Array.from(probs, (_, v) => v).sort((a, b) => probs[b]! - probs[a]!);
  const downTo = (least: number) => tokens.filter((v) => probs[v]! >= least);
  if (topK > 0 && topK < tokens.length) tokens = downTo(probs[tokens[topK - 1]!]!);
  const mass = tokens.reduce((sum, v) => sum + probs[v]!, 0);
  let [nucleus, sum] = [0, 0];
  do sum += probs[tokens[nucleus++]!]!;
  while (nucleus < tokens.length && sum < topP * mass);
  tokens = downTo(probs[tokens[nucleus - 1]!]!);
  return new Set(tokens.filter((v) => probs[v]! > 0 && probs[v]! >= minP * probs[tokens[0]!]!));
}

/**
 * The token whose part of the cumulative sum contains u, in float64; undefined when u is within
 * rounding of a boundary.
 */
function chosenToken(probs: ArrayLike<number>, kept: Set<number>, u: number): number | undefined {
  const order = [...kept].sort((a, b) => a - b);
  const goal = u * order.reduce((sum, v) => sum + probs[v]!, 0);
  let sum = 0;
  for (const v of order) {
    if (Math.abs(sum - goal) < 4e-6 && sum > 0) return undefined;
    sum += probs[v]!;
    if (sum > goal + 4e-6) return v;
  }
  return undefined;
}

/** softmax(logits / temperature) in float64. */
function softmax(logits: Float32Array, temperature = 1): Float64Array {
  const top = logits.reduce((a, b) => Math.max(a, b));
  const weights = Float64Array.from(logits, (x) => Math.exp((x - top) / temperature));
  const total = weights.reduce((sum, x) => sum + x, 0);
  return weights.map((x) => x / total);
}

/** Rows whose probabilities fall with a power of their rank (Zipf), as those of words do. */
function zipf(rows: number, cols: number): Float32Array {
  // 7919 is a prime, so every rank occurs once.
  return Float32Array.from({ length: rows * cols }, (_, i) => {
    const [row, v] = [Math.floor(i / cols), i % cols];
    return 3 - 2 * Math.log(1 + ((v * 7919 + row * 31) % cols));
  });
}

/** A logit of a row whose probabilities fall with a power of their rank, which is scattered. */
const power = (v: number, exponent: number): number =>
  -exponent * Math.log(3 + ((v * 7919) % 19_997));

/** One likely token, 1,538 equal ones with most of the mass, and others. */
const ties = (v: number): number => (v === 10_000 ? 7 : v % 13 === 0 ? 0 : -20 + Math.sin(v));

// Whole rows and rows in chunks; by single invocations, and by teams that reduce in both ways.
describe.each(ROW_VARIANTS)('rows: %s', (variant) => {
  let box: Sandbox;
  beforeAll(async () => {
    box = await Sandbox.open({ rows: variant });
  });
  afterEach(() => box.clear());
  afterAll(() => box.close());

  interface Draw {
    logits: Float32Array;
    temperature?: number;
    cols: number;
    streams?: Uint32Array;
    done?: Uint32Array;
    filters?: Partial<Filters>;
    seed?: number;
    step?: number;
    maxSteps?: number;
    eosIds?: number[];
    /** Each workgroup is a launch of its own. */
    cut?: boolean;
  }

  async function draw(options: Draw) {
    const {
      logits,
      cols,
      filters,
      seed = 5,
      step = 0,
      maxSteps = 1,
      cut = false,
      ...rest
    } = options;
    const rows = logits.length / cols;
    const { streams = Uint32Array.from({ length: rows }, (_, r) => r), eosIds = [] } = rest;
    const [tokens, logps] = [box.marked(rows * maxSteps), box.marked(rows * maxSteps)];
    const nextIds = box.marked(rows);
    const done = box.put(rest.done ?? new Uint32Array(rows));
    const drawing = sample({
      ...OFF,
      ...filters,
      logits: box.put(logits),
      inverseTemperature: 1 / (rest.temperature ?? 1),
      streams: box.put(streams),
      tokens,
      logps,
      nextIds,
      done,
      rows,
      maxRows: rows + 3,
      cols,
      seed,
      step,
      maxSteps,
      eosIds,
      padId: PAD,
    });
    await (cut ? box.runCut(drawing) : box.run(drawing));
    return {
      tokens: await box.integers(tokens, rows * maxSteps),
      logps: await box.floats(logps, rows * maxSteps),
      nextIds: await box.integers(nextIds, rows),
      done: await box.integers(done, rows),
    };
  }

  /** Draws, and compares with the reference; rounding may hide what some rows should draw. */
  async function compare(
    rows: number,
    cols: number,
    filters: Partial<Filters>,
    logits = zipf(rows, cols),
  ) {
    const temperature = 1.25;
    const { tokens, logps } = await draw({ logits, cols, filters, temperature });
    let compared = 0;
    for (let r = 0; r < rows; r++) {
      const probs = softmax(logits.subarray(r * cols, (r + 1) * cols), temperature);
      const kept = keptTokens(probs, { ...OFF, ...filters });
      expect(kept.has(tokens[r]!)).toBe(true);
      expectClose([logps[r]!], [Math.log(probs[tokens[r]!]!)], 3e-6);
      const want = filters.topK === 1 ? [...kept][0] : chosenToken(probs, kept, uniform(5, r, 0));
      if (want === undefined) continue;
      expect(tokens[r]).toBe(want);
      compared++;
    }
    expect(compared).toBeGreaterThan(rows / 2);
  }

  it.each([
    [5, 1],
    [9, 3],
    [9, 4],
    [80, 48],
    [65, 73],
    [9, 255],
    [9, 256],
    [9, 576],
    [9, 1024],
    [9, 1025],
    [9, 4097],
  ] as const)('draws what the reference draws, in %i rows of %i', async (rows, cols) => {
    await compare(rows, cols, {});
    await compare(rows, cols, { topK: 1 });
    await compare(rows, cols, { topK: 5 });
    await compare(rows, cols, { topK: cols + 1 });
    await compare(rows, cols, { topP: 0.3 });
    await compare(rows, cols, { topP: 0.95 });
    await compare(rows, cols, { topP: 0 });
    await compare(rows, cols, { minP: 0.02 });
    await compare(rows, cols, { topK: 6, topP: 0.8, minP: 0.1 });
  });

  it.each([576, 5000])('draws the same in many launches, from rows of %i', async (cols) => {
    const logits = zipf(9, cols);
    for (const filters of [{}, { topK: 1 }, { topP: 0.9 }, { topK: 20, topP: 0.9, minP: 0.02 }]) {
      const whole = await draw({ logits, cols, filters });
      expect(await draw({ logits, cols, filters, cut: true })).toEqual(whole);
    }
  });

  // Of long rows `memory` has no more than teams that reduce in another way (team.test.ts).
  const long = it.runIf(variant !== 'memory');

  long.each([49_152, 151_936])('draws from a vocabulary of %i tokens', async (cols) => {
    await compare(3, cols, {});
    await compare(2, cols, { topK: 1 });
    await compare(2, cols, { minP: 0.01 });
    await compare(2, cols, { topK: 50, topP: 0.95 });
  });

  it.each([12, 5000])(
    'keeps all of the tokens that are equal at a threshold, among %i',
    async (cols) => {
      const rows = 64;
      // After the first, three are equal.
      const row = new Float32Array(cols).map((_, v) =>
        v === 3 ? 2 : v > 8 ? -50 : v > 5 ? 1 : -30,
      );
      const logits = Float32Array.from({ length: rows * cols }, (_, i) => row[i % cols]!);
      for (const filters of [{ topK: 2 }, { topP: 0.6 }, { minP: 0.3 }]) {
        const { tokens } = await draw({ logits, cols, filters });
        expect(new Set(tokens)).toEqual(new Set([3, 6, 7, 8]));
      }
    },
  );

  // Long rows are searched among candidates. Each of these is its own case of how many there are.
  long.each([
    ['a normal tail', (v) => (v % 1009 === 5 ? 12 : 3 * Math.sin(v * v)), { topK: 20 }],
    ['the same, far below 0', (v) => power(v, 2) - 300, { topK: 20, topP: 0.9, minP: 0.01 }],
    ['more of the top than chunks', (v) => power(v, 1), { topK: 700 }],
    ['the same, and a nucleus', (v) => power(v, 1), { topK: 700, topP: 0.8 }],
    ['a small nucleus, far above 0', (v) => power(v, 2) + 300, { topP: 0.9 }],
    ['a nucleus of hundreds', (v) => power(v, 1.7), { topP: 0.95 }],
    ['a nucleus of thousands', (v) => power(v, 1.4), { topP: 0.95 }],
    ['nearly all', (v) => power(v, 1), { topP: 0.99999 }],
    ['a nucleus of neighbours', (v) => -2 * Math.log(3 + v), { topP: 0.95 }],
    ['the top among neighbours', (v) => -2 * Math.log(3 + v), { topK: 50 }],
    ['a nucleus of little more than ties', (v) => ties(v), { topP: 0.5 }],
    ['a few that reach down to ties', (v) => ties(v), { topK: 2 }],
    ['equal logits, a nucleus', () => 2.5, { topP: 0.3 }],
    ['equal logits, the top', () => -2.5, { topK: 20 }],
    ['one likely token', (v) => (v === 16_666 ? 60 : Math.sin(v)), { topP: 0.95 }],
    ['one likely token, the top', (v) => (v === 16_666 ? 60 : Math.sin(v)), { topK: 9, topP: 0.9 }],
  ] as [string, (v: number) => number, Partial<Filters>][])(
    'finds the threshold of long rows: %s',
    async (_, logit, filters) => {
      for (const [rows, cols] of [
        [3, 20_000],
        [3, 20_001],
      ] as const) {
        const row = Float32Array.from({ length: cols }, (_, v) => logit(v));
        const logits = Float32Array.from({ length: rows * cols }, (_, i) => row[i % cols]!);
        await compare(rows, cols, filters, logits);
      }
    },
  );

  it.each([{ topK: 20 }, { topP: 0.9 }, { topK: 700, topP: 0.9 }])(
    'leaves rows of %o alone that have ended or diverged',
    async (filters) => {
      const [rows, cols] = [5, 9000];
      const logits = zipf(rows, cols);
      const drawn = await draw({ logits, cols, filters });
      logits.fill(NaN, cols, 2 * cols);
      logits[3 * cols + 777] = NaN;
      const done = Uint32Array.of(0, 1, 0, 0, 0);
      const result = await draw({ logits, cols, filters, done });
      const expected = [...drawn.tokens];
      [expected[1], expected[3]] = [PAD, PAD];
      expect([...result.tokens]).toEqual(expected);
      expect([...result.done]).toEqual([0, 1, 0, 1, 0]);
      expect(result.logps[1]).toBe(0);
      expect(result.logps[3]).toBe(LOWEST);
    },
  );

  it.each([12, 1100, 9000])('greedy takes the lowest of equal tokens among %i', async (cols) => {
    const logits = new Float32Array(cols);
    for (const v of [11, 9, 6]) logits[v] = 2;
    const { tokens } = await draw({ logits, cols, filters: { topK: 1 } });
    expect([...tokens]).toEqual([6]);
  });

  it('draws tokens as often as they are likely, over streams and over steps', async () => {
    const row = [0.5, 0, 0.25, 0.125, 0.1, 0.025];
    const rows = 4096;
    const logits = Float32Array.from({ length: rows * 6 }, (_, i) => Math.log(row[i % 6]!));
    for (const [step, streams] of [
      [0, Uint32Array.from({ length: rows }, (_, r) => r)],
      [3, Uint32Array.from({ length: rows }, (_, r) => r << 8)],
    ] as const) {
      const { tokens } = await draw({ logits, cols: 6, streams, step, maxSteps: 4 });
      const counts = row.map(() => 0);
      for (let r = 0; r < rows; r++) counts[tokens[r * 4 + step]!]!++;
      expect(counts[1]).toBe(0);
      const chiSquared = row.reduce(
        (sum, q, v) => (q === 0 ? sum : sum + (counts[v]! - q * rows) ** 2 / (q * rows)),
        0,
      );
      expect(chiSquared).toBeLessThan(18.5); // 4 degrees of freedom, p = 0.001
    }
  });

  it('never draws a token of probability zero, however near u is to 0 or 1', async () => {
    let [least, most] = [0, 0];
    for (let stream = 0; stream < 100_000; stream++) {
      if (uniform(5, stream, 0) < uniform(5, least, 0)) least = stream;
      if (uniform(5, stream, 0) > uniform(5, most, 0)) most = stream;
    }
    expect(uniform(5, least, 0)).toBeLessThan(1e-4);
    expect(uniform(5, most, 0)).toBeGreaterThan(1 - 1e-4);
    for (const cols of [99, 5000]) {
      // Zeros at both ends of every invocation's share, and sums that round.
      const row = seeded(cols, 3, 0, 0.01).map((q, v) => (v < cols / 3 || v > cols / 2 ? 0 : q));
      const logits = new Float32Array(2 * cols);
      logits.set(row.map(Math.log));
      logits.set(row.map(Math.log), cols);
      const streams = Uint32Array.of(least, most);
      const { tokens } = await draw({ logits, cols, streams });
      for (const token of tokens) expect(row[token]).toBeGreaterThan(0);
    }
  });

  it('depends on seed, stream and step, and not on the row', async () => {
    const [rows, cols] = [64, 50];
    const one = seeded(cols, 9);
    const logits = Float32Array.from({ length: rows * cols }, (_, i) => one[i % cols]!);
    const streams = Uint32Array.from({ length: rows }, (_, r) => 1000 + r);
    const { tokens } = await draw({ logits, cols, streams });
    const { tokens: reversed } = await draw({ logits, cols, streams: streams.slice().reverse() });
    expect([...reversed].reverse()).toEqual([...tokens]);
    for (const other of [{ seed: 6 }, { step: 1, maxSteps: 2 }]) {
      const { tokens: changed } = await draw({ logits, cols, streams, ...other });
      const column = other.maxSteps ? changed.filter((_, i) => i % 2 === 1) : changed;
      expect(column).not.toEqual(tokens);
    }
  });

  it('writes one column, ends rows at an end token and pads those that have ended', async () => {
    const cols = 3;
    // Row 0 can only draw 1, row 1 only 2 (an end token), row 2 has ended already.
    const logits = Float32Array.of(0, 200, 0, 0, 0, 200, 0, 200, 0);
    const done = Uint32Array.of(0, 0, 1);
    const result = await draw({ logits, cols, done, step: 1, maxSteps: 3, eosIds: [9, 2] });
    const unwritten = new Uint32Array(Float32Array.of(-12345.5).buffer)[0]!;
    const at = (values: ArrayLike<number>, column: number) =>
      [0, 1, 2].map((r) => values[r * 3 + column]);
    expect(at(result.tokens, 1)).toEqual([1, 2, PAD]);
    expect(at(result.logps, 1)).toEqual([0, 0, 0]);
    for (const column of [0, 2]) {
      expect(at(result.tokens, column)).toEqual([unwritten, unwritten, unwritten]);
      expect(at(result.logps, column)).toEqual([-12345.5, -12345.5, -12345.5]);
    }
    expect([...result.nextIds]).toEqual([1, 2, PAD]);
    expect([...result.done]).toEqual([0, 1, 1]);
  });

  it.each([
    [NaN, 3],
    [Infinity, 3],
    [-Infinity, 3],
    [NaN, 5000],
  ])('ends a row whose logits are %f, and says so, with %i tokens', async (bad, cols) => {
    const logits = new Float32Array(2 * cols).fill(bad, 0, cols).fill(-200, cols);
    logits[cols + 1] = 0;
    const { tokens, logps, done } = await draw({ logits, cols, filters: { topP: 0.9 } });
    expect([...tokens]).toEqual([PAD, 1]);
    expect([...logps]).toEqual([LOWEST, 0]);
    expect([...done]).toEqual([1, 0]);
  });

  it('ends a row with a single logit that is not a number', async () => {
    const logits = seeded(100, 1);
    logits[70] = NaN;
    const { done } = await draw({ logits, cols: 100 });
    expect([...done]).toEqual([1]);
  });

  it('takes at most four end tokens', async () => {
    const logits = Float32Array.of(1);
    await expect(draw({ logits, cols: 1, eosIds: [1, 2, 3, 4, 5] })).rejects.toThrow(/at most 4/);
  });
});
