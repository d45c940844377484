/** Attention for decoding: one query per sequence over a KV cache. */
import { op, resolve, type Kernel, type Op } from '../kernel.ts';
import { tiled, tileGrid, tilingOf, vec4s } from './attention-tiling.ts';
import { pairFlops, queryParams, queryParamTypes, type Queries } from './attention.ts';
import togetherCode from './attention-decode.wgsl?raw';
import aloneCode from './attention.wgsl?raw';

const alone = {
  name: 'attention-decode-alone',
  code: aloneCode,
  bindings: ['read', 'read', 'read', 'write'],
  params: queryParamTypes,
  cut: 'x',
} as const satisfies Kernel;

const together = {
  ...alone,
  name: 'attention-decode',
  code: togetherCode,
  cut: 'y',
} as const satisfies Kernel;

/**
 * Writes the o of `attention`, without lse, for one query per sequence and many keys.
 * If a head fits into one invocation (see `tilingOf`), that invocation takes all keys of its query;
 * else a workgroup of 64 invocations shares them.
 */
export function attentionDecode<D>(a: Queries<D>): Op<D> {
  const launch = {
    label: a.label,
    bindings: [a.q, a.kv, a.spans, a.o],
    params: queryParams(a),
    flops: pairFlops(a),
  };
  const headVecs = vec4s(a.headDim);
  const shape = tilingOf(a.headDim, a.heads / a.kvHeads, 'shared');
  const tiling = { ...shape, shared: false, rows: 1, tiles: 16 };
  if (tiling.slices === 1) {
    return op<D, typeof queryParamTypes>(tiled(alone, tiling, { LSE: false }), {
      ...launch,
      grid: tileGrid(a.tokens, a.heads, tiling),
    });
  }
  return op<D, typeof queryParamTypes>(together, {
    ...launch,
    constants: { HEAD_VECS: headVecs, SPLITS: Math.floor(64 / headVecs) },
    grid: (dims) => [a.heads, resolve(a.tokens, dims)],
  });
}
