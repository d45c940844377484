/** The measuring code on tiny sizes. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Gpu } from '../../gpu/device.ts';
import { openNodeGpu } from '../../gpu/node.ts';
import { roofline } from './arithmetic.ts';
import { attentionRows } from './attention.ts';
import { Bench, type Library } from './bench.ts';
import { CeilingProbes } from './ceilings.ts';
import { decodingRows, decodingTask, secondsPerToken, stepWork } from './decoding.ts';
import { matmulRow, matmulShapes, type MatmulShape } from './matmuls.ts';
import { measure, MEASURED_FEATURES, type MeasureOptions, type Task } from './measure.ts';
import { readMeasurement, type Row } from './measurement.ts';
import { llamaOf, matrixNumbers, smol135M } from './models.ts';
import { openTraining, trainingRow, trainingTask } from './training.ts';

const tiny = llamaOf({
  ...{ vocabSize: 64, hiddenSize: 32, intermediateSize: 48, layers: 2 },
  ...{ heads: 2, kvHeads: 1, headDim: 16 },
});
const tinyTraining = { name: 'tiny', config: tiny, batch: 2, length: 8 };

let gpu: Gpu;
let probes: CeilingProbes;
beforeAll(async () => {
  gpu = await openNodeGpu({ features: MEASURED_FEATURES });
  probes = await CeilingProbes.open(gpu, 2 ** 22);
});
afterAll(() => {
  probes.free();
  gpu.close();
});

/** Without the patience for more than a timing or two. */
const benchWith = (libraries: Library[] = [], longest = 60): Bench =>
  new Bench(gpu, probes, libraries, 0.01, longest);

function expectTimed(row: Row): void {
  expect(row.skipped).toBeUndefined();
  expect(row.timings).toBeGreaterThan(0);
  expect(row.seconds).toBeGreaterThan(0);
  const { seconds = 0, flops = 0, bytes } = row;
  const { share } = roofline({ seconds, flops, bytes }, probes.ceilings);
  expect(share).toBeGreaterThan(0);
}

it('measures ceilings that this device reaches', async () => {
  await probes.again();
  const { f32, f16, bandwidth } = probes.ceilings;
  expect(f32).toBeGreaterThan(1e8);
  expect(f32).toBeLessThan(1e15);
  expect(bandwidth).toBeGreaterThan(1e7);
  expect(bandwidth).toBeLessThan(1e13);
  expect(f16 !== null).toBe(gpu.device.features.has('shader-f16'));
});

describe('a matrix product', () => {
  const shape: MatmulShape = { name: 'small', layout: 'nn', m: 40, n: 64, k: 96 };

  it.for<[string, Partial<MatmulShape>]>([
    ['nn', {}],
    ['nt', { layout: 'nt' }],
    ['tn', { layout: 'tn' }],
    ['f16', { layout: 'nt', storage: 'f16' }],
    ['int8', { layout: 'nt', storage: 'int8' }],
    ['int4 of an input gradient', { storage: 'int4' }],
  ])('%s is checked and timed', async ([, change]) => {
    const row = await matmulRow(benchWith(), { ...shape, ...change });
    expectTimed(row);
    expect(row.flops).toBe(2 * 40 * 64 * 96);
    expect(row.error).toBeLessThan(1e-5);
    expect(row.others).toBeUndefined();
  });

  const libraryOf = (value: number): Library => ({
    name: 'other',
    product: ({ m, n }) =>
      Promise.resolve({
        run: () => new Promise((resolve) => setTimeout(resolve, 5)),
        read: () => Promise.resolve(new Float32Array(m * n).fill(value)),
        free: () => undefined,
      }),
  });

  it('of another library that is wrong stops the measurement', async () => {
    await expect(matmulRow(benchWith([libraryOf(1)]), shape)).rejects.toThrow(
      'other gets small wrong',
    );
  });

  it('that would take too long is skipped, with the reason', async () => {
    const row = await matmulRow(benchWith([], 1e-9), shape);
    expect(row.skipped).toMatch(/^it would take about/);
    expect(row.seconds).toBeUndefined();
  });

  it('has shapes with names of their own', () => {
    const names = matmulShapes.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });
});

it('times attention forward and backward', async () => {
  const shape = { model: 'x', heads: 4, kvHeads: 2, headDim: 16, sequences: 3, length: 17 };
  const rows = await attentionRows(benchWith(), shape);
  rows.forEach(expectTimed);
  const pairs = (3 * 17 * 18) / 2;
  expect(rows.map(({ flops }) => flops)).toEqual([4, 8].map((f) => f * 4 * 16 * pairs));
});

describe('decoding', () => {
  it('divides by the tokens between two reports, however many they are', () => {
    const reports = [
      { at: 500, tokens: 4 },
      { at: 1500, tokens: 8 },
      { at: 2500, tokens: 16 },
    ];
    expect(secondsPerToken(reports)).toEqual([0.25, 0.125]);
    expect(secondsPerToken([])).toEqual([]);
  });

  it('is timed at each batch size, on the model that suits the rate', async () => {
    expect(decodingTask(1e13).config).toBe(smol135M);
    const task = { ...decodingTask(1e9), config: tiny, batches: [1, 3] };
    const rows = await decodingRows(benchWith(), task);
    expect(rows).toHaveLength(2);
    rows.forEach(expectTimed);
    expect(rows.map(({ name }) => name)).toEqual(['2M, f32, batch 1', '2M, f32, batch 3']);
    const [one, three] = rows as [Row, Row];
    for (const { step } of rows) {
      // 8 or 4 tokens are read together; what is allocated besides the decoder is not part of the step.
      expect(step!.readbacks).toBe(1 / gpu.variants.tokensPerBlock);
      expect(step!.submits).toBeGreaterThanOrEqual(step!.readbacks);
    }
    expect(one.step!.peakBytes).toBeLessThan(three.step!.peakBytes);
    expect(three.step!.peakBytes).toBeLessThan(2 ** 22);
    expect(three.tokensPerSecond! * three.seconds!).toBeCloseTo(
      3 * one.tokensPerSecond! * one.seconds!,
    );
    if (gpu.device.features.has('timestamp-query')) {
      const logits = one.kernels!.find(({ label }) => label === 'logits')!;
      expect(logits.launches).toBe(1);
      const launches = one.kernels!.reduce((sum, kernel) => sum + kernel.launches, 0);
      expect(launches).toBeCloseTo(one.step!.dispatches);
    }
  });

  it('reads the weights of SmolLM2-135M once in a step', () => {
    expect(matrixNumbers(smol135M)).toBe(134_479_872);
    const { flops, bytes } = stepWork(
      { config: smol135M, storage: { layers: 'bf16', tables: 'bf16' } },
      8,
    );
    expect(flops / 8).toBeGreaterThan(2 * 134_479_872);
    expect(flops / 8).toBeLessThan(2.2 * 134_479_872);
    expect(bytes).toBeGreaterThan(2 * 134_479_872);
    expect(bytes).toBeLessThan(2.2 * 134_479_872);
  });
});

describe('training', () => {
  it('lowers the loss, which begins near that of a guess', async () => {
    const training = await openTraining(gpu, trainingTask(tinyTraining));
    await training.run(8);
    const [first, ...rest] = training.losses;
    expect(Math.abs(first! - Math.log(tiny.vocabSize))).toBeLessThan(1);
    expect(rest.at(-1)).toBeLessThan(first! - 0.05);
    training.free();
  });

  it('is timed beside a library with the same losses', async () => {
    const copy: Library = {
      name: 'copy',
      product: () => Promise.reject(new Error('not here')),
      training: (task) => openTraining(gpu, task),
    };
    const row = await trainingRow(benchWith([copy]), tinyTraining);
    expectTimed(row);
    expect(row.others!['copy']!.seconds).toBeGreaterThan(0);
    expect(row.lossDifference).toBe(0);
    // Of one step, and of our training only: the copy holds as much again.
    const alone = await trainingRow(benchWith(), tinyTraining);
    expect(row.step).toEqual(alone.step);
    if (row.kernels) {
      const launches = row.kernels.reduce((sum, kernel) => sum + kernel.launches, 0);
      expect(launches).toBe(row.step!.dispatches);
    }
  });

  it('refuses a library that trains something else', async () => {
    const other: Library = {
      name: 'other',
      product: () => Promise.reject(new Error('not here')),
      training: (task) => openTraining(gpu, { ...task, learningRate: 0.1 }),
    };
    await expect(trainingRow(benchWith([other]), tinyTraining)).rejects.toThrow(
      'other trains something else: its loss at step 2',
    );
  });
});

it('measures task after task, and gives a document that can be read again', async () => {
  const tasks: Task[] = ['a', 'b'].map((name) => ({
    ...{ group: 'matmul', name },
    run: async (bench) => [await matmulRow(bench, { name, layout: 'nt', m: 16, n: 32, k: 32 })],
  }));
  const seen: string[] = [];
  const options: MeasureOptions = {
    gpu,
    tasks: () => tasks,
    patience: { budget: 0.01, longest: 60 },
    browser: 'node',
    ponder: null,
    onProgress: ({ done, total, next = 'end', measurement }) =>
      seen.push(`${done}/${total} ${next} ${measurement.rows.length} ${measurement.complete}`),
  };
  const result = await measure(options);
  expect(seen).toEqual(['0/2 a 0 false', '1/2 b 1 false', '2/2 end 2 true']);
  expect(readMeasurement(JSON.stringify(result), 'x')).toEqual(result);
  expect(result.kernels).toEqual(gpu.variants);
  expect(result.rows.every(({ share }) => share! > 0)).toBe(true);
  expect(result.adapter.description).not.toBe('');
});
