/**
 * What a model family says about itself: how it differs from Llama, and which values transformers
 * takes for fields that its config.json lacks. This folder reads a config.json through `Fields` and
 * imports nothing else of src/model.
 */
import type { Fields, Sizes } from './fields.ts';
import type { Rope, RopeFields } from './rope.ts';

/**
 * The norms of a layer by their names in a checkpoint. inputNorm and postNorm stand before attention
 * and before the feed-forward part, the other two behind them, before the residual is added.
 */
export interface LayerNorms {
  inputNorm?: string;
  attentionOutNorm?: string;
  postNorm?: string;
  feedForwardOutNorm?: string;
}

/** How a model differs from Llama. What is absent is as in Llama. */
export interface Differences {
  /** Of the gate of the feed-forward part; absent: silu. */
  activation?: 'gelu_tanh';
  norms?: LayerNorms;
  /** Norms multiply by 1 + weight. On the GPU lies this sum; loading and saving add and subtract 1. */
  normsAddOne?: true;
  /** Biases on the query, key and value projections. */
  attentionBias?: boolean;
  /** RMSNorm of queries and keys: of every head, or of all heads together. */
  qkNorm?: 'head' | 'all';
  /** q, k and v are one tensor (qkv_proj), and gate and up are one (gate_up_proj). */
  fused?: true;
  /** A token attends to so many tokens, itself included, in the layers that slide. */
  window?: number;
  /** By layer. Absent: with a window, all layers slide. */
  sliding?: readonly boolean[];
  /** The rotary embedding of the layers that slide, if they have one of their own. */
  slidingRope?: Rope;
  /** By layer: queries and keys are rotated. Absent: in all layers. */
  rotated?: readonly boolean[];
  /** The first so many elements of a head are rotated; absent: all. */
  rotaryDim?: number;
  /** Factor of the attention scores; absent: 1 / sqrt(headDim). */
  attentionScale?: number;
  /** Factors of the embeddings, of what a layer's two parts add to the residual, and of the logits. */
  embeddingScale?: number;
  residualScale?: number;
  logitScale?: number;
}

export interface Family {
  /** `model_type` of config.json. */
  modelType: string;
  /** Its classes in transformers. */
  causal: string;
  reward: string;
  /** transformers' defaults for fields that a config.json may lack. */
  defaults: {
    maxPositions: number;
    rmsNormEps?: number;
    tieWordEmbeddings?: boolean;
    headDim?: number;
  };
  /** Its field for the activation; absent: hidden_act. */
  activationField?: 'hidden_activation';
  rope: (fields: Fields, sizes: Sizes) => RopeFields;
  read?: (fields: Fields, sizes: Sizes) => Differences;
  /** The fields of config.json that `rope` and `read` read. */
  write?: (config: Differences & RopeFields & Sizes) => Record<string, unknown>;
}

/** `layer_types` as which layers slide; `byDefault` decides where the field is absent. */
export function readSliding(
  fields: Fields,
  layers: number,
  byDefault: (layer: number) => boolean,
): boolean[] {
  const types = fields.get('layer_types') ?? undefined;
  if (types === undefined) return Array.from({ length: layers }, (_, i) => byDefault(i));
  const known = ['full_attention', 'sliding_attention'];
  if (!Array.isArray(types) || !types.every((type) => known.includes(type as string))) {
    throw fields.unsupported('layer_types', known.join(' and '));
  }
  if (types.length !== layers) {
    throw fields.error('layer_types', `must have one entry for each of ${layers} layers`);
  }
  return types.map((type) => type === 'sliding_attention');
}

/** Window and sliding layers; no difference if none slides. */
export const windowOf = (
  window: number,
  sliding: readonly boolean[],
): Pick<Differences, 'window' | 'sliding'> => (sliding.includes(true) ? { window, sliding } : {});

export const layerTypes = ({ sliding }: Differences, layers: number): string[] =>
  Array.from({ length: layers }, (_, i) => (sliding?.[i] ? 'sliding_attention' : 'full_attention'));

/** Refuses windows in a family that has none. */
export function withoutWindow(fields: Fields): Differences {
  if (fields.flag('use_sliding_window')) throw fields.unsupported('use_sliding_window', 'false');
  const types = fields.get('layer_types') ?? [];
  if (!Array.isArray(types) || types.some((type) => type !== 'full_attention')) {
    throw fields.unsupported('layer_types', 'full_attention');
  }
  return {};
}
