/**
 * Where each weight of a checkpoint lives in the model's one weight buffer. Weights that are used
 * by one matmul (query, key and value; gate and up) are laid end to end, so that the matmul sees
 * them as one matrix; a checkpoint sees them under their Hugging Face names.
 * Gradients and optimizer moments use the same layout in buffers of their own.
 */
import type { View } from '../gpu/device.ts';
import type { ModelConfig } from './config.ts';

export interface Parameter {
  /** Hugging Face tensor name. */
  readonly name: string;
  readonly shape: readonly number[];
  /** In elements, from the start of the pool. */
  readonly offset: number;
}

/** One matrix (or vector) as the kernels see it. */
interface Block {
  readonly offset: number;
  readonly elements: number;
}

export interface ParameterLayout {
  readonly parameters: ReadonlyMap<string, Parameter>;
  readonly blocks: ReadonlyMap<string, Block>;
  /** Elements of the pool, alignment gaps included. */
  readonly elements: number;
}

/** WebGPU binds storage buffers at multiples of 256 bytes. */
const ALIGN_ELEMENTS = 64;

/** Names of the blocks of one layer. */
export const layerBlock = (layer: number, part: LayerPart): string => `${layer}.${part}`;
export type LayerPart =
  'inputNorm' | 'qkv' | 'qkvBias' | 'qNorm' | 'kNorm' | 'output' | 'postNorm' | 'gateUp' | 'down';

export function layoutParameters(config: ModelConfig): ParameterLayout {
  const parameters = new Map<string, Parameter>();
  const blocks = new Map<string, Block>();
  let end = 0;
  const block = (key: string, ...members: [name: string, ...shape: number[]][]): void => {
    const start = Math.ceil(end / ALIGN_ELEMENTS) * ALIGN_ELEMENTS;
    end = start;
    for (const [name, ...shape] of members) {
      parameters.set(name, { name, shape, offset: end });
      end += shape.reduce((a, b) => a * b, 1);
    }
    blocks.set(key, { offset: start, elements: end - start });
  };

  const { hiddenSize: d, intermediateSize: f, headDim } = config;
  const q = config.heads * headDim;
  const kv = config.kvHeads * headDim;
  block('embedding', ['model.embed_tokens.weight', config.vocabSize, d]);
  for (let layer = 0; layer < config.layers; layer++) {
    const at = `model.layers.${layer}.`;
    const key = (part: LayerPart): string => layerBlock(layer, part);
    block(key('inputNorm'), [`${at}input_layernorm.weight`, d]);
    block(
      key('qkv'),
      [`${at}self_attn.q_proj.weight`, q, d],
      [`${at}self_attn.k_proj.weight`, kv, d],
      [`${at}self_attn.v_proj.weight`, kv, d],
    );
    if (config.attentionBias) {
      block(
        key('qkvBias'),
        [`${at}self_attn.q_proj.bias`, q],
        [`${at}self_attn.k_proj.bias`, kv],
        [`${at}self_attn.v_proj.bias`, kv],
      );
    }
    if (config.qkNorm) {
      block(key('qNorm'), [`${at}self_attn.q_norm.weight`, headDim]);
      block(key('kNorm'), [`${at}self_attn.k_norm.weight`, headDim]);
    }
    block(key('output'), [`${at}self_attn.o_proj.weight`, d, q]);
    block(key('postNorm'), [`${at}post_attention_layernorm.weight`, d]);
    block(key('gateUp'), [`${at}mlp.gate_proj.weight`, f, d], [`${at}mlp.up_proj.weight`, f, d]);
    block(key('down'), [`${at}mlp.down_proj.weight`, d, f]);
  }
  block('norm', ['model.norm.weight', d]);
  if (config.kind === 'reward') block('score', ['score.weight', 1, d]);
  else if (!config.tieWordEmbeddings) block('head', ['lm_head.weight', config.vocabSize, d]);
  return { parameters, blocks, elements: Math.ceil(end / ALIGN_ELEMENTS) * ALIGN_ELEMENTS };
}

/** The part of `pool` that holds a block, or rows `from`..`to` of it. */
export function blockView(
  layout: ParameterLayout,
  pool: View,
  key: string,
  elements?: { from: number; count: number },
): View {
  const block = layout.blocks.get(key);
  if (!block) throw new Error(`the model has no ${key}`);
  return {
    buffer: pool.buffer,
    byteOffset: pool.byteOffset + 4 * (block.offset + (elements?.from ?? 0)),
    byteLength: 4 * (elements?.count ?? block.elements),
  };
}
