/** Generation in blocks, of which the next may be under way while one is read. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Gpu } from '../../src/gpu/device.ts';
import { GpuLostError } from '../../src/gpu/errors.ts';
import { openNodeGpu } from '../../src/gpu/node.ts';
import { Decoder, type Generation } from '../../src/model/decoder.ts';
import type { LanguageModel } from '../../src/model/language-model.ts';
import { CONFIGS, randomIds, randomModel } from '../random-model.ts';

const config = { ...CONFIGS['llama, tied']!, eosTokenIds: [1, 2, 3, 4] };
const prompts = [randomIds(config, 6, 1), randomIds(config, 1, 2)];
const limits = { maxSequences: 16, maxPromptTokens: 12, maxNewTokens: 40 };
/** Hot enough that a twentieth of all tokens end their sequence. */
const sampling = { temperature: 8, topK: 0, topP: 1, minP: 0, seed: 5, maxNewTokens: 40 };
const streams = Uint32Array.from({ length: 16 }, (_, i) => i);

let gpu: Gpu;
let model: LanguageModel;
let unhandled: unknown[];
const note = (reason: unknown): void => void unhandled.push(reason);
beforeEach(() => {
  unhandled = [];
  process.on('unhandledRejection', note);
});
afterEach(async () => {
  // Node tells of what nobody handled on the next turn.
  await new Promise((resolve) => setTimeout(resolve, 10));
  process.off('unhandledRejection', note);
  expect(unhandled).toEqual([]);
  gpu.close();
});

async function open(eosTokenIds = config.eosTokenIds, tokensPerBlock = 8): Promise<Decoder> {
  gpu = await openNodeGpu({ variants: { tokensPerBlock } });
  ({ model } = randomModel(gpu, { ...config, eosTokenIds }, 6));
  return Decoder.create(model, limits);
}

const idsOf = (groups: readonly (readonly Generation[])[]): number[][] =>
  groups.flat().map(({ ids }) => ids);

it('writes the same in blocks of any length', async () => {
  // Whole blocks, a part of a block, one block, one token.
  const lengths = [40, 19, 8, 1];
  const written: Generation[][][][] = [];
  for (const tokensPerBlock of [8, 3]) {
    const decoder = await open(config.eosTokenIds, tokensPerBlock);
    const all: Generation[][][] = [];
    for (const maxNewTokens of lengths) {
      all.push(await decoder.generate(prompts, 8, { ...sampling, maxNewTokens }, streams));
    }
    written.push(all);
    decoder.destroy();
    gpu.close();
  }
  expect(written[1]).toEqual(written[0]);
  lengths.forEach((max, i) => {
    const counts = idsOf(written[0]![i]!).map(({ length }) => length);
    expect(Math.max(...counts)).toBe(max);
    expect(Math.min(...counts)).toBeLessThan(9);
  });
});

it('ends at every stop token, of the model and of the call', async () => {
  const free = idsOf(await (await open([])).generate(prompts, 8, sampling, streams));
  gpu.close();
  const stops = [...new Set(free.flatMap((ids) => ids.slice(5, 30)))].slice(0, 6);
  const upTo = (ids: number[]): number[] => {
    const end = ids.findIndex((id) => stops.includes(id));
    return end < 0 ? ids : ids.slice(0, end + 1);
  };
  const decoder = await open(stops.slice(0, 5));
  const given = { ...sampling, stopIds: stops.slice(5) };
  const ended = idsOf(await decoder.generate(prompts, 8, given, streams));
  expect(ended).toEqual(free.map(upTo));
  expect(ended.map((ids) => ids.at(-1)).filter((id) => stops.slice(4).includes(id!))).not.toEqual(
    [],
  );
});

it('needs a submit for each block, and none for a readback', async () => {
  const decoder = await open([]);
  await gpu.idle();
  const before = { ...gpu.counters };
  const progress: number[] = [];
  const submitted: number[] = [];
  await decoder.generate(prompts, 8, { ...sampling, maxNewTokens: 19 }, streams, (share) => {
    progress.push(share);
    submitted.push(gpu.counters.submits - before.submits - 1);
  });
  // One for the prompts.
  expect(gpu.counters.submits - before.submits).toBe(1 + 3);
  expect(gpu.counters.readbacks - before.readbacks).toBe(3);
  expect(progress).toEqual([8 / 19, 16 / 19, 1]);
  expect(submitted).toEqual([2, 3, 3]);
});

it('ends when all sequences have ended in the first block', async () => {
  const first = await open([]);
  const greedy = { ...sampling, temperature: 0 };
  const ends = new Set(idsOf(await first.generate(prompts, 2, greedy, streams)).map((x) => x[3]!));
  gpu.close();
  const decoder = await open([...ends]);
  const { readbacks } = gpu.counters;
  const groups = await decoder.generate(prompts, 2, greedy, streams);
  expect(groups.flat().every(({ ids, finished }) => finished && ids.length <= 4)).toBe(true);
  expect(gpu.counters.readbacks - readbacks).toBe(2);
  // What is under way does not disturb the next generation.
  expect(await decoder.generate(prompts, 2, greedy, streams)).toEqual(groups);
});

it('reports that the device was lost', async () => {
  const decoder = await open();
  const writing = decoder.generate(prompts, 8, sampling, streams, () => gpu.device.destroy());
  await expect(writing).rejects.toThrow(GpuLostError);
});

it('stops when it is destroyed, and the device goes on', async () => {
  const decoder = await open();
  const { kv, activations } = gpu.ledger;
  const writing = decoder.generate(prompts, 8, sampling, streams, () => decoder.destroy());
  await expect(writing).rejects.toThrow(/was destroyed/);
  expect(kv * activations).toBeGreaterThan(0);
  expect(gpu.ledger).toMatchObject({ kv: 0, activations: 0 });
  const next = await Decoder.create(model, limits);
  expect(idsOf(await next.generate(prompts, 8, sampling, streams))).toHaveLength(16);
  await gpu.idle();
});

it('reads through two staging buffers in turn', async () => {
  const decoder = await open();
  const created = vi.spyOn(gpu.device, 'createBuffer');
  await decoder.generate(prompts, 8, sampling, streams);
  await decoder.generate(prompts, 8, sampling, streams);
  expect(gpu.counters.readbacks).toBeGreaterThan(5);
  expect(created.mock.calls.map(([{ label }]) => label)).toEqual(['readback', 'readback']);
});
