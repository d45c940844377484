/** Attention for decoding: few queries, many keys. */
import { op, resolve, type Kernel, type Op } from '../kernel.ts';
import code from './attention-decode.wgsl?raw';
import { queryParams, queryParamTypes, vec4s, type Queries } from './attention.ts';

const decode = {
  name: 'attention-decode',
  code,
  bindings: ['read', 'read', 'read', 'write'],
  params: queryParamTypes,
} as const satisfies Kernel;

/** The same o, without lse, for decoding: one query per sequence over the KV cache. */
export function attentionDecode<D>(a: Queries<D>): Op<D> {
  const vecs = vec4s(a.headDim);
  return op<D, typeof queryParamTypes>(decode, {
    label: a.label,
    bindings: [a.q, a.kv, a.spans, a.o],
    params: queryParams(a),
    constants: { HEAD_VECS: vecs, SPLITS: Math.floor(64 / vecs) },
    grid: (dims) => [a.heads, resolve(a.tokens, dims)],
  });
}
