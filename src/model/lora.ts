/**
 * LoRA (Hu et al. 2021, arXiv 2106.09685): next to a frozen weight W [out, in] two small matrices
 * train, A [r, in] and B [out, r], and y = x W^T + (alpha / r) (x A^T) B^T. The factors of
 * projections that share a matmul (query, key and value; gate and up) lie end to end.
 */
import type { View } from '../gpu/memory.ts';
import type { ModelConfig } from './config.ts';
import type { ParameterPool } from './parameter-pool.ts';
import { CheckpointError } from './errors.ts';
import { layoutBlocks, type BlockSpec, type ParameterLayout } from './parameters.ts';
import { loraTensor, SCORE_TENSOR, type LoraConfig } from './peft.ts';
import {
  LINEAR_PARTS,
  projectionsOf,
  type LinearPart,
  type Member,
  type Projection,
} from './projections.ts';

export type { LoraConfig, Projection };

/** The factors of one linear layer as its matmuls read them. */
export interface LinearAdapter {
  /** [parts * rank, in] */
  a: View;
  /** [rows of all parts, rank] */
  b: View;
  rank: number;
  /** alpha / r */
  scale: number;
  /** In the order of `a`: which rows of the layer's output a part adds to, and where its B begins. */
  parts: readonly { row: number; rows: number; bRow: number }[];
}

const inputWidth = (config: ModelConfig, part: LinearPart): number =>
  part === 'output'
    ? config.heads * config.headDim
    : part === 'down'
      ? config.intermediateSize
      : config.hiddenSize;

export const factorBlock = (layer: number, part: LinearPart, factor: 'A' | 'B'): string =>
  `${layer}.${part}.${factor}`;

/** The projections that make up a fused one. */
const PARTS_OF: Partial<Record<Projection, readonly Projection[]>> = {
  qkv_proj: ['q_proj', 'k_proj', 'v_proj'],
  gate_up_proj: ['gate_proj', 'up_proj'],
};

/**
 * The adapted projections of a linear layer. A fused one is named itself, or by all its parts.
 * @throws CheckpointError when only some of its parts are named
 */
function adapted(config: ModelConfig, { targets }: LoraConfig, part: LinearPart): Member[] {
  return projectionsOf(config, part).filter(({ projection }) => {
    if (targets.includes(projection)) return true;
    const parts = PARTS_OF[projection];
    if (!parts?.some((name) => targets.includes(name))) return false;
    if (parts.every((name) => targets.includes(name))) return true;
    throw new CheckpointError(
      `this model has ${parts.join(', ')} in one projection, ${projection}; name all of them in the ` +
        'target modules of the adapter, or none',
    );
  });
}

/** The adapted projections of a layer, by the names that they have in this model. */
export const targetsOf = (config: ModelConfig, lora: LoraConfig): Projection[] =>
  LINEAR_PARTS.flatMap((part) => adapted(config, lora, part).map(({ projection }) => projection));

/** R, the width of x A^T: the ranks of the adapted projections of a linear layer together. */
export function adapterWidth(config: ModelConfig, lora: LoraConfig, part: LinearPart): number {
  return adapted(config, lora, part).length * lora.r;
}

/** All factors, and the score head of a classifier, in f32 and under their peft names. */
export function layoutAdapter(
  config: ModelConfig,
  lora: LoraConfig,
  pageLimit?: number,
): ParameterLayout {
  const specs: BlockSpec[] = [];
  for (let layer = 0; layer < config.layers; layer++) {
    for (const part of LINEAR_PARTS) {
      const members = adapted(config, lora, part);
      if (members.length === 0) continue;
      const width = inputWidth(config, part);
      const factor = (
        which: 'A' | 'B',
        shape: (member: Member) => readonly number[],
      ): BlockSpec => ({
        key: factorBlock(layer, part, which),
        storage: 'f32',
        members: members.map((member) => ({
          name: loraTensor(layer, member.projection, which),
          shape: shape(member),
        })),
      });
      specs.push(
        factor('A', () => [lora.r, width]),
        factor('B', ({ rows }) => [rows, lora.r]),
      );
    }
  }
  if (lora.task === 'SEQ_CLS') {
    const shape = [1, config.hiddenSize];
    specs.push({ key: 'score', storage: 'f32', members: [{ name: SCORE_TENSOR, shape }] });
  }
  return layoutBlocks(specs, pageLimit);
}

export function adapterPart(
  config: ModelConfig,
  lora: { config: LoraConfig; pool: ParameterPool },
  layer: number,
  part: LinearPart,
): LinearAdapter | undefined {
  const { r, alpha } = lora.config;
  let bRow = 0;
  const parts = adapted(config, lora.config, part).map(({ row, rows }) => {
    const place = { row, rows, bRow };
    bRow += rows;
    return place;
  });
  if (parts.length === 0) return undefined;
  return {
    a: lora.pool.block(factorBlock(layer, part, 'A')),
    b: lora.pool.block(factorBlock(layer, part, 'B')),
    rank: r,
    scale: alpha / r,
    parts,
  };
}
