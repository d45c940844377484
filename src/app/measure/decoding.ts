/** Tokens per second that a random model writes, at several batch sizes. */
import { heldBytes } from '../../gpu/memory.ts';
import { storageBytes } from '../../gpu/storage.ts';
import { Decoder } from '../../model/decoder.ts';
import type { ModelConfig } from '../../model/config.ts';
import type { WeightStorage } from '../../model/parameters.ts';
import { median } from './arithmetic.ts';
import type { Bench } from './bench.ts';
import { Counter } from './counts.ts';
import type { Row } from './measurement.ts';
import { matrixNumbers, randomModel, sizesOfModel, small2M, smol135M } from './models.ts';
import { profileOf } from './timing.ts';

interface DecodingTask {
  readonly model: string;
  readonly config: ModelConfig;
  readonly storage: WeightStorage;
  readonly batches: readonly number[];
}

const BATCHES = [1, 8, 64];
const PROMPT = 64;
/** Tokens of a sequence; a multiple of the tokens that the decoder reads at a time. */
const TOKENS = 24;
const ROUNDS = 3;

/** Below this multiply-add rate the 135M model would take too long. */
const ENOUGH_FOR_135M = 200e9;

/** The task that suits a card of this multiply-add rate. */
export function decodingTask(rate: number): DecodingTask {
  return rate >= ENOUGH_FOR_135M
    ? {
        ...{ model: '135M, bf16', config: smol135M, batches: BATCHES },
        storage: { layers: 'bf16', tables: 'bf16' },
      }
    : {
        ...{ model: '2M, f32', config: small2M, batches: BATCHES },
        storage: { layers: 'f32', tables: 'f32' },
      };
}

/** One row for each batch size; the batch sizes are timed in turn. */
export async function decodingRows(bench: Bench, task: DecodingTask): Promise<Row[]> {
  const { model, config, storage, batches } = task;
  const { gpu } = bench;
  const held = (): number => heldBytes(gpu.ledger);
  const before = held();
  const weights = randomModel(gpu, config, { storage });
  const shared = held() - before;
  const decoders: Decoder[] = [];
  /** The weights, and what each decoder has of its own. */
  const bytes: number[] = [];
  for (const batch of batches) {
    const limits = { maxSequences: batch, maxPromptTokens: PROMPT, maxNewTokens: TOKENS };
    const others = held() - shared;
    decoders.push(await Decoder.create(weights, limits));
    bytes.push(held() - others);
  }
  const seconds: number[][] = batches.map(() => []);
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [i, decoder] of decoders.entries()) {
      const steps = await write(decoder, batches[i]!);
      // The first round warms up.
      if (round > 0) seconds[i]!.push(...steps);
    }
  }
  const rows: Row[] = [];
  for (const [i, batch] of batches.entries()) {
    const step = median(seconds[i]!);
    const counter = new Counter([gpu], held() - bytes[i]!);
    await write(decoders[i]!, batch);
    const counts = counter.perStep(TOKENS);
    const times = await profileOf([gpu], () => write(decoders[i]!, batch));
    rows.push({
      ...{ group: 'decoding', name: `${model}, batch ${batch}`, sizes: sizesOfModel(config) },
      seconds: step,
      timings: seconds[i]!.length,
      ...stepWork(task, batch),
      tokensPerSecond: batch / step,
      step: counts,
      ...(times && { kernels: perStep(times[0]!.kernels) }),
    });
  }
  for (const decoder of decoders) decoder.destroy();
  weights.destroy();
  return rows;
}

/** Writes TOKENS tokens after one prompt; the seconds of a step, by what is read at a time. */
async function write(decoder: Decoder, batch: number): Promise<number[]> {
  const { vocabSize } = decoder.model.config;
  const prompt = Array.from({ length: PROMPT + 1 }, (_, i) => (17 * i + 3) % vocabSize);
  const sampling = { temperature: 1, topK: 0, topP: 1, minP: 0, seed: 1 };
  const reports: Report[] = [];
  await decoder.generate(
    [prompt],
    batch,
    { ...sampling, maxNewTokens: TOKENS },
    Uint32Array.from({ length: batch }, (_, i) => i),
    (share) => reports.push({ at: performance.now(), tokens: share * TOKENS }),
  );
  return secondsPerToken(reports);
}

/** Tokens of a sequence that were there at a time (performance.now, milliseconds). */
interface Report {
  at: number;
  tokens: number;
}

/** Between each report and the one before it. The first also has the prompt, and does not count. */
export function secondsPerToken(reports: readonly Report[]): number[] {
  return reports.slice(1).map(({ at, tokens }, i) => {
    const before = reports[i]!;
    return (at - before.at) / 1000 / (tokens - before.tokens);
  });
}

/** Operations and bytes of one step in the middle: weights once, and the keys and values it reads. */
export function stepWork(
  { config, storage }: Pick<DecodingTask, 'config' | 'storage'>,
  batch: number,
): { flops: number; bytes: number } {
  const { layers, heads, kvHeads, headDim, hiddenSize, vocabSize } = config;
  const own = TOKENS / 2;
  const head = hiddenSize * vocabSize;
  const flops = batch * (2 * matrixNumbers(config) + 4 * layers * heads * headDim * (PROMPT + own));
  const cached = 4 * layers * 2 * kvHeads * headDim * (PROMPT + batch * own);
  const bytes =
    storageBytes(storage.layers, matrixNumbers(config) - head) +
    storageBytes(storage.tables, head) +
    cached;
  return { flops, bytes };
}

function perStep(kernels: Row['kernels']): NonNullable<Row['kernels']> {
  return kernels!.map((kernel) => ({
    label: kernel.label,
    launches: kernel.launches / TOKENS,
    seconds: kernel.seconds / TOKENS,
    flops: kernel.flops / TOKENS,
  }));
}
