/**
 * The weights of one model on the GPU. What is computed with them is written elsewhere:
 * batch-runner.ts (whole sequences, forward and backward), decoder.ts (generation).
 */
import type { Gpu, View } from '../gpu/device.ts';
import type { ModelConfig } from './config.ts';
import { blockView, layerBlock, layoutParameters, type ParameterLayout } from './parameters.ts';
import type { LayerWeights } from './layers.ts';
import { inverseFrequencies } from './rope.ts';

/** Hugging Face name -> values, row-major. */
export type TensorMap = ReadonlyMap<string, Float32Array>;

export class LanguageModel {
  readonly layout: ParameterLayout;
  /** All weights, f32; see parameters.ts for what lies where. */
  readonly weights: View;
  /** [headDim / 2] inverse frequencies of the rotary embedding. */
  readonly frequencies: View;
  readonly gpu: Gpu;
  readonly config: ModelConfig;

  constructor(gpu: Gpu, config: ModelConfig) {
    this.gpu = gpu;
    this.config = config;
    this.layout = layoutParameters(config);
    this.weights = gpu.allocate('weights', 4 * this.layout.elements, 'weights');
    const frequencies = Float32Array.from(inverseFrequencies(config));
    this.frequencies = gpu.allocate('weights', frequencies.byteLength, 'rotary frequencies');
    gpu.upload(this.frequencies, frequencies);
  }

  /** Puts one tensor in its place; checkpoint.ts has compared names and shapes before. */
  setTensor(name: string, values: Float32Array, pool: View = this.weights): void {
    const parameter = this.layout.parameters.get(name);
    if (!parameter) throw new Error(`the model has no tensor called ${name}`);
    const { buffer, byteOffset } = pool;
    this.gpu.upload(
      {
        buffer,
        byteOffset: byteOffset + 4 * parameter.offset,
        byteLength: values.byteLength,
      },
      values,
    );
  }

  /** Puts all tensors of a map in their places in a pool laid out as the weights (moments, say). */
  setTensors(tensors: TensorMap, pool: View = this.weights): void {
    for (const [name, values] of tensors) {
      this.setTensor(name, values, pool);
    }
  }

  /** All tensors by their Hugging Face names, read back in one go. */
  async readTensors(): Promise<Map<string, Float32Array>> {
    return this.splitPool(await this.gpu.readFloats(this.weights));
  }

  /** Names the parts of a buffer that is laid out as the weights are (gradients, moments). */
  splitPool(pool: Float32Array): Map<string, Float32Array> {
    return new Map(
      [...this.layout.parameters.values()].map(({ name, shape, offset }) => [
        name,
        pool.slice(offset, offset + shape.reduce((a, b) => a * b, 1)),
      ]),
    );
  }

  copyWeightsFrom(other: LanguageModel): void {
    const encoder = this.gpu.device.createCommandEncoder();
    const bytes = this.weights.byteLength;
    encoder.copyBufferToBuffer(other.weights.buffer, 0, this.weights.buffer, 0, bytes);
    this.gpu.submit(encoder);
  }

  /** The weights (or, given their pool, the gradients) of one layer. */
  layer(index: number, pool: View = this.weights): LayerWeights {
    return (part) => blockView(this.layout, pool, layerBlock(index, part));
  }

  block(key: string, pool: View = this.weights, part?: { from: number; count: number }): View {
    return blockView(this.layout, pool, key, part);
  }

  /** The matrix that turns hidden states into logits. */
  get headBlock(): string {
    return this.config.tieWordEmbeddings ? 'embedding' : 'head';
  }

  destroy(): void {
    this.gpu.release('weights', this.weights);
    this.gpu.release('weights', this.frequencies);
  }
}
