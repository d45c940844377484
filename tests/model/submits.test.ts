/** The submits of training and decoding steps on simulated graphics cards. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Op } from '../../src/gpu/kernel.ts';
import { MemoryPlan } from '../../src/gpu/memory.ts';
import { Pace } from '../../src/gpu/pace.ts';
import { cutIntoSubmits, type Launch, type Submit } from '../../src/gpu/submits.ts';
import { KERNELS_FOR } from '../../src/gpu/variants.ts';
import { allocateOptimizer, stepOps } from '../../src/model/adamw.ts';
import { planBatch } from '../../src/model/batch-runner.ts';
import type { ModelConfig } from '../../src/model/config.ts';
import { planDecoder } from '../../src/model/decoder-plan.ts';
import { LanguageModel } from '../../src/model/language-model.ts';
import { CONFIGS } from '../random-model.ts';

/** The sizes of SmolLM2-135M. */
const SMOLLM: ModelConfig = {
  ...CONFIGS['llama, tied']!,
  vocabSize: 49152,
  hiddenSize: 576,
  intermediateSize: 1536,
  layers: 30,
  heads: 9,
  kvHeads: 3,
  headDim: 64,
};

/** The sizes of Qwen3-0.6B. */
const QWEN: ModelConfig = {
  ...CONFIGS['qwen3, head norms, head_dim apart']!,
  vocabSize: 151936,
  hiddenSize: 1024,
  intermediateSize: 3072,
  layers: 28,
  heads: 16,
  kvHeads: 8,
  headDim: 128,
};

/** 64 sequences of 208 tokens. */
const ROWS = 13312;

const sampling = { temperature: 1, topK: 0, topP: 0.9, minP: 0, seed: 1, maxNewTokens: 128 };

/** The programs of a training step with what they run on, written down without a device. */
function step(config = SMOLLM, rows = ROWS, variants: keyof typeof KERNELS_FOR = 'card') {
  const plan = new MemoryPlan(2 ** 31, KERNELS_FOR[variants]);
  const model = LanguageModel.allocate(plan, config);
  const memory = allocateOptimizer(model);
  const limits = { maxTokens: rows, maxTargets: rows / 2, recompute: true };
  const dims = {
    tokens: rows,
    pairs: (rows * 209) / 2,
    targets: rows / 2,
    idOwners: 2000,
    rowOwners: rows / 2,
    inverseTemperature: 1,
  };
  const { forward, backward } = planBatch(model, limits, memory.gradients);
  const cache = { maxSequences: 64, maxPromptTokens: 4096, maxNewTokens: 128 };
  const { decodeOps } = planDecoder(model, cache);
  const tokens = Array.from({ length: 8 }, (_, step) => ({
    ...{ tokens: 64, pairs: 64 * 200, step, sampling },
  }));
  return {
    decode: { ops: decodeOps, runs: tokens },
    forward: { ops: forward, runs: [dims] },
    backward: { ops: backward, runs: [dims] },
    update: {
      ops: stepOps(model, optimizerOptions, memory),
      runs: [{ learningRate: 1e-3, biasCorrection1: 1, biasCorrection2: 1 }],
    },
  };
}

/** Matrix products and attention of a submit, by the share of its workgroups that each launch has. */
function operations<D>(ops: readonly Op<D>[], { launches }: Submit<D>): number {
  return launches.reduce((sum, { index, dims, grid }) => {
    const op = ops[index]!;
    const share = workgroups(grid) / workgroups(op.grid(dims));
    return sum + share * (op.flops?.(dims) ?? 0);
  }, 0);
}

const workgroups = ([x, y = 1, z = 1]: readonly [number, number?, number?]): number => x * y * z;

/** A card that runs submits one after the other at `rate` operations a second, on vitest's clock. */
class SimulatedCard {
  private free = 0;
  readonly seconds: number[] = [];
  inFlight = 0;
  constructor(public rate: number) {}

  submit(work: number): void {
    const ms = (1000 * work) / this.rate;
    this.seconds.push(ms / 1000);
    this.free = Math.max(this.free, performance.now()) + ms;
    this.inFlight++;
    expect(this.inFlight).toBeLessThanOrEqual(2);
    setTimeout(() => this.inFlight--, this.free - performance.now());
  }

  /** A browser passes the word on two milliseconds late. */
  readonly workDone = (): Promise<void> =>
    new Promise((resolve) => setTimeout(resolve, Math.max(0, this.free - performance.now()) + 2));
}

interface Replay<D> {
  ops: Op<D>[];
  runs: D[];
}

/** Every workgroup of an op is in one of these launches, and in one only. */
function expectWhole<D>({ grid }: Op<D>, launches: readonly Launch<D>[]): void {
  const [x, y = 1, z = 1] = grid(launches[0]!.dims);
  const runs = new Uint8Array(x * y);
  for (const launch of launches) {
    const [left, top, front] = launch.first;
    const [across, down, deep] = launch.grid;
    expect([front, deep]).toEqual([0, z]);
    expect(left + across).toBeLessThanOrEqual(x);
    for (let row = top; row < top + down; row++) {
      for (let at = row * x + left; at < row * x + left + across; at++) runs[at]!++;
    }
  }
  expect(runs.every((count) => count === 1)).toBe(true);
}

/** The same of all launches of a program, which come op after op. */
function expectAllWhole<D>({ ops, runs }: Replay<D>, launches: readonly Launch<D>[]): void {
  let next = 0;
  for (const dims of runs) {
    for (const [index, op] of ops.entries()) {
      if (workgroups(op.grid(dims)) === 0) continue;
      const first = next;
      while (launches[next]?.index === index && launches[next]?.dims === dims) next++;
      expect(next).toBeGreaterThan(first);
      expectWhole(op, launches.slice(first, next));
    }
  }
  expect(next).toBe(launches.length);
}

/** Runs a program on the card, and returns the operations that reached it. */
async function replay<D>(card: SimulatedCard, pace: Pace, program: Replay<D>) {
  const { ops, runs } = program;
  const submits = cutIntoSubmits(ops, runs, runs.length * ops.length, () => pace.budget);
  const launches: Launch<D>[] = [];
  let total = 0;
  const all = pace.submitAll(submits, (submit) => {
    const own = operations(ops, submit);
    total += own;
    launches.push(...submit.launches);
    // What only moves data takes its time as well.
    card.submit(Math.max(submit.work, own));
  });
  await vi.runAllTimersAsync();
  await all;
  expectAllWhole(program, launches);
  return total;
}

function allOperations<D>({ ops, runs }: Replay<D>): number {
  return runs.reduce((sum, d) => sum + ops.reduce((all, op) => all + (op.flops?.(d) ?? 0), 0), 0);
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'setTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a slow card has no submit above a tenth of a second, the first ones included', () => {
  const cases = [5e9, 10e9, 20e9, 50e9, 200e9].flatMap((rate) =>
    Object.entries({ SMOLLM, QWEN }).flatMap(([name, config]) =>
      (['card', 'cpu'] as const).map((variants) => ({ rate, name, config, variants })),
    ),
  );

  it.each(cases)('$rate operations a second, $name, $variants', async (one) => {
    const card = new SimulatedCard(one.rate);
    const pace = new Pace(card.workDone);
    // Layers are all the same, and so are submits; 1,664 rows are 13 of the largest tiles.
    const config = { ...one.config, layers: 1 };
    const { decode, forward, backward, update } = step(config, 1664, one.variants);
    await replay(card, pace, { ...decode, runs: decode.runs.slice(0, 2) });
    await replay(card, pace, forward);
    await replay(card, pace, backward);
    await replay(card, pace, update);
    expect(Math.max(...card.seconds)).toBeLessThan(0.101);
  });
});

describe('a training step of a model of 135 million parameters', () => {
  it.each([50e9, 200e9, 1e12, 10e12, 50e12])(
    'has no submit above a tenth of a second at %d operations a second',
    async (rate) => {
      const card = new SimulatedCard(rate);
      const pace = new Pace(card.workDone);
      const { decode, forward, backward, update } = step();
      let elapsed = 0;
      for (let steps = 0; steps < 2; steps++) {
        card.seconds.length = 0;
        const started = performance.now();
        const total =
          (await replay(card, pace, decode)) +
          (await replay(card, pace, forward)) +
          (await replay(card, pace, backward));
        await replay(card, pace, update);
        elapsed = (performance.now() - started) / 1000;
        const whole = allOperations(decode) + allOperations(forward) + allOperations(backward);
        expect(total / whole).toBeCloseTo(1, 6);
        expect(Math.max(...card.seconds)).toBeLessThan(0.101);
      }
      // In the second step the submits are long enough that the card does not wait for the next one.
      const busy = card.seconds.reduce((sum, seconds) => sum + seconds, 0);
      expect(elapsed).toBeLessThan(1.1 * busy);
    },
  );

  it('has shorter submits once the card has become slower', async () => {
    const card = new SimulatedCard(1e12);
    const pace = new Pace(card.workDone);
    const { forward } = step();
    await replay(card, pace, forward);
    expect(pace.budget).toBeGreaterThan(0.5e11);
    card.rate = 1e11;
    card.seconds.length = 0;
    await replay(card, pace, forward);
    // When the first has ended, one is in flight, one is planned, and the next launch is cut.
    expect(Math.max(...card.seconds.slice(0, 4))).toBeGreaterThan(0.5);
    expect(Math.max(...card.seconds.slice(4))).toBeLessThan(0.101);
  });
});

it('cuts the attention of one long sequence into parts that have the same work', () => {
  const rows = 4096;
  const { forward, backward } = step({ ...SMOLLM, layers: 1 }, rows);
  const dims = { ...forward.runs[0]!, pairs: (rows * (rows + 1)) / 2 };
  for (const { ops } of [forward, backward]) {
    const attention = ops.filter(({ kernel }) => kernel.name.startsWith('attention'));
    expect(attention).not.toHaveLength(0);
    for (const op of attention) {
      const third = 1.01 * (op.flops!(dims) / 3);
      const parts = [...cutIntoSubmits([op], [dims], 100, () => third)].flatMap((s) => s.launches);
      const [blocks, heads = 1] = op.grid(dims);
      // A third of the heads, with all their rows: the last rows see the most keys.
      expect(parts.map(({ grid }) => grid)).toEqual(Array(3).fill([blocks, heads / 3, 1]));
    }
  }
});

const optimizerOptions = {
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0,
  maxGradNorm: 1,
};
