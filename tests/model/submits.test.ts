/** The submits of a whole training step on a simulated graphics card. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Op } from '../../src/gpu/kernel.ts';
import { MemoryPlan } from '../../src/gpu/memory.ts';
import { Pace } from '../../src/gpu/pace.ts';
import { cutIntoSubmits, type Submit } from '../../src/gpu/submits.ts';
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

/** 64 sequences of 208 tokens. */
const ROWS = 13312;
const dims = {
  tokens: ROWS,
  pairs: (ROWS * 209) / 2,
  targets: ROWS / 2,
  idOwners: 2000,
  rowOwners: ROWS / 2,
  inverseTemperature: 1,
};

const sampling = { temperature: 1, topK: 0, topP: 1, minP: 0, seed: 1, maxNewTokens: 128 };

/** The programs of a training step with what they run on, written down without a device. */
function step() {
  const plan = new MemoryPlan(2 ** 31);
  const model = LanguageModel.allocate(plan, SMOLLM);
  const memory = allocateOptimizer(model);
  const limits = { maxTokens: ROWS, maxTargets: ROWS / 2, recompute: true };
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

/** Runs a program on the card, and returns the operations that reached it. */
async function replay<D>(card: SimulatedCard, pace: Pace, { ops, runs }: Replay<D>) {
  const submits = cutIntoSubmits(ops, runs, runs.length * ops.length, () => pace.budget);
  let total = 0;
  const all = pace.submitAll(submits, (submit) => {
    const own = operations(ops, submit);
    total += own;
    // What only moves data takes its time as well.
    card.submit(Math.max(submit.work, own));
  });
  await vi.runAllTimersAsync();
  await all;
  return total;
}

function allOperations<D>({ ops, runs }: Replay<D>): number {
  return runs.reduce((sum, d) => sum + ops.reduce((all, op) => all + (op.flops?.(d) ?? 0), 0), 0);
}

describe('a training step of a model of 135 million parameters', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance', 'setTimeout'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

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

const optimizerOptions = {
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0,
  maxGradNorm: 1,
};
