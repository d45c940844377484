/** The reference of the attention tests: packed trees, and plain float64 attention over spans. */

/** The lengths, in tokens, of a prompt and of the completions that continue it. */
export interface Tree {
  prompt: number;
  completions: readonly number[];
}

/** spans (4 per token) and viewEnd (1 per token) of trees packed one after another. */
export function pack(trees: readonly Tree[]) {
  const spans: number[] = [];
  const viewEnd: number[] = [];
  for (const { prompt, completions } of trees) {
    const start = viewEnd.length;
    const end = start + completions.reduce((sum, length) => sum + length, prompt);
    for (let i = start; i < start + prompt; i++) {
      spans.push(start, start, start, i + 1);
      viewEnd.push(end);
    }
    for (const length of completions) {
      const from = viewEnd.length;
      for (let i = from; i < from + length; i++) {
        spans.push(start, start + prompt, from, i + 1);
        viewEnd.push(from + length);
      }
    }
  }
  return {
    tokens: viewEnd.length,
    spans: Uint32Array.from(spans),
    viewEnd: Uint32Array.from(viewEnd),
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
  step: number;
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
    const [a, b, c, d] = spans.subarray(4 * i, 4 * i + 4) as unknown as [
      number,
      number,
      number,
      number,
    ];
    const keys: number[] = [];
    for (let j = a; j < b; j++) keys.push(j);
    for (let j = c; j < d + shape.step; j++) keys.push(j);
    for (let h = 0; h < heads; h++) {
      const query = i * shape.qStride + shape.qOffset + h * headDim;
      const kvHead = Math.floor(h / (heads / shape.kvHeads)) * headDim;
      const scores = keys.map((j) => {
        const key = j * shape.kvStride + shape.kOffset + kvHead;
        let dot = 0;
        for (let e = 0; e < headDim; e++) dot += (q[query + e] as number) * (kv[key + e] as number);
        return dot * shape.scale;
      });
      const top = Math.max(...scores);
      const total = scores.reduce((sum, score) => sum + Math.exp(score - top), 0);
      lse[i * heads + h] = top + Math.log(total);
      keys.forEach((j, n) => {
        const weight = Math.exp((scores[n] as number) - top) / total;
        const value = j * shape.kvStride + shape.vOffset + kvHead;
        for (let e = 0; e < headDim; e++) {
          o[(i * heads + h) * headDim + e]! += weight * (kv[value + e] as number);
        }
      });
    }
  }
  return { o, lse };
}
