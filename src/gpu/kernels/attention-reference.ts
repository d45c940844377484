/** The reference of the attention tests: packed trees, and plain float64 attention over spans. */

/** The lengths, in tokens, of a prompt and of the completions that continue it. */
export interface Tree {
  prompt: number;
  completions: readonly number[];
}

/**
 * spans (4 per token), viewEnd and positions (1 per token) of trees packed one after another. With a
 * window, a token sees only so many tokens, itself included.
 */
export function pack(trees: readonly Tree[], window = Infinity) {
  const spans: number[] = [];
  const viewEnd: number[] = [];
  const positions: number[] = [];
  for (const { prompt, completions } of trees) {
    const start = viewEnd.length;
    const end = start + completions.reduce((sum, length) => sum + length, prompt);
    for (let i = start; i < start + prompt; i++) {
      const seen = Math.min(window, i - start + 1);
      spans.push(start, start, i + 1 - seen, i + 1);
      viewEnd.push(end);
      positions.push(i - start);
    }
    for (const length of completions) {
      const from = viewEnd.length;
      for (let i = from; i < from + length; i++) {
        const own = Math.min(window, i - from + 1);
        const ofPrompt = Math.min(window - own, prompt);
        spans.push(start + prompt - ofPrompt, start + prompt, i + 1 - own, i + 1);
        viewEnd.push(from + length);
        positions.push(prompt + i - from);
      }
    }
  }
  return {
    tokens: viewEnd.length,
    spans: Uint32Array.from(spans),
    viewEnd: Uint32Array.from(viewEnd),
    positions: Uint32Array.from(positions),
  };
}

export interface AttentionShape {
  tokens: number;
  heads: number;
  kvHeads: number;
  headDim: number;
  scale: number;
  qStride: number;
  qOffset: number;
  kvStride: number;
  kOffset: number;
  vOffset: number;
  step?: number;
}

/** The key rows that query `i` sees. */
function keysOf(spans: Uint32Array, i: number, step = 0): number[] {
  const [a = 0, b = 0, c = 0, d = 0] = spans.subarray(4 * i, 4 * i + 4);
  const range = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => from + n);
  return [...range(a, b), ...range(c, d + step)];
}

/** Where a head of each row begins in the buffers. */
function placesOf(shape: AttentionShape, h: number) {
  const { heads, headDim } = shape;
  const kvHead = Math.floor(h / (heads / shape.kvHeads)) * headDim;
  return {
    query: (i: number) => i * shape.qStride + shape.qOffset + h * headDim,
    key: (j: number) => j * shape.kvStride + shape.kOffset + kvHead,
    value: (j: number) => j * shape.kvStride + shape.vOffset + kvHead,
    out: (i: number) => (i * heads + h) * headDim,
  };
}

/** sum_e a[from + e] b[at + e] over a head. */
function dot(a: ArrayLike<number>, from: number, b: ArrayLike<number>, at: number, size: number) {
  let sum = 0;
  for (let e = 0; e < size; e++) sum += (a[from + e] as number) * (b[at + e] as number);
  return sum;
}

/** y[at + e] += factor * x[from + e] over a head. */
function add(
  y: Float64Array,
  at: number,
  factor: number,
  x: ArrayLike<number>,
  from: number,
  size: number,
) {
  for (let e = 0; e < size; e++) y[at + e]! += factor * (x[from + e] as number);
}

/** o [tokens, heads * headDim] and lse [tokens, heads], score by score. */
export function referenceAttention(
  shape: AttentionShape,
  q: ArrayLike<number>,
  kv: ArrayLike<number>,
  spans: Uint32Array,
): { o: Float64Array; lse: Float64Array } {
  const { tokens, heads, headDim } = shape;
  const o = new Float64Array(tokens * heads * headDim);
  const lse = new Float64Array(tokens * heads);
  for (let i = 0; i < tokens; i++) {
    const keys = keysOf(spans, i, shape.step);
    for (let h = 0; h < heads; h++) {
      const { query, key, value, out } = placesOf(shape, h);
      const scores = keys.map((j) => dot(q, query(i), kv, key(j), headDim) * shape.scale);
      const top = Math.max(...scores);
      const total = scores.reduce((sum, score) => sum + Math.exp(score - top), 0);
      lse[i * heads + h] = top + Math.log(total);
      keys.forEach((j, n) => {
        const weight = Math.exp((scores[n] as number) - top) / total;
        add(o, out(i), weight, kv, value(j), headDim);
      });
    }
  }
  return { o, lse };
}

/**
 * The gradient of sum(o * dO) for a packed buffer q | k | v, in the places of qkv. o and lse are those
 * of `referenceAttention`.
 */
export function referenceBackward(
  shape: AttentionShape,
  qkv: ArrayLike<number>,
  spans: Uint32Array,
  { o, lse }: { o: Float64Array; lse: Float64Array },
  dO: ArrayLike<number>,
): Float64Array {
  const { tokens, heads, headDim, scale } = shape;
  const dQkv = new Float64Array(qkv.length);
  for (let i = 0; i < tokens; i++) {
    const keys = keysOf(spans, i, shape.step);
    for (let h = 0; h < heads; h++) {
      const { query, key, value, out } = placesOf(shape, h);
      const delta = dot(dO, out(i), o, out(i), headDim);
      for (const j of keys) {
        const score = dot(qkv, query(i), qkv, key(j), headDim) * scale;
        const weight = Math.exp(score - (lse[i * heads + h] as number));
        const dScore = weight * (dot(dO, out(i), qkv, value(j), headDim) - delta) * scale;
        add(dQkv, value(j), weight, dO, out(i), headDim);
        add(dQkv, query(i), dScore, qkv, key(j), headDim);
        add(dQkv, key(j), dScore, qkv, query(i), headDim);
      }
    }
  }
  return dQkv;
}
