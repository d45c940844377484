/**
 * Where each weight of a checkpoint is stored on the GPU. Weights that share a matmul (query, key
 * and value; gate and up) follow one another and form one matrix, a block; a checkpoint has them as
 * single tensors with Hugging Face names. Blocks fill pages, which are buffers that a kernel can
 * bind. A block that is larger than a page is cut between rows into pieces. Vectors (norm gains and
 * biases) have pages of their own, because weight decay does not apply to them.
 * Gradients and optimizer moments use the same layout in buffers of their own.
 */
import { rowUnit, storageBytes, type Storage } from '../gpu/storage.ts';
import type { ModelConfig } from './config.ts';
import { CheckpointError } from './errors.ts';
import type { LayerNorms } from './families/family.ts';
import { normsOf } from './layer-kinds.ts';
import { groupOf, projectionsOf, type LinearPart } from './projections.ts';

export interface Parameter {
  /** Hugging Face tensor name. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly block: string;
  /** Its first row in the block. */
  readonly row: number;
  /** A checkpoint has it less 1. */
  readonly addOne: boolean;
}

/** Rows of a block that lie in one page. */
interface Piece {
  readonly page: number;
  readonly byteOffset: number;
  readonly firstRow: number;
  readonly rows: number;
}

/** One matrix as the kernels see it; a vector is a matrix of one column. */
export interface Block {
  readonly storage: Storage;
  readonly rows: number;
  readonly cols: number;
  readonly pieces: readonly Piece[];
}

interface Page {
  /** Alignment gaps included. */
  readonly bytes: number;
  /** What lies here: vectors (norm gains and biases), or matrices. */
  readonly holds: 'vectors' | 'matrices';
}

export interface ParameterLayout {
  readonly parameters: ReadonlyMap<string, Parameter>;
  readonly blocks: ReadonlyMap<string, Block>;
  readonly pages: readonly Page[];
}

export interface BlockSpec {
  readonly key: string;
  /** A checkpoint has its members less 1. */
  readonly addOne?: boolean;
  /** In order; the matrices of a block have rows of the same length. */
  readonly members: readonly { name: string; shape: readonly number[] }[];
  readonly storage: Storage;
  /** May be cut between rows into several buffers; false for those that a matmul reads whole. */
  readonly divisible?: boolean;
}

/** How weights are stored; norms and biases are always f32. */
export interface WeightStorage {
  /** The matrices of the layers. */
  layers: Storage;
  /** The embedding and the language-model head. */
  tables: 'f32' | 'f16' | 'bf16';
}

export const ALL_F32: WeightStorage = { layers: 'f32', tables: 'f32' };

/** A block is cut at multiples of this many rows, if a page holds as many. */
const TILE_ROWS = 64;

/** WebGPU binds storage buffers at multiples of 256 bytes. */
const ALIGN = 256;

/** Names of the blocks of one layer. */
export const layerBlock = (layer: number, part: LayerPart): string => `${layer}.${part}`;
export type NormPart = keyof LayerNorms;
export type VectorPart = NormPart | 'qkvBias' | 'qNorm' | 'kNorm';
type LayerPart = LinearPart | VectorPart;

/**
 * Places blocks one after the other in pages of at most `pageLimit` bytes, vectors apart from
 * matrices.
 * @throws CheckpointError when a block that may not be cut, or a row, is larger than that
 */
export function layoutBlocks(specs: readonly BlockSpec[], pageLimit = Infinity): ParameterLayout {
  const parameters = new Map<string, Parameter>();
  const blocks = new Map<string, Block>();
  const pages: { bytes: number; holds: Page['holds'] }[] = [];
  const limit = Math.floor(pageLimit / ALIGN) * ALIGN;
  for (const { key, members, storage, divisible, addOne = false } of specs) {
    const [, cols = 1] = members[0]!.shape;
    const holds = members[0]!.shape.length === 1 ? 'vectors' : 'matrices';
    let rows = 0;
    for (const { name, shape } of members) {
      parameters.set(name, { name, shape, block: key, row: rows, addOne });
      rows += shape[0]!;
    }
    const stored = cols % rowUnit(storage) === 0 ? storage : 'f32';
    const rowBytes = storageBytes(stored, cols);
    const least = rowBytes * (divisible ? 1 : rows);
    if (least > limit) {
      throw new CheckpointError(
        `${members.map(({ name }) => name).join(' and ')} needs ${megabytes(least)} in one piece, ` +
          `and this graphics card takes ${megabytes(limit)}; choose a smaller model, or train an ` +
          'adapter over weights in fewer bits (use_peft and load_in_4bit)',
      );
    }
    const pieces: Piece[] = [];
    for (let firstRow = 0; firstRow < rows;) {
      const wanted = rows - firstRow;
      const most = Math.floor(limit / rowBytes);
      // Cut between whole tiles of a matmul, so that it can write four logits at a time.
      const whole = most > TILE_ROWS ? most - (most % TILE_ROWS) : most;
      const fits = wanted <= most ? wanted : whole;
      const bytes = Math.ceil((fits * rowBytes) / ALIGN) * ALIGN;
      let index = pages.findLastIndex((page) => page.holds === holds);
      if (index < 0 || pages[index]!.bytes + bytes > limit) {
        index = pages.push({ bytes: 0, holds }) - 1;
      }
      const page = pages[index]!;
      pieces.push({ page: index, byteOffset: page.bytes, firstRow, rows: fits });
      page.bytes += bytes;
      firstRow += fits;
    }
    blocks.set(key, { storage: stored, rows, cols, pieces });
  }
  return { parameters, blocks, pages };
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toPrecision(3)} MB`;

/** The layout of all weights of a model; throws as `layoutBlocks`. */
export function layoutParameters(
  config: ModelConfig,
  storage: WeightStorage = ALL_F32,
  pageLimit?: number,
): ParameterLayout {
  const specs: BlockSpec[] = [];
  const block = (
    key: string,
    stored: Storage,
    ...members: [name: string, ...shape: number[]][]
  ): void => {
    const named = members.map(([name, ...shape]) => ({ name, shape }));
    const divisible = key === 'embedding' || key === 'head';
    const addOne = config.normsAddOne === true && /norm$/i.test(key);
    specs.push({ key, members: named, storage: stored, divisible, addOne });
  };
  const { hiddenSize: d, intermediateSize: f, headDim } = config;
  const q = config.heads * headDim;
  const kv = config.kvHeads * headDim;
  block('embedding', storage.tables, ['model.embed_tokens.weight', config.vocabSize, d]);
  for (let layer = 0; layer < config.layers; layer++) {
    const at = `model.layers.${layer}.`;
    const matrix = (part: LinearPart, ...members: [string, number, number][]): void =>
      block(layerBlock(layer, part), storage.layers, ...members);
    const vector = (part: VectorPart, ...members: [string, number][]): void =>
      block(layerBlock(layer, part), 'f32', ...members);
    const norm = (part: NormPart): void => {
      const name = normsOf(config)[part];
      if (name) vector(part, [`${at}${name}.weight`, d]);
    };
    const linear = (part: LinearPart, width: number): void =>
      matrix(
        part,
        ...projectionsOf(config, part).map(({ projection, rows }): [string, number, number] => [
          `${at}${groupOf(projection)}.${projection}.weight`,
          rows,
          width,
        ]),
      );
    norm('inputNorm');
    linear('qkv', d);
    if (config.attentionBias) {
      vector(
        'qkvBias',
        [`${at}self_attn.q_proj.bias`, q],
        [`${at}self_attn.k_proj.bias`, kv],
        [`${at}self_attn.v_proj.bias`, kv],
      );
    }
    if (config.qkNorm) {
      const all = config.qkNorm === 'all';
      vector('qNorm', [`${at}self_attn.q_norm.weight`, all ? q : headDim]);
      vector('kNorm', [`${at}self_attn.k_norm.weight`, all ? kv : headDim]);
    }
    linear('output', q);
    norm('attentionOutNorm');
    norm('postNorm');
    linear('gateUp', d);
    linear('down', f);
    norm('feedForwardOutNorm');
  }
  block('norm', 'f32', ['model.norm.weight', d]);
  if (config.kind === 'reward') block('score', 'f32', ['score.weight', 1, d]);
  else if (!config.tieWordEmbeddings) {
    block('head', storage.tables, ['lm_head.weight', config.vocabSize, d]);
  }
  return layoutBlocks(specs, pageLimit);
}
