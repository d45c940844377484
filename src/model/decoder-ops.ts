/** The programs of generation, prefill and one decoding step, and the buffers they share. */
import { Activation } from '../gpu/activations.ts';
import type { Op } from '../gpu/kernel.ts';
import { attention } from '../gpu/kernels/attention.ts';
import { forceEnd } from '../gpu/kernels/force-end.ts';
import { keepRows } from '../gpu/kernels/keep-rows.ts';
import { kvStore } from '../gpu/kernels/kv-store.ts';
import { sample } from '../gpu/kernels/sample.ts';
import type { Memory, View } from '../gpu/memory.ts';
import type { ModelConfig } from './config.ts';
import { decodeLayer, type CacheRows, type StepDims } from './decode-layer.ts';
import { nextLogits } from './heads.ts';
import type { LanguageModel } from './language-model.ts';
import {
  attentionShape,
  feedForward,
  kvWidth,
  layerActivations,
  layerOutput,
  spansOf,
  projectHeads,
  qkvWidth,
  qWidth,
  type RowDims,
} from './layers.ts';
import { embed, layerShape, rowInputs, type HostInputs } from './trunk.ts';

export interface DecoderLimits {
  /** Sequences generated at the same time: prompts times samples per prompt. */
  maxSequences: number;
  /** Tokens of all prompts together, each without its last one. */
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
  /** Tokens that end a sequence, besides the model's own: the tokenizer's end token. */
  stopIds?: readonly number[];
  /** Closes the thought that the prompts have opened. */
  thoughtEnd?: ThoughtEnd | undefined;
}

/**
 * A thought ends after `limit` tokens, or where the model would stop inside it: then the tokens of the
 * tag are written in place of drawn ones. A tag that the model has begun by then, it may complete.
 */
export interface ThoughtEnd {
  limit: number;
  /** Token ids of the closing tag. */
  tag: readonly number[];
  /**
   * u32 [ids]: how a token continues the tag's text of eight characters. Digit s, in base 16, is the
   * number of characters that are written after the token, if s were written before it.
   */
  next: Uint32Array;
}

/** The longest tag, in tokens: one for each of its characters, and one for a space before it. */
const LONGEST_TAG = 16;

/**
 * End tokens that the sampling kernel gets: it takes four. They only spare it work, because the host
 * ends a sequence at every one.
 */
const KERNEL_STOPS = 4;

/** Which rows of a whole cache belong to whom. */
export const cacheRows = ({ maxPromptTokens, maxNewTokens }: DecoderLimits): CacheRows => ({
  firstOwn: maxPromptTokens,
  ownRows: maxNewTokens,
});

/** Of packed prompts; see prompts.ts. */
export interface PromptDims extends Required<RowDims> {
  /** The prompts' rows of the cache. */
  cached: number;
}

export interface DecodeDims extends StepDims {
  sampling: SamplingOptions;
  /** Before this step, the rows in `DecoderBuffers.kept` move to the front. */
  repack?: boolean;
}

export class DecoderBuffers {
  readonly prefillInputs: HostInputs;
  readonly cacheSources: Activation; // [maxPromptTokens]; see kvStore
  readonly decodeInputs: { ids: Activation; spans: Activation };
  readonly logits: Activation; // [sequences, vocab]
  readonly tokens: Activation; // [sequences, maxNewTokens]
  readonly logps: Activation; // [sequences, maxNewTokens]
  readonly done: Activation; // [sequences]
  readonly streams: Activation; // [sequences]
  readonly kept: Activation; // [sequences]; see keepRows
  readonly thoughts: Activation; // [sequences]; see forceEnd
  readonly next: Activation; // [vocab]
  readonly tag: Activation;

  constructor(limits: DecoderLimits, config: ModelConfig) {
    const { maxSequences: n, maxNewTokens } = limits;
    this.prefillInputs = rowInputs(config, limits.maxPromptTokens);
    this.cacheSources = new Activation('cache sources', limits.maxPromptTokens, true);
    // The kernels of decoding find positions and windows in the spans of a whole cache.
    this.decodeInputs = {
      ids: new Activation('ids', n, true),
      spans: new Activation('spans', 4 * n, true),
    };
    this.logits = new Activation('logits', n * config.vocabSize);
    this.tokens = new Activation('tokens', n * maxNewTokens, true);
    this.logps = new Activation('logps', n * maxNewTokens, true);
    this.done = new Activation('done', n, true);
    this.streams = new Activation('streams', n, true);
    this.kept = new Activation('kept', n, true);
    this.thoughts = new Activation('thoughts', n, true);
    this.next = new Activation('thought end', config.vocabSize, true);
    this.tag = new Activation('closing tag', LONGEST_TAG, true);
  }
}

/** Fills the cache rows of the prompts. Nothing reads the output of the last layer. */
export function prefill(
  model: LanguageModel<Memory>,
  limits: DecoderLimits,
  buffers: DecoderBuffers,
  caches: readonly View[],
): Op<PromptDims>[] {
  const { config: c } = model;
  const shape = layerShape(model, limits.maxPromptTokens);
  const inputs = buffers.prefillInputs;
  let hidden = new Activation('prompt', limits.maxPromptTokens * c.hiddenSize);
  const ops: Op<PromptDims>[] = embed(model, inputs.ids, hidden);
  caches.forEach((cache, i) => {
    const s = layerActivations(shape, i, hidden);
    const layer = model.layer(i);
    ops.push(
      ...projectHeads<PromptDims>(shape, layer, s, inputs),
      kvStore<PromptDims>({
        ...{ qkv: s.qkv, cache, sources: buffers.cacheSources, rows: (d) => d.cached },
        ...{ qkvStride: qkvWidth(c), kOffset: qWidth(c) },
        ...{ width: kvWidth(c), cacheStride: 2 * kvWidth(c) },
      }),
    );
    if (i === caches.length - 1) return;
    ops.push(
      attention<PromptDims>({
        ...attentionShape(c, layer),
        ...{ q: s.qkv, qStride: qkvWidth(c), qOffset: 0 },
        ...{ kv: cache, kvStride: 2 * kvWidth(c), kOffset: 0, vOffset: kvWidth(c) },
        ...{ o: s.attended, lse: s.lse, spans: spansOf(layer, inputs), tokens: (d) => d.tokens },
      }),
      ...feedForward<PromptDims>(shape, layer, s),
      ...layerOutput<PromptDims>(shape, layer, s),
    );
    hidden = s.output;
  });
  return ops;
}

/** One token per sequence: input ids -> logits -> sampled ids, which are the next input ids. */
export function decodeStep(
  model: LanguageModel<Memory>,
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
  const { streams, done, kept, thoughts: states } = buffers;
  const ops: Op<DecodeDims>[] = [
    keepRows<DecodeDims>({
      ...{ ...inputs, streams, done, states, kept, rows },
      needed: (d) => !!d.repack,
    }),
    ...embed<DecodeDims>(model, inputs.ids, hidden),
  ];
  caches.forEach((cache, i) => {
    const s = layerActivations(shape, i, hidden);
    ops.push(
      ...decodeLayer<DecodeDims>(shape, model.layer(i), s, inputs, cache, cacheRows(limits)),
    );
    hidden = s.output;
  });
  const normed = new Activation('normed', limits.maxSequences * c.hiddenSize);
  return [
    ...ops,
    ...nextLogits<DecodeDims>(model, hidden, normed, buffers.logits, rows),
    sample<DecodeDims>({
      logits: buffers.logits,
      inverseTemperature: (d) => 1 / (d.sampling.temperature || 1),
      tokens: buffers.tokens,
      logps: buffers.logps,
      nextIds: inputs.ids,
      done,
      streams,
      rows,
      maxRows: limits.maxSequences,
      cols: c.vocabSize,
      // Temperature 0 means greedy: the most likely token.
      topK: (d) => (d.sampling.temperature === 0 ? 1 : d.sampling.topK),
      topP: (d) => d.sampling.topP,
      minP: (d) => d.sampling.minP,
      seed: (d) => d.sampling.seed,
      step,
      maxSteps: limits.maxNewTokens,
      eosIds: c.eosTokenIds.slice(0, KERNEL_STOPS),
      padId: c.padTokenId ?? 0,
    }),
    forceEnd<DecodeDims>({
      ...{ next: buffers.next, ending: buffers.tag, states },
      ...{ tokens: buffers.tokens, nextIds: inputs.ids, done, rows, step },
      endingLength: (d) => d.sampling.thoughtEnd?.tag.length ?? 0,
      limit: (d) => d.sampling.thoughtEnd?.limit ?? 0,
      maxSteps: limits.maxNewTokens,
      needed: (d) => d.sampling.thoughtEnd !== undefined,
    }),
  ];
}
