import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Sandbox, expectClose, seeded } from './sandbox.ts';
import { sample } from './sample.ts';
import { teamSize } from './team.ts';

let box: Sandbox;
beforeAll(async () => {
  box = await Sandbox.open();
});
afterEach(() => box.clear());
afterAll(() => box.close());

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

/** Kept tokens by sorting: top-k, then top-p, then min-p, without ties. */
function keptTokens(probs: ArrayLike<number>, { topK, topP, minP }: Filters): Set<number> {
  let tokens = Array.from(probs, (_, v) => v).sort((a, b) => probs[b]! - probs[a]!);
  if (topK > 0) tokens = tokens.slice(0, topK);
  const mass = tokens.reduce((sum, v) => sum + probs[v]!, 0);
  let before = 0;
  tokens = tokens.filter((v, i) => {
    const kept = i === 0 || before < topP * mass;
    before += probs[v]!;
    return kept;
  });
  return new Set(tokens.filter((v) => probs[v]! > 0 && probs[v]! >= minP * probs[tokens[0]!]!));
}

/**
 * The token whose part of the cumulative sum contains u, in float64 and in the kernel's order;
 * undefined when u is within rounding of a boundary.
 */
function chosenToken(probs: ArrayLike<number>, kept: Set<number>, u: number): number | undefined {
  const team = teamSize(probs.length);
  const order = [...kept].sort((a, b) => (a % team) - (b % team) || a - b);
  const goal = u * order.reduce((sum, v) => sum + probs[v]!, 0);
  let sum = 0;
  for (const v of order) {
    if (Math.abs(sum - goal) < 1e-6 && sum > 0) return undefined;
    sum += probs[v]!;
    if (sum > goal + 1e-6) return v;
  }
  return undefined;
}

/** Rows of softmax(sharpness * uniform noise), each summing to 1 in float64. */
function distributions(rows: number, cols: number, sharpness: number): Float32Array {
  const probs = seeded(rows * cols, 9, -sharpness, sharpness).map(Math.exp);
  for (let r = 0; r < rows; r++) {
    const row = probs.subarray(r * cols, (r + 1) * cols);
    const total = row.reduce((sum, x) => sum + x, 0);
    row.forEach((x, v) => (row[v] = x / total));
  }
  return probs;
}

interface Draw {
  probs: Float32Array;
  cols: number;
  streams?: Uint32Array;
  done?: Uint32Array;
  filters?: Partial<Filters>;
  seed?: number;
  step?: number;
  maxSteps?: number;
  eosIds?: number[];
}

async function draw({ probs, cols, filters, seed = 5, step = 0, maxSteps = 1, ...rest }: Draw) {
  const rows = probs.length / cols;
  const { streams = Uint32Array.from({ length: rows }, (_, r) => r), eosIds = [] } = rest;
  const [tokens, logps] = [box.marked(rows * maxSteps), box.marked(rows * maxSteps)];
  const nextIds = box.marked(rows);
  const done = box.put(rest.done ?? new Uint32Array(rows));
  await box.run(
    sample({
      ...OFF,
      ...filters,
      probs: box.put(probs),
      streams: box.put(streams),
      tokens,
      logps,
      nextIds,
      done,
      rows,
      cols,
      seed,
      step,
      maxSteps,
      eosIds,
      padId: PAD,
    }),
  );
  return {
    tokens: await box.integers(tokens, rows * maxSteps),
    logps: await box.floats(logps, rows * maxSteps),
    nextIds: await box.integers(nextIds, rows),
    done: await box.integers(done, rows),
  };
}

// Rows of one invocation each, of teams of 64, and of teams of 256.
const WIDTHS = [
  [80, 7],
  [65, 99],
  [20, 1024],
  [20, 1100],
  [5, 9000],
] as const;

describe.each(WIDTHS)('%i rows of %i', (rows, cols) => {
  it.each<Partial<Filters>>([
    {},
    { topK: 1 },
    { topK: 5 },
    { topK: cols + 1 },
    { topP: 0.3 },
    { topP: 0.95 },
    { topP: 0 },
    { minP: 0.2 },
    { topK: 6, topP: 0.8, minP: 0.1 },
  ])('draws what the reference draws under %j', async (filters) => {
    const probs = distributions(rows, cols, 4);
    const { tokens, logps } = await draw({ probs, cols, filters });
    let compared = 0;
    for (let r = 0; r < rows; r++) {
      const row = probs.subarray(r * cols, (r + 1) * cols);
      const kept = keptTokens(row, { ...OFF, ...filters });
      expect(kept.has(tokens[r]!)).toBe(true);
      expectClose([logps[r]!], [Math.log(row[tokens[r]!]!)], 1e-6);
      const want = chosenToken(row, kept, uniform(5, r, 0));
      if (want === undefined) continue;
      expect(tokens[r]).toBe(want);
      compared++;
    }
    expect(compared).toBeGreaterThan(rows / 2);
  });
});

it.each([12, 1100, 9000])('greedy takes the lowest of equal tokens among %i', async (cols) => {
  const probs = new Float32Array(cols).fill(0.5 / (cols - 3));
  for (const v of [11, 9, 6]) probs[v] = 0.25;
  const { tokens } = await draw({ probs, cols, filters: { topK: 1 } });
  expect([...tokens]).toEqual([6]);
});

it('draws tokens as often as they are likely, over streams and over steps', async () => {
  const row = [0.5, 0, 0.25, 0.125, 0.1, 0.025];
  const rows = 4096;
  const probs = Float32Array.from({ length: rows * 6 }, (_, i) => row[i % 6]!);
  for (const [step, streams] of [
    [0, Uint32Array.from({ length: rows }, (_, r) => r)],
    [3, Uint32Array.from({ length: rows }, (_, r) => r << 8)],
  ] as const) {
    const { tokens } = await draw({ probs, cols: 6, streams, step, maxSteps: 4 });
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
  for (const cols of [99, 1100]) {
    // Zeros at both ends of every invocation's share, and sums that round.
    const row = seeded(cols, 3, 0, 0.01).map((q, v) => (v < cols / 3 || v > cols / 2 ? 0 : q));
    const probs = new Float32Array(2 * cols);
    probs.set(row);
    probs.set(row, cols);
    const streams = Uint32Array.of(least, most);
    const { tokens } = await draw({ probs, cols, streams });
    for (const token of tokens) expect(row[token]).toBeGreaterThan(0);
  }
});

it('depends on seed, stream and step, and not on the row', async () => {
  const [rows, cols] = [64, 50];
  const one = distributions(1, cols, 1);
  const probs = Float32Array.from({ length: rows * cols }, (_, i) => one[i % cols]!);
  const streams = Uint32Array.from({ length: rows }, (_, r) => 1000 + r);
  const { tokens } = await draw({ probs, cols, streams });
  const { tokens: reversed } = await draw({ probs, cols, streams: streams.slice().reverse() });
  expect([...reversed].reverse()).toEqual([...tokens]);
  for (const other of [{ seed: 6 }, { step: 1, maxSteps: 2 }]) {
    const { tokens: changed } = await draw({ probs, cols, streams, ...other });
    const column = other.maxSteps ? changed.filter((_, i) => i % 2 === 1) : changed;
    expect(column).not.toEqual(tokens);
  }
});

it('writes one column, ends rows at an end token and pads those that have ended', async () => {
  const cols = 3;
  // Row 0 can only draw 1, row 1 only 2 (an end token), row 2 has ended already.
  const probs = Float32Array.of(0, 1, 0, 0, 0, 1, 0, 1, 0);
  const done = Uint32Array.of(0, 0, 1);
  const result = await draw({ probs, cols, done, step: 1, maxSteps: 3, eosIds: [9, 2] });
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

it.each([0, NaN])('ends a row whose probabilities are all %f, and says so', async (bad) => {
  const probs = Float32Array.of(bad, bad, bad, 0, 1, 0);
  const { tokens, logps, done } = await draw({ probs, cols: 3, filters: { topP: 0.9 } });
  expect([...tokens]).toEqual([PAD, 1]);
  expect([...logps]).toEqual([LOWEST, 0]);
  expect([...done]).toEqual([1, 0]);
});

it('takes at most four end tokens', async () => {
  const probs = Float32Array.of(1);
  await expect(draw({ probs, cols: 1, eosIds: [1, 2, 3, 4, 5] })).rejects.toThrow(/at most 4/);
});
