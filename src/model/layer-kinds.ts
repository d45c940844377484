/** In what the layers of one model may differ: their rotary embedding and their window. */
import type { ModelConfig } from './config.ts';
import type { LayerNorms } from './families/family.ts';
import type { Rope } from './families/rope.ts';

/** The rotary embedding of a layer: that of most layers, that of sliding layers, or none. */
export type RopeKind = 'full' | 'sliding' | 'none';

export interface LayerKind {
  rope: RopeKind;
  /** A token attends to so many tokens, itself included; absent: to all before it. */
  window?: number;
}

export function layerKind(config: ModelConfig, layer: number): LayerKind {
  const { window, sliding, slidingRope, rotated } = config;
  const slides = window !== undefined && (sliding?.[layer] ?? true);
  const rope = sliding?.[layer] && slidingRope ? 'sliding' : 'full';
  return {
    rope: rotated?.[layer] === false ? 'none' : rope,
    ...(slides && { window }),
  };
}

/** The kinds of rotary embedding that a model has, and how each is computed. */
export function ropesOf(config: ModelConfig): ReadonlyMap<RopeKind, Rope | undefined> {
  const kinds = Array.from({ length: config.layers }, (_, layer) => layerKind(config, layer).rope);
  const ropes = { full: config, sliding: config.slidingRope, none: undefined };
  return new Map(kinds.map((kind) => [kind, ropes[kind]]));
}

const LLAMA_NORMS: LayerNorms = {
  inputNorm: 'input_layernorm',
  postNorm: 'post_attention_layernorm',
};

/** The norms that a layer has, by their names in a checkpoint. */
export const normsOf = ({ norms = LLAMA_NORMS }: ModelConfig): LayerNorms => norms;

/** Elements of a head that are rotated. */
export const rotaryDim = ({ rotaryDim, headDim }: ModelConfig): number => rotaryDim ?? headDim;
