/**
 * The projections of a layer and the linear layers that they make up: those that share an input lie
 * in one matrix, one after the other along its output.
 */
import type { ModelConfig } from './config.ts';

/** The four linear layers of a layer. */
export type LinearPart = 'qkv' | 'output' | 'gateUp' | 'down';

export const LINEAR_PARTS: readonly LinearPart[] = ['qkv', 'output', 'gateUp', 'down'];

/** Names of projections in Hugging Face models. */
export const PROJECTIONS = [
  ...(['q_proj', 'k_proj', 'v_proj', 'o_proj'] as const),
  ...(['gate_proj', 'up_proj', 'down_proj'] as const),
] as const;

/** One tensor for those that share an input (Phi-3). */
const FUSED = ['qkv_proj', 'gate_up_proj'] as const;

export const ALL_PROJECTIONS = [...PROJECTIONS, ...FUSED] as const;
export type Projection = (typeof ALL_PROJECTIONS)[number];

export interface Member {
  projection: Projection;
  /** Its first row in the linear layer. */
  row: number;
  rows: number;
}

export function projectionsOf(config: ModelConfig, part: LinearPart): Member[] {
  const q = config.heads * config.headDim;
  const kv = config.kvHeads * config.headDim;
  const { hiddenSize: d, intermediateSize: f, fused } = config;
  switch (part) {
    case 'qkv':
      return fused
        ? [{ projection: 'qkv_proj', row: 0, rows: q + 2 * kv }]
        : [
            { projection: 'q_proj', row: 0, rows: q },
            { projection: 'k_proj', row: q, rows: kv },
            { projection: 'v_proj', row: q + kv, rows: kv },
          ];
    case 'output':
      return [{ projection: 'o_proj', row: 0, rows: d }];
    case 'gateUp':
      return fused
        ? [{ projection: 'gate_up_proj', row: 0, rows: 2 * f }]
        : [
            { projection: 'gate_proj', row: 0, rows: f },
            { projection: 'up_proj', row: f, rows: f },
          ];
    case 'down':
      return [{ projection: 'down_proj', row: 0, rows: d }];
  }
}

/** The module of a layer that has the projection. */
export const groupOf = (projection: Projection): 'mlp' | 'self_attn' =>
  /gate|up|down/.test(projection) ? 'mlp' : 'self_attn';
