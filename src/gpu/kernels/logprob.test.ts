import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { logprobBackward, logprobChunk, logprobFinish } from './logprob.ts';
import { MARK, ROW_VARIANTS, Sandbox, centralDifferences, expectClose, seeded } from './sandbox.ts';

/** Float64: log-probability of `token` under softmax(z * invT), entropy and log-sum-exp. */
function reference(logits: ArrayLike<number>, token: number, invT: number) {
  const z = Array.from(logits, (x) => x * invT);
  const top = Math.max(...z);
  const lse = top + Math.log(z.reduce((sum, x) => sum + Math.exp(x - top), 0));
  const entropy = z.reduce((sum, x) => sum - Math.exp(x - lse) * (x - lse), 0);
  return { logp: z[token]! - lse, entropy, lse };
}

interface Case {
  rows: number;
  vocab: number;
  chunk: number;
  invT: number;
  /** The logits lie in [-spread, spread). */
  spread: number;
}

function inputs({ rows, vocab, spread }: Case) {
  return {
    logits: seeded(rows * vocab, 1, -spread, spread),
    targets: Uint32Array.from(seeded(rows, 2, 0, vocab)),
    dLogp: seeded(rows, 3),
    dEntropy: seeded(rows, 4),
  };
}

describe.each(ROW_VARIANTS)('rows: %s', (rowVariant) => {
  let box: Sandbox;
  beforeAll(async () => {
    box = await Sandbox.open({ rows: rowVariant });
  });
  afterEach(() => box.clear());
  afterAll(() => box.close());

  /** Runs forward and backward over the chunks of the vocabulary. */
  async function run(shape: Case) {
    const { rows, vocab, chunk, invT } = shape;
    const data = inputs(shape);
    const [targets, dLogp, dEntropy] = [data.targets, data.dLogp, data.dEntropy].map((d) =>
      box.put(d),
    ) as [ReturnType<Sandbox['put']>, ReturnType<Sandbox['put']>, ReturnType<Sandbox['put']>];
    const [logp, entropy, lse] = [0, 1, 2].map(() => box.marked(rows + 1)) as [
      typeof targets,
      typeof targets,
      typeof targets,
    ];
    const state = box.marked(rows * 4); // what a former step left there
    const chunks: { start: number; cols: number; view: typeof targets }[] = [];
    for (let start = 0; start < vocab; start += chunk) {
      const cols = Math.min(chunk, vocab - start);
      const part = new Float32Array(rows * cols).map(
        (_, i) => data.logits[Math.floor(i / cols) * vocab + start + (i % cols)]!,
      );
      chunks.push({ start, cols, view: box.put(part) });
    }
    const common = { targets, rows, inverseTemperature: invT };
    await box.run(
      ...chunks.map(({ start, cols, view }, i) =>
        logprobChunk({
          ...common,
          logits: view,
          state,
          chunkStart: start,
          chunkCols: cols,
          first: i === 0 ? 1 : 0,
        }),
      ),
      logprobFinish({ state, logp, entropy, lse, rows }),
      ...chunks.map(({ start, cols, view }) =>
        logprobBackward({
          ...common,
          logits: view,
          lse,
          entropy,
          dLogp,
          dEntropy,
          chunkStart: start,
          chunkCols: cols,
        }),
      ),
    );
    const dLogits = new Float32Array(rows * vocab);
    for (const { start, cols, view } of chunks) {
      const part = await box.floats(view, rows * cols);
      part.forEach((d, i) => (dLogits[Math.floor(i / cols) * vocab + start + (i % cols)] = d));
    }
    const read = (view: typeof targets) => box.floats(view, rows + 1);
    return {
      data,
      logp: await read(logp),
      entropy: await read(entropy),
      lse: await read(lse),
      dLogits,
    };
  }

  const CASES: Case[] = [
    { rows: 1, vocab: 1, chunk: 1, invT: 1, spread: 2 },
    { rows: 5, vocab: 7, chunk: 3, invT: 1.25, spread: 3 },
    { rows: 17, vocab: 99, chunk: 99, invT: 1, spread: 4 },
    { rows: 64, vocab: 128, chunk: 64, invT: 0.7, spread: 1 },
    { rows: 3, vocab: 1100, chunk: 512, invT: 1, spread: 40 },
    // Teams of 64 and of 256 invocations a row.
    { rows: 3, vocab: 1600, chunk: 1100, invT: 1.1, spread: 5 },
    { rows: 2, vocab: 8200, chunk: 8200, invT: 1, spread: 2 },
    { rows: 1, vocab: 49152, chunk: 24576, invT: 1, spread: 6 },
  ];

  describe.each(CASES)('$rows rows, vocabulary $vocab in chunks of $chunk', (shape) => {
    const { rows, vocab, invT } = shape;

    it('gives log-probability, entropy and log-sum-exp', async () => {
      const { data, logp, entropy, lse } = await run(shape);
      const want = Array.from(data.targets, (token, r) =>
        reference(data.logits.subarray(r * vocab, (r + 1) * vocab), token, invT),
      );
      const marked = (values: number[]) => [...values, MARK];
      expectClose(logp, marked(want.map((w) => w.logp)), 1e-5, 1e-6);
      expectClose(entropy, marked(want.map((w) => w.entropy)), 3e-5, 1e-6);
      expectClose(lse, marked(want.map((w) => w.lse)), 1e-5, 1e-6);
    });

    it('gives the gradient that central differences give', async () => {
      const { data, dLogits } = await run(shape);
      for (let r = 0; r < Math.min(rows, 3); r++) {
        const row = data.logits.subarray(r * vocab, (r + 1) * vocab);
        const loss = (z: ArrayLike<number>) => {
          const { logp, entropy } = reference(z, data.targets[r]!, invT);
          return data.dLogp[r]! * logp + data.dEntropy[r]! * entropy;
        };
        // The target and some of the others: a reference costs the whole row.
        const tokens = new Set([data.targets[r]!]);
        for (let v = 0; v < vocab; v += Math.ceil(vocab / 40)) tokens.add(v);
        for (const v of tokens) {
          const z = Float64Array.from(row);
          const want = centralDifferences([row[v]!], ([x]) => loss(z.fill(x!, v, v + 1)));
          expectClose([dLogits[r * vocab + v]!], want, 1e-5, 1e-4);
        }
      }
    });
  });

  it('chunks change nothing but rounding', async () => {
    const shape = { rows: 6, vocab: 60, invT: 0.9, spread: 3 };
    const [whole, parts] = [await run({ ...shape, chunk: 60 }), await run({ ...shape, chunk: 7 })];
    expectClose(parts.logp, whole.logp, 1e-6);
    expectClose(parts.dLogits, whole.dLogits, 1e-6);
    expect(whole.dLogits.some((d) => d !== 0)).toBe(true);
  });
});
