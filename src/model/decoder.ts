/**
 * Batched generation with a KV cache. The prompts are prefilled once, packed (prompts.ts); the samples of
 * a group share their prompt's rows of the cache and add rows of their own:
 *   cache row r < promptRows: token r of the prompts, one after another
 *   cache row promptRows + s * maxNewTokens + t: input t of sequence s
 * A prompt's last token is not prefilled: it is the first input of each of its samples, so that the
 * first sampled token is no special case. Sampling happens on the GPU. The host submits blocks of
 * several steps, the next one before it reads the tokens of the last, and sequences that have ended
 * leave the batch between two blocks.
 */
import type { Activation } from '../gpu/activations.ts';
import type { View } from '../gpu/memory.ts';
import { Program, type Readback } from '../gpu/program.ts';
import type {
  DecodeDims,
  DecoderBuffers,
  DecoderLimits,
  PromptDims,
  SamplingOptions,
  ThoughtEnd,
} from './decoder-ops.ts';
import { planDecoder } from './decoder-plan.ts';
import type { LanguageModel } from './language-model.ts';
import { packPrompts, type PackedPrompts } from './prompts.ts';
import {
  appendTokens,
  startSequences,
  toGeneration,
  type BlockRows,
  type Generation,
  type Sequence,
} from './sequences.ts';
import { uploadRows } from './trunk.ts';

export type { Generation };

/** While the host reads the tokens of one block, the device writes the next. */
const BLOCKS_UNDER_WAY = 2;

/** A token that ends the text, whatever was before it (force-end.wgsl). */
const STOPS = 0xffffffff;

/** Ended sequences leave the batch when at most this share of its sequences is unfinished. */
const WORTH_REPACKING = 0.95;

/** Decoding steps that are submitted, and not yet read. */
interface Block extends BlockRows {
  readonly sampled: Readback;
}

export class Decoder {
  private destroyed = false;

  private constructor(
    readonly model: LanguageModel,
    readonly limits: DecoderLimits,
    private readonly buffers: DecoderBuffers,
    private readonly prefill: Program<PromptDims>,
    private readonly decode: Program<DecodeDims>,
    private readonly activations: readonly View[],
    private readonly caches: readonly View[],
  ) {}

  static async create(model: LanguageModel, limits: DecoderLimits): Promise<Decoder> {
    const { gpu } = model;
    const { buffers, prefillOps, decodeOps, activations, caches } = planDecoder(model, limits);
    return new Decoder(
      model,
      limits,
      buffers,
      await Program.compile(gpu, prefillOps),
      await Program.compile(gpu, decodeOps, gpu.variants.tokensPerBlock),
      activations,
      caches,
    );
  }

  /**
   * Samples `samplesPerPrompt` continuations of each prompt (token ids); returns them by prompt.
   * `streams` has the random stream of each sequence: the same seed and stream give the same tokens
   * with any other sequences in the batch. A stop token ends its sequence, and stays its last.
   * A tag that closes a thought (ThoughtEnd) is written on the GPU too.
   * `onProgress` is called every few tokens with the share
   * of maxNewTokens that is done and the sequences so far.
   * @throws Error when a prompt is empty or the prompts exceed `limits`, or when the decoder is
   * destroyed before the end
   */
  async generate(
    prompts: readonly (readonly number[])[],
    samplesPerPrompt: number,
    sampling: SamplingOptions,
    streams: Uint32Array,
    onProgress?: (share: number, written: Generation[][]) => void,
  ): Promise<Generation[][]> {
    const sequences = startSequences(prompts, samplesPerPrompt, streams, this.limits);
    this.useLengths(prompts, sampling.maxNewTokens);
    const packed = packPrompts(prompts, this.model.config.window);
    this.uploadPrompts(packed, sequences.length);
    await this.prefill.run(packed.dims);

    const stops = new Set([...this.model.config.eosTokenIds, ...(sampling.stopIds ?? [])]);
    const written = (): Generation[][] =>
      prompts.map((_, p) =>
        sequences.slice(p * samplesPerPrompt, (p + 1) * samplesPerPrompt).map(toGeneration),
      );
    /** The rows of the next block. */
    let rows: readonly Sequence[] = sequences;
    this.uploadRows(rows);
    if (sampling.thoughtEnd) this.uploadThoughtEnd(sampling.thoughtEnd, stops);
    const { maxNewTokens } = sampling;
    const blocks: Block[] = [];
    let steps = 0;
    let repack = false;
    for (;;) {
      while (blocks.length < BLOCKS_UNDER_WAY && steps < maxNewTokens) {
        const block = await this.submitBlock(rows, steps, sampling, repack);
        blocks.push(block);
        steps += block.count;
        repack = false;
      }
      const block = blocks.shift();
      if (!block) break;
      appendTokens(block, await block.sampled.data, this.limits.maxNewTokens, stops);
      onProgress?.((block.first + block.count) / maxNewTokens, written());
      const unfinished = rows.filter((sequence) => !sequence.finished);
      if (unfinished.length === 0) break;
      if (steps < maxNewTokens && unfinished.length <= WORTH_REPACKING * rows.length) {
        this.uploadKept(rows, unfinished);
        rows = unfinished;
        repack = true;
      }
    }
    const groups = written();
    this.model.gpu.counters.flops +=
      this.prefill.flops(packed.dims) + this.decodedFlops(prompts, groups, sampling);
    return groups;
  }

  /** Counts each token up to the end of its sequence once. */
  private decodedFlops(
    prompts: readonly (readonly number[])[],
    groups: readonly (readonly Generation[])[],
    sampling: SamplingOptions,
  ): number {
    const { window = Infinity } = this.model.config;
    let flops = 0;
    for (let step = 0; step < sampling.maxNewTokens; step++) {
      const alive = groups.map((g) => g.filter(({ ids }) => ids.length > step).length);
      const tokens = alive.reduce((sum, n) => sum + n, 0);
      const seen = (most: number): number =>
        alive.reduce((sum, n, p) => sum + n * Math.min(most, prompts[p]!.length + step), 0);
      const dims = { tokens, pairs: seen(Infinity), windowPairs: seen(window), step, sampling };
      if (tokens > 0) flops += this.decode.flops(dims);
    }
    return flops;
  }

  destroy(): void {
    this.destroyed = true;
    this.prefill.destroy();
    this.decode.destroy();
    const { gpu } = this.model;
    for (const view of this.activations) gpu.release('activations', view);
    for (const view of this.caches) gpu.release('kv', view);
  }

  /**
   * The cache keeps keys as they were rotated first, so that the frequencies may not change on the
   * way (dynamic and longrope scaling).
   */
  private useLengths(prompts: readonly (readonly number[])[], maxNewTokens: number): void {
    const { ropes } = this.model;
    if (!ropes.dependOnLength) return;
    const lengths = prompts.map((prompt) => prompt.length);
    const [shortest, longest] = [Math.min(...lengths), Math.max(...lengths)];
    if (!ropes.areSame(shortest, longest + maxNewTokens)) {
      throw new Error(
        `the rotary embedding of this model changes between ${shortest} and ` +
          `${longest + maxNewTokens} tokens, the lengths of this generation; write fewer tokens ` +
          '(max_completion_length), or keep the prompts of a batch on one side of the change',
      );
    }
    ropes.useLength(longest);
  }

  private uploadPrompts(packed: PackedPrompts, sequences: number): void {
    const { maxSequences, maxPromptTokens } = this.limits;
    const { dims, sources, ...rows } = packed;
    if (sequences > maxSequences || dims.cached > maxPromptTokens) {
      throw new Error(
        `${sequences} sequences with ${dims.cached} prompt tokens do not fit: memory is planned for ` +
          `${maxSequences} and ${maxPromptTokens}; shorten the prompts, or raise max_prompt_length`,
      );
    }
    const { gpu } = this.model;
    uploadRows(gpu, this.buffers.prefillInputs, rows);
    if (dims.cached > 0) gpu.upload(viewOf(this.buffers.cacheSources), sources);
  }

  /** From here on row i of every decoding step is `sequences[i]`. */
  private uploadRows(sequences: readonly Sequence[]): void {
    const { gpu } = this.model;
    const b = this.buffers;
    this.throwIfDestroyed();
    const rows: [Activation, Uint32Array][] = [
      [b.decodeInputs.ids, Uint32Array.from(sequences, (s) => s.input)],
      [b.decodeInputs.spans, Uint32Array.from(sequences.flatMap((s) => s.span))],
      [b.streams, Uint32Array.from(sequences, (s) => s.stream)],
      [b.done, new Uint32Array(sequences.length)],
      [b.thoughts, new Uint32Array(sequences.length)],
    ];
    for (const [activation, data] of rows) gpu.upload(viewOf(activation), data);
  }

  private uploadThoughtEnd({ next, tag }: ThoughtEnd, stops: ReadonlySet<number>): void {
    const { gpu, config } = this.model;
    const table = new Uint32Array(config.vocabSize);
    table.set(next);
    for (const id of stops) table[id] = STOPS;
    gpu.upload(viewOf(this.buffers.next), table);
    gpu.upload(viewOf(this.buffers.tag), Uint32Array.from(tag));
  }

  /** The rows that stay when the next block begins. */
  private uploadKept(rows: readonly Sequence[], kept: readonly Sequence[]): void {
    this.throwIfDestroyed();
    const places = new Map(rows.map((sequence, row) => [sequence, row]));
    this.model.gpu.upload(
      viewOf(this.buffers.kept),
      Uint32Array.from(kept, (sequence) => places.get(sequence)!),
    );
  }

  private async submitBlock(
    rows: readonly Sequence[],
    first: number,
    sampling: SamplingOptions,
    repack: boolean,
  ): Promise<Block> {
    const { tokensPerBlock } = this.model.gpu.variants;
    const count = Math.min(tokensPerBlock, sampling.maxNewTokens - first);
    const { window = Infinity } = this.model.config;
    const seen = (most: number, step: number): number =>
      rows.reduce((sum, { position }) => sum + Math.min(most, position + 1 + step), 0);
    const runs = Array.from({ length: count }, (_, i) => ({
      tokens: rows.length,
      pairs: seen(Infinity, first + i),
      windowPairs: seen(window, first + i),
      step: first + i,
      sampling,
      repack: repack && i === 0,
    }));
    const elements = rows.length * this.limits.maxNewTokens;
    const views = [part(this.buffers.tokens, elements), part(this.buffers.logps, elements)];
    return { rows, first, count, sampled: await this.decode.runAndRead(views, ...runs) };
  }

  private throwIfDestroyed(): void {
    if (this.destroyed) throw new Error('the decoder was destroyed while it was writing');
  }
}

const viewOf = (activation: Activation): View => activation.view as View;
const part = (activation: Activation, elements: number): View => ({
  ...viewOf(activation),
  byteLength: 4 * elements,
});
