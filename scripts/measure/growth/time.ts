/** The seconds that a point takes on a device. */
import type { Gpu } from '../../../src/gpu/device.ts';
import type { Lifetime } from '../../../src/gpu/memory.ts';
import { ParameterPool } from '../../../src/model/parameter-pool.ts';
import { TrainingRunner } from '../../../src/model/batch-runner.ts';
import { Decoder } from '../../../src/model/decoder.ts';
import { LanguageModel } from '../../../src/model/language-model.ts';
import { initializeWeights } from '../../../src/rl/trainers/initialize.ts';
import { modelOf, GROUP, type Point } from './points.ts';
import { batchLimits, batchOf, decoderLimits, groupsOf, SAMPLING } from './programs.ts';

export interface Timed {
  /** Of each repetition: a forward and a backward pass. */
  update: number[];
  /** Of each repetition: a generation, divided by the tokens of one completion. */
  decode: number[];
  /** The device's ledger, without optimizer moments. */
  memory: Record<Lifetime, number>;
}

export async function timePoint(gpu: Gpu, point: Point, repetitions: number): Promise<Timed> {
  const model = LanguageModel.allocate(gpu, modelOf(point));
  initializeWeights(model, 0);
  const gradients = new ParameterPool(gpu, model.weights.layout, 'gradients', 'gradients');
  const runner = await TrainingRunner.create(model, batchLimits(point), gradients);
  const decoder = await Decoder.create(model, decoderLimits(point));
  const memory = { ...gpu.ledger };
  const batch = batchOf(point);
  const derivatives = new Float32Array(batch.targetRows.length).fill(1e-3);
  const update = async (): Promise<void> => {
    await runner.backward(await runner.forward(batch), derivatives);
    await gpu.idle();
  };
  const prompts = groupsOf(point).map(({ prompt }) => prompt);
  const streams = Uint32Array.from({ length: point.batch }, (_, i) => i);
  const { maxNewTokens } = decoderLimits(point);
  const decode = async (): Promise<unknown> =>
    decoder.generate(prompts, GROUP, { ...SAMPLING, maxNewTokens }, streams);
  const result: Timed = { update: [], decode: [], memory };
  // The first of each is not kept: it compiles pipelines and touches the memory for the first time.
  for (let i = 0; i <= repetitions; i++) {
    const [updated, decoded] = [await seconds(update), await seconds(decode)];
    if (i === 0) continue;
    result.update.push(updated);
    result.decode.push(decoded / maxNewTokens);
  }
  decoder.destroy();
  runner.destroy();
  gradients.destroy();
  model.destroy();
  return result;
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}
