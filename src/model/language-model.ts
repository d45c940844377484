/**
 * The weights of one model on the GPU, and the adapter that may train on top of them. Other files
 * compute with them: batch-runner.ts (whole sequences, forward and backward), decoder.ts
 * (generation).
 */
import type { Gpu } from '../gpu/device.ts';
import type { Memory } from '../gpu/memory.ts';
import { asRewardConfig, type ModelConfig } from './config.ts';
import { layerKind } from './layer-kinds.ts';
import type { LayerWeights } from './layers.ts';
import { adapterPart, layoutAdapter, type LoraConfig } from './lora.ts';
import { ParameterPool } from './parameter-pool.ts';
import { ALL_F32, layerBlock, layoutParameters, type WeightStorage } from './parameters.ts';
import { RopeTables } from './rope-tables.ts';

export interface ModelOptions {
  /** How the weights are stored. Weights that train must be f32. */
  storage?: WeightStorage;
  /** Train the factors of this adapter in place of the weights, which are frozen. */
  lora?: LoraConfig | undefined;
}

/** With a `MemoryPlan` as its memory, a model has sizes and a layout, but no values. */
export class LanguageModel<M extends Memory = Gpu> {
  private constructor(
    readonly gpu: M,
    readonly config: ModelConfig,
    readonly weights: ParameterPool,
    readonly ropes: RopeTables,
    readonly lora: { readonly config: LoraConfig; readonly pool: ParameterPool } | undefined,
    /** false: the weights belong to another model, which destroys them. */
    private readonly ownsWeights = true,
  ) {}

  /**
   * Allocates the weights of a model and of its adapter, all zero.
   * @throws CheckpointError when a matrix is larger than a buffer of this memory can be
   */
  static allocate<M extends Memory>(
    memory: M,
    config: ModelConfig,
    { storage = ALL_F32, lora }: ModelOptions = {},
  ): LanguageModel<M> {
    const limit = memory.maxBinding;
    const layout = layoutParameters(config, storage, limit);
    const weights = new ParameterPool(memory, layout, 'weights', 'weights');
    const ropes = new RopeTables(memory, config);
    const adapter = lora && allocateAdapter(memory, config, lora);
    return new LanguageModel(memory, config, weights, ropes, adapter);
  }

  /** A model over the same weights, without the adapter. */
  withoutAdapter(): LanguageModel<M> {
    return new LanguageModel(
      ...([this.gpu, this.config, this.weights, this.ropes] as const),
      undefined,
      false,
    );
  }

  /** The same model, for planning: `memory` counts what is allocated for it. */
  countedBy<P extends Memory>(memory: P): LanguageModel<P> {
    return new LanguageModel(memory, this.config, this.weights, this.ropes, this.lora, false);
  }

  /** A model over the same weights, with another adapter, all zero. */
  withAdapter(lora: LoraConfig): LanguageModel<M> {
    const config = lora.task === 'SEQ_CLS' ? asRewardConfig(this.config) : this.config;
    return new LanguageModel(
      ...([this.gpu, config, this.weights, this.ropes] as const),
      allocateAdapter(this.gpu, config, lora),
      false,
    );
  }

  /** The weights that an optimizer updates: the adapter if there is one, else all weights. */
  get trainable(): ParameterPool {
    return this.lora?.pool ?? this.weights;
  }

  layer(index: number): LayerWeights {
    const { config, weights, ropes, lora } = this;
    const { rope, window } = layerKind(config, index);
    return {
      ...{ rotates: rope !== 'none', rope: ropes.of(rope), window },
      vector: (part) => weights.block(layerBlock(index, part)),
      linear: (part) => {
        const block = weights.layout.blocks.get(layerBlock(index, part))!;
        const adapter = lora && adapterPart(config, lora, index, part);
        return {
          weight: weights.block(layerBlock(index, part)),
          in: block.cols,
          out: block.rows,
          // These two add to the residual.
          ...(config.residualScale !== undefined &&
            (part === 'output' || part === 'down') && { scale: config.residualScale }),
          ...(adapter && { adapter }),
        };
      },
    };
  }

  /** The block that turns hidden states into logits. */
  get headBlock(): 'embedding' | 'head' {
    return this.config.tieWordEmbeddings ? 'embedding' : 'head';
  }

  destroy(): void {
    this.lora?.pool.destroy();
    if (!this.ownsWeights) return;
    this.weights.destroy();
    this.ropes.destroy();
  }
}

function allocateAdapter(
  memory: Memory,
  model: ModelConfig,
  config: LoraConfig,
): NonNullable<LanguageModel<Memory>['lora']> {
  const layout = layoutAdapter(model, config, memory.maxBinding);
  return { config, pool: new ParameterPool(memory, layout, 'weights', 'adapter') };
}
