/**
 * Batched generation with a KV cache. The prompts are prefilled once, packed; the samples of a group
 * share their prompt's rows of the cache and add rows of their own:
 *   cache row r < promptRows: token r of the packed prompts
 *   cache row promptRows + s * maxNewTokens + t: input t of sequence s
 * A prompt's last token is not prefilled: it is the first input of each of its samples, so that the
 * first sampled token needs no case of its own. Sampling happens on the GPU; the host looks only
 * every few tokens, to see whether all sequences have ended.
 */
import { Activation, planActivations } from '../gpu/activations.ts';
import type { View } from '../gpu/device.ts';
import type { Op } from '../gpu/kernel.ts';
import { attentionDecode } from '../gpu/kernels/attention-decode.ts';
import { attention } from '../gpu/kernels/attention.ts';
import { kvStore } from '../gpu/kernels/kv-store.ts';
import { matmul } from '../gpu/kernels/matmul.ts';
import { rmsNorm } from '../gpu/kernels/rms-norm.ts';
import { sample } from '../gpu/kernels/sample.ts';
import { softmax } from '../gpu/kernels/softmax.ts';
import { Program } from '../gpu/program.ts';
import type { LanguageModel } from './language-model.ts';
import {
  attentionShape,
  finishLayer,
  kvWidth,
  layerActivations,
  projectHeads,
  qkvWidth,
  qWidth,
  type LayerShape,
  type RowDims,
} from './layers.ts';
import { embed, rowInputs, uploadRows, type Trunk } from './trunk.ts';

export interface DecoderLimits {
  /** Sequences generated side by side: prompts times samples each. */
  maxSequences: number;
  /** All prompts together, in tokens. */
  maxPromptTokens: number;
  maxNewTokens: number;
}

export interface SamplingOptions {
  temperature: number;
  /** 0 switches it off. */
  topK: number;
  /** 1 switches it off. */
  topP: number;
  /** 0 switches it off. */
  minP: number;
  seed: number;
  maxNewTokens: number;
}

export interface Generation {
  /** Generated ids, the stop token included; without it the sequence was cut off. */
  ids: number[];
  /** Log-prob of each id under logits / temperature, no filter applied. */
  logps: number[];
  /** Ended by a stop token. */
  finished: boolean;
}

/** A sequence ends after any of these; the token is kept. The kernel looks for four. */
const stopIds = (model: LanguageModel): number[] => model.config.eosTokenIds.slice(0, 4);

/** Tokens generated between two looks at the host. */
const TOKENS_PER_READBACK = 8;

interface DecodeDims extends RowDims {
  step: number;
  sampling: SamplingOptions;
}

export class Decoder {
  private constructor(
    readonly model: LanguageModel,
    readonly limits: DecoderLimits,
    private readonly buffers: DecoderBuffers,
    private readonly prefill: Program<RowDims>,
    private readonly decode: Program<DecodeDims>,
    private readonly owned: readonly View[],
  ) {}

  static async create(model: LanguageModel, limits: DecoderLimits): Promise<Decoder> {
    const { gpu, config: c } = model;
    const buffers = new DecoderBuffers(limits, c.vocabSize);
    const cacheRows = limits.maxPromptTokens + limits.maxSequences * limits.maxNewTokens;
    const caches = Array.from({ length: c.layers }, (_, layer) =>
      gpu.allocate('kv', 4 * cacheRows * 2 * kvWidth(c), `kv ${layer}`),
    );
    const prefillOps = prefill(model, limits, buffers, caches);
    const decodeOps = decodeStep(model, limits, buffers, caches);
    const owned = planActivations<never>(gpu, prefillOps, decodeOps);
    return new Decoder(
      model,
      limits,
      buffers,
      await Program.compile(gpu, prefillOps),
      await Program.compile(gpu, decodeOps, TOKENS_PER_READBACK),
      [...owned, ...caches],
    );
  }

  /**
   * Samples `samplesPerPrompt` continuations of each prompt (token ids). `streams` name the random
   * streams, one per sequence: the same seed and stream give the same tokens whatever else is in
   * the batch. `onProgress` hears the share of maxNewTokens done.
   */
  async generate(
    prompts: readonly (readonly number[])[],
    samplesPerPrompt: number,
    sampling: SamplingOptions,
    streams: Uint32Array,
    onProgress?: (share: number) => void,
  ): Promise<Generation[][]> {
    const { gpu } = this.model;
    const sequences = prompts.length * samplesPerPrompt;
    const { promptRows } = this.upload(prompts, samplesPerPrompt, streams);
    if (promptRows > 0) this.prefill.run({ tokens: promptRows });
    this.uploadDecodeInputs(prompts, samplesPerPrompt);

    let steps = 0;
    while (steps < sampling.maxNewTokens) {
      const count = Math.min(TOKENS_PER_READBACK, sampling.maxNewTokens - steps);
      const runs = Array.from({ length: count }, (_, i) => ({
        tokens: sequences,
        step: steps + i,
        sampling,
      }));
      this.decode.run(...runs);
      steps += count;
      onProgress?.(steps / sampling.maxNewTokens);
      if (steps >= sampling.maxNewTokens) break;
      const [done] = await gpu.read(part(this.buffers.done, sequences));
      if (new Uint32Array(done as ArrayBuffer).every((flag) => flag === 1)) break;
    }

    const stride = this.limits.maxNewTokens;
    const [tokenBytes, logpBytes] = await gpu.read(
      part(this.buffers.tokens, sequences * stride),
      part(this.buffers.logps, sequences * stride),
    );
    const tokens = new Uint32Array(tokenBytes as ArrayBuffer);
    const logps = new Float32Array(logpBytes as ArrayBuffer);
    const stops = new Set(stopIds(this.model));
    const all = Array.from({ length: sequences }, (_, s): Generation => {
      const ids = tokens.subarray(s * stride, s * stride + steps);
      const stop = ids.findIndex((id) => stops.has(id));
      const length = stop < 0 ? steps : stop + 1;
      return {
        ids: [...ids.subarray(0, length)],
        logps: [...logps.subarray(s * stride, s * stride + length)],
        finished: stop >= 0,
      };
    });
    return prompts.map((_, p) => all.slice(p * samplesPerPrompt, (p + 1) * samplesPerPrompt));
  }

  destroy(): void {
    this.prefill.destroy();
    this.decode.destroy();
    for (const view of this.owned) view.buffer.destroy();
  }

  private upload(
    prompts: readonly (readonly number[])[],
    samplesPerPrompt: number,
    streams: Uint32Array,
  ): { promptRows: number } {
    const { gpu } = this.model;
    const { maxSequences, maxPromptTokens } = this.limits;
    const rows = prompts.flatMap((prompt) => prompt.slice(0, -1));
    const sequences = prompts.length * samplesPerPrompt;
    if (sequences > maxSequences || rows.length > maxPromptTokens) {
      throw new Error(
        `${sequences} sequences with ${rows.length} prompt tokens do not fit into the ` +
          `${maxSequences} and ${maxPromptTokens} planned for`,
      );
    }
    if (prompts.some((prompt) => prompt.length === 0)) throw new Error('a prompt is empty');
    const positions: number[] = [];
    const spans: number[] = [];
    for (const prompt of prompts) {
      const start = positions.length;
      for (let t = 0; t < prompt.length - 1; t++) {
        positions.push(t);
        spans.push(start, start, start, start + t + 1);
      }
    }
    const b = this.buffers;
    uploadRows(gpu, b.prefillInputs, {
      ids: Uint32Array.from(rows),
      positions: Uint32Array.from(positions),
      spans: Uint32Array.from(spans),
    });
    gpu.upload(viewOf(b.streams), streams);
    gpu.upload(viewOf(b.done), new Uint32Array(sequences));
    return { promptRows: rows.length };
  }

  private uploadDecodeInputs(
    prompts: readonly (readonly number[])[],
    samplesPerPrompt: number,
  ): void {
    const { gpu } = this.model;
    const { maxPromptTokens, maxNewTokens } = this.limits;
    const ids: number[] = [];
    const positions: number[] = [];
    const spans: number[] = [];
    let prefixStart = 0;
    for (const prompt of prompts) {
      const prefixEnd = prefixStart + prompt.length - 1;
      for (let g = 0; g < samplesPerPrompt; g++) {
        const own = maxPromptTokens + ids.length * maxNewTokens;
        ids.push(prompt.at(-1) as number);
        positions.push(prompt.length - 1);
        spans.push(prefixStart, prefixEnd, own, own + 1);
      }
      prefixStart = prefixEnd;
    }
    uploadRows(gpu, this.buffers.decodeInputs, {
      ids: Uint32Array.from(ids),
      positions: Uint32Array.from(positions),
      spans: Uint32Array.from(spans),
    });
  }
}

const viewOf = (activation: Activation): View => activation.view as View;
const part = (activation: Activation, elements: number): View => ({
  ...viewOf(activation),
  byteLength: 4 * elements,
});

class DecoderBuffers {
  readonly prefillInputs: Trunk['inputs'];
  readonly decodeInputs: Trunk['inputs'];
  readonly logits: Activation; // [sequences, vocab]
  readonly probs: Activation; // [sequences, vocab]
  readonly tokens: Activation; // [sequences, maxNewTokens]
  readonly logps: Activation; // [sequences, maxNewTokens]
  readonly done: Activation; // [sequences]
  readonly streams: Activation; // [sequences]

  constructor(limits: DecoderLimits, vocabSize: number) {
    const { maxSequences: n, maxNewTokens } = limits;
    this.prefillInputs = rowInputs(limits.maxPromptTokens);
    this.decodeInputs = rowInputs(n);
    this.logits = new Activation('logits', n * vocabSize);
    this.probs = new Activation('probs', n * vocabSize);
    this.tokens = new Activation('tokens', n * maxNewTokens, true);
    this.logps = new Activation('logps', n * maxNewTokens, true);
    this.done = new Activation('done', n, true);
    this.streams = new Activation('streams', n, true);
  }
}

/** Fills the cache rows of the packed prompts. The last layer's own output is of no use here. */
function prefill(
  model: LanguageModel,
  limits: DecoderLimits,
  buffers: DecoderBuffers,
  caches: readonly View[],
): Op<RowDims>[] {
  const { config: c } = model;
  const shape = layerShape(model, limits.maxPromptTokens);
  const inputs = buffers.prefillInputs;
  let hidden = new Activation('prompt', limits.maxPromptTokens * c.hiddenSize);
  const ops: Op<RowDims>[] = [embed(model, inputs.ids, hidden)];
  caches.forEach((cache, i) => {
    const s = layerActivations(shape, i, hidden);
    ops.push(
      ...projectHeads<RowDims>(shape, model.layer(i), s, inputs),
      store<RowDims>(model, s.qkv, cache, inputs.spans),
    );
    if (i === caches.length - 1) return;
    ops.push(
      attention<RowDims>({
        ...attentionArguments(model, s.qkv, cache, s.attended, inputs.spans),
        lse: s.lse,
        tokens: (d) => d.tokens,
      }),
      ...finishLayer<RowDims>(shape, model.layer(i), s),
    );
    hidden = s.output;
  });
  return ops;
}

/** One token for every sequence: input ids -> logits -> sampled ids, which are the next inputs. */
function decodeStep(
  model: LanguageModel,
  limits: DecoderLimits,
  buffers: DecoderBuffers,
  caches: readonly View[],
): Op<DecodeDims>[] {
  const { config: c } = model;
  const shape = layerShape(model, limits.maxSequences);
  const inputs = buffers.decodeInputs;
  const step = (d: DecodeDims): number => d.step;
  const rows = (d: DecodeDims): number => d.tokens;
  let hidden = new Activation('hidden', limits.maxSequences * c.hiddenSize);
  const ops: Op<DecodeDims>[] = [embed(model, inputs.ids, hidden)];
  caches.forEach((cache, i) => {
    const s = layerActivations(shape, i, hidden);
    ops.push(
      ...projectHeads<DecodeDims>(shape, model.layer(i), s, inputs, step),
      store<DecodeDims>(model, s.qkv, cache, inputs.spans, step),
      attentionDecode<DecodeDims>({
        ...attentionArguments(model, s.qkv, cache, s.attended, inputs.spans),
        tokens: rows,
        step,
      }),
      ...finishLayer<DecodeDims>(shape, model.layer(i), s),
    );
    hidden = s.output;
  });
  const normed = new Activation('normed', limits.maxSequences * c.hiddenSize);
  return [
    ...ops,
    rmsNorm<DecodeDims>({
      x: hidden,
      weight: model.block('norm'),
      y: normed,
      rows,
      cols: c.hiddenSize,
      eps: c.rmsNormEps,
    }),
    matmul<DecodeDims>({
      layout: 'nt',
      a: normed,
      b: model.block(model.headBlock),
      c: buffers.logits,
      m: rows,
      n: c.vocabSize,
      k: c.hiddenSize,
      label: 'logits',
    }),
    softmax<DecodeDims>({
      x: buffers.logits,
      y: buffers.probs,
      rows,
      cols: c.vocabSize,
      inverseTemperature: (d) => 1 / (d.sampling.temperature || 1),
    }),
    sample<DecodeDims>({
      probs: buffers.probs,
      tokens: buffers.tokens,
      logps: buffers.logps,
      nextIds: inputs.ids,
      done: buffers.done,
      streams: buffers.streams,
      rows,
      cols: c.vocabSize,
      // Temperature 0 is the most likely token.
      topK: (d) => (d.sampling.temperature === 0 ? 1 : d.sampling.topK),
      topP: (d) => d.sampling.topP,
      minP: (d) => d.sampling.minP,
      seed: (d) => d.sampling.seed,
      step,
      maxSteps: limits.maxNewTokens,
      eosIds: stopIds(model),
      padId: c.padTokenId ?? 0,
    }),
  ];
}

function layerShape(model: LanguageModel, maxTokens: number): LayerShape {
  return { config: model.config, maxTokens, frequencies: model.frequencies };
}

function store<D extends RowDims>(
  model: LanguageModel,
  qkv: Activation,
  cache: View,
  spans: Activation,
  step?: (d: D) => number,
): Op<D> {
  const { config: c } = model;
  return kvStore<D>({
    qkv,
    cache,
    spans,
    rows: (d) => d.tokens,
    qkvStride: qkvWidth(c),
    kOffset: qWidth(c),
    vOffset: qWidth(c) + kvWidth(c),
    width: kvWidth(c),
    cacheStride: 2 * kvWidth(c),
    ...(step && { step }),
  });
}

function attentionArguments(
  model: LanguageModel,
  q: Activation,
  kv: View,
  o: Activation,
  spans: Activation,
) {
  const { config: c } = model;
  return {
    q,
    kv,
    o,
    spans,
    ...attentionShape(c),
    qStride: qkvWidth(c),
    qOffset: 0,
    kvStride: 2 * kvWidth(c),
    kOffset: 0,
    vOffset: kvWidth(c),
  };
}
