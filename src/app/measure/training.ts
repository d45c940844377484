/** Training steps of a small language model on random tokens: forward, loss, backward, AdamW. */
import type { Gpu } from '../../gpu/device.ts';
import { heldBytes } from '../../gpu/memory.ts';
import { AdamW } from '../../model/adamw.ts';
import { TrainingRunner } from '../../model/batch-runner.ts';
import { packBatch } from '../../model/batch.ts';
import type { ModelConfig } from '../../model/config.ts';
import { LanguageModel } from '../../model/language-model.ts';
import { sftLoss } from '../../rl/objectives/sft.ts';
import { median, pattern } from './arithmetic.ts';
import type { Bench, Training, TrainingTask } from './bench.ts';
import { Counter } from './counts.ts';
import type { OtherResult, Row } from './measurement.ts';
import { llamaOf, matrixNumbers, parameterCount, randomTensors, sizesOfModel } from './models.ts';
import { profileOf, timeInTurn } from './timing.ts';

interface TrainingShape {
  readonly name: string;
  readonly config: ModelConfig;
  readonly batch: number;
  readonly length: number;
}

export const trainingShapes: readonly TrainingShape[] = [
  {
    name: '0.5M',
    config: llamaOf({
      ...{ vocabSize: 256, hiddenSize: 128, intermediateSize: 384, layers: 2 },
      ...{ heads: 4, kvHeads: 4, headDim: 32 },
    }),
    batch: 8,
    length: 64,
  },
  {
    name: '5M',
    config: llamaOf({
      ...{ vocabSize: 1024, hiddenSize: 256, intermediateSize: 768, layers: 6 },
      ...{ heads: 4, kvHeads: 4, headDim: 64 },
    }),
    batch: 8,
    length: 128,
  },
];

export function trainingTask({ config, batch, length }: TrainingShape): TrainingTask {
  const draws = pattern(batch * (length + 1), 5);
  const ids = Array.from(draws, (x) => Math.floor(((x + 1) / 2) * config.vocabSize));
  return {
    config,
    length,
    sequences: Array.from({ length: batch }, (_, i) =>
      ids.slice(i * (length + 1), (i + 1) * (length + 1)),
    ),
    tensors: new Map(randomTensors(config)),
    learningRate: 1e-3,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    weightDecay: 0.01,
  };
}

/** Forward and backward: each matrix, and attention, three times. */
function trainingFlops({ config, batch, length }: TrainingShape): number {
  const pairs = (length * (length + 1)) / 2;
  const attention = 4 * config.layers * config.heads * config.headDim * pairs;
  return 3 * batch * (2 * matrixNumbers(config) * length + attention);
}

/** Losses of two correct libraries differ by rounding only. */
const TOLERANCE = 1e-3;

export async function trainingRow(bench: Bench, shape: TrainingShape): Promise<Row> {
  const { config, batch, length } = shape;
  const base = {
    group: 'training',
    name: `${shape.name}, ${batch} x ${length} tokens`,
    sizes: sizesOfModel(config),
  } as const;
  const flops = trainingFlops(shape);
  const tooLong = bench.tooLong('ponder', flops);
  if (tooLong) return { ...base, skipped: tooLong };
  const task = trainingTask(shape);
  const held = (): number => heldBytes(bench.gpu.ledger);
  const before = held();
  const names = ['ponder'];
  const trainings = [await openTraining(bench.gpu, task)];
  const ownBytes = held() - before;
  const others: Record<string, OtherResult> = {};
  for (const library of bench.libraries) {
    if (!library.training) continue;
    const skipped = bench.tooLong(library.name, flops);
    if (skipped) {
      others[library.name] = { skipped };
    } else {
      names.push(library.name);
      trainings.push(await library.training(task));
    }
  }
  for (const training of trainings) await training.run(1);
  const timed = await timeInTurn(trainings, bench.budget);
  timed.forEach(({ seconds }, i) => {
    if (i > 0) others[names[i]!] = { seconds: median(seconds), timings: seconds.length };
  });
  const own = timed[0]!;
  const seconds = median(own.seconds);
  const lossDifference = largestDifference(trainings, names);
  // Weights are read forward and twice backward, with their gradients once written and read; AdamW
  // reads and writes weights and moments.
  const bytes = 4 * parameterCount(config) * (3 + 2 + 6);
  const counter = new Counter([bench.gpu], held() - ownBytes);
  await own.work.run(1);
  const counts = counter.perStep(1);
  const times = await profileOf([bench.gpu], () => own.work.run(1));
  const row: Row = {
    ...base,
    ...(await bench.numbers(own, flops, bytes)),
    tokensPerSecond: (batch * length) / seconds,
    step: counts,
    ...(lossDifference !== undefined && { lossDifference }),
    ...(Object.keys(others).length > 0 && { others }),
    ...(times && { kernels: times[0]!.kernels }),
  };
  for (const training of trainings) training.free();
  return row;
}

/**
 * The largest difference of the losses of a step, relative to the loss; undefined for one library.
 * @throws Error when the libraries do not do the same
 */
function largestDifference(
  trainings: readonly Training[],
  names: readonly string[],
): number | undefined {
  const [own, ...others] = trainings;
  let largest: number | undefined;
  others.forEach(({ losses }, i) => {
    losses.slice(0, own!.losses.length).forEach((loss, step) => {
      const mine = own!.losses[step]!;
      const difference = Math.abs(loss - mine) / mine;
      largest = Math.max(largest ?? 0, difference);
      if (!(difference <= TOLERANCE)) {
        throw new Error(
          `${names[i + 1]!} trains something else: its loss at step ${step + 1} is ${loss}, not ${mine}`,
        );
      }
    });
  });
  return largest;
}

export async function openTraining(gpu: Gpu, task: TrainingTask): Promise<Training> {
  const { config, sequences, length, weightDecay, learningRate, beta1, beta2, epsilon } = task;
  const model = LanguageModel.allocate(gpu, config);
  model.weights.setTensors(task.tensors);
  const optimizer = await AdamW.create(model, {
    ...{ beta1, beta2, epsilon, weightDecay },
    maxGradNorm: 0,
  });
  const targets = sequences.length * length;
  const limits = { maxTokens: targets, maxTargets: targets };
  const runner = await TrainingRunner.create(model, limits, optimizer.gradients);
  const batch = packBatch(
    sequences.map((ids) => ({ prompt: ids.slice(0, 1), completions: [ids.slice(1)] })),
    'completion',
  );
  const losses: number[] = [];
  return {
    losses,
    async run(count) {
      for (let i = 0; i < count; i++) {
        const pass = await runner.forward(batch);
        const { loss, dLogp } = sftLoss(pass.values, targets);
        await runner.backward(pass, Float32Array.from(dLogp));
        await optimizer.step(learningRate);
        losses.push(loss);
      }
    },
    free() {
      runner.destroy();
      optimizer.destroy();
      model.destroy();
    },
  };
}
