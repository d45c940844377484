/**
 * LoRA (Hu et al. 2021, arXiv 2106.09685): next to a frozen weight W [out, in] two small matrices
 * train, A [r, in] and B [out, r], and y = x W^T + (alpha / r) (x A^T) B^T. The factors of
 * projections that share a matmul (query, key and value; gate and up) lie end to end.
 */
import type { View } from '../gpu/memory.ts';
import type { ModelConfig } from './config.ts';
import type { ParameterPool } from './parameter-pool.ts';
import {
  layoutBlocks,
  type BlockSpec,
  type LinearPart,
  type ParameterLayout,
} from './parameters.ts';
import { loraTensor, SCORE_TENSOR, type LoraConfig, type Projection } from './peft.ts';

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

interface Member {
  projection: Projection;
  row: number;
  rows: number;
}

/** The projections of a linear layer, one after the other along its output. */
function membersOf(config: ModelConfig, part: LinearPart): Member[] {
  const q = config.heads * config.headDim;
  const kv = config.kvHeads * config.headDim;
  const { hiddenSize: d, intermediateSize: f } = config;
  switch (part) {
    case 'qkv':
      return [
        { projection: 'q_proj', row: 0, rows: q },
        { projection: 'k_proj', row: q, rows: kv },
        { projection: 'v_proj', row: q + kv, rows: kv },
      ];
    case 'output':
      return [{ projection: 'o_proj', row: 0, rows: d }];
    case 'gateUp':
      return [
        { projection: 'gate_proj', row: 0, rows: f },
        { projection: 'up_proj', row: f, rows: f },
      ];
    case 'down':
      return [{ projection: 'down_proj', row: 0, rows: d }];
  }
}

const inputWidth = (config: ModelConfig, part: LinearPart): number =>
  part === 'output'
    ? config.heads * config.headDim
    : part === 'down'
      ? config.intermediateSize
      : config.hiddenSize;

const PARTS: readonly LinearPart[] = ['qkv', 'output', 'gateUp', 'down'];

export const factorBlock = (layer: number, part: LinearPart, factor: 'A' | 'B'): string =>
  `${layer}.${part}.${factor}`;

function adapted(config: ModelConfig, lora: LoraConfig, part: LinearPart): Member[] {
  return membersOf(config, part).filter(({ projection }) => lora.targets.includes(projection));
}

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
    for (const part of PARTS) {
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
