/** What a caller says of the attention of one decoding step. */
import type { Bindable, Dyn } from '../kernel.ts';
import type { View } from '../memory.ts';
import type { Ring } from './ring.ts';

export interface DecodeAttention<D> {
  /** [tokens, (heads + 2 kvHeads) * headDim]: q | k | v of each token, as projected; overwritten. */
  qkv: Bindable;
  /** [*, 2 kvHeads * headDim]: k | v of earlier tokens, rotated. */
  cache: View;
  /**
   * vec4u (x, y, z, w) per token: it sees the cache rows [x, y) and [z, w + step), of which the last
   * gets its own k and v; their number gives its position. No token may see the last row of another.
   */
  spans: Bindable;
  /** f32 [rotaryDim / 2]; see `rope`. */
  frequencies: Bindable;
  /** As for `rope`. */
  rotaryDim?: number | undefined;
  ropeFactor?: number | undefined;
  /** The cache is that of a layer with a window; spans are those of a whole cache (see Ring). */
  ring?: Ring | undefined;
  /** [tokens, heads * headDim] */
  o: Bindable;
  tokens: Dyn<D>;
  maxTokens: number;
  step: Dyn<D>;
  heads: number;
  kvHeads: number;
  /** A multiple of 4. */
  headDim: number;
  /** Factor of the scores: 1 / sqrt(headDim) in most models. */
  scale: number;
  /** The norms of queries and keys. */
  norms?: HeadNorms | undefined;
  /** The adapter of a qkv that lacks the adapter's part. */
  adapter?: QkvAdapter | undefined;
  /**
   * The number of (query, key) pairs in all spans: it counts flops, and decides which kernel attends
   * and how many workgroups share the keys of a row.
   */
  pairs?: Dyn<D>;
  /** No token sees more keys, its own included; memory is planned for so many. */
  maxKeys: number;
  label?: string;
}

export interface HeadNorms {
  /**
   * head: of every head, with weights [headDim]. all: of the query heads together and of the key heads
   * together, with weights [heads * headDim] and [kvHeads * headDim].
   */
  of: 'head' | 'all';
  q: View;
  /** In the buffer of q. */
  k: View;
  eps: number;
}

/** qkv += h B^T for those of q, k and v that have an adapter; see LinearAdapter in lora.ts. */
export interface QkvAdapter {
  /** [tokens, parts * rank] */
  h: Bindable;
  /** [rows of all parts, rank] */
  b: View;
  rank: number;
  parts: readonly { row: number; rows: number; bRow: number }[];
}

/** Elements of q | k | v of one token. */
export const qkvWidth = <D>({ heads, kvHeads, headDim }: DecodeAttention<D>): number =>
  (heads + 2 * kvHeads) * headDim;
