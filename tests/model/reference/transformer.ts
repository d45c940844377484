/**
 * An independent forward pass in plain float64 loops, one sequence at a time, to test the GPU model
 * against. It follows the Hugging Face definitions of Llama, Qwen2 and Qwen3, and shares no code
 * with src/.
 */
import type { ModelConfig } from '../../../src/model/config.ts';

export type Tensors = ReadonlyMap<string, ArrayLike<number>>;

function linear(
  x: number[],
  w: ArrayLike<number>,
  out: number,
  bias?: ArrayLike<number>,
): number[] {
  return Array.from({ length: out }, (_, o) => {
    let sum = bias ? (bias[o] as number) : 0;
    for (let i = 0; i < x.length; i++) sum += (w[o * x.length + i] as number) * (x[i] as number);
    return sum;
  });
}

function norm(x: number[], w: ArrayLike<number>, eps: number): number[] {
  const mean = x.reduce((s, v) => s + v * v, 0) / x.length;
  const scale = 1 / Math.sqrt(mean + eps);
  return x.map((v, i) => v * scale * (w[i] as number));
}

function inverseFrequencies(config: ModelConfig): number[] {
  const half = config.headDim / 2;
  const base = Array.from({ length: half }, (_, i) => config.ropeTheta ** (-i / half));
  const s = config.ropeScaling;
  if (!s) return base;
  if (s.type !== 'llama3') throw new Error(`${s.type} is compared with transformers`);
  return base.map((f) => {
    const wavelength = (2 * Math.PI) / f;
    const low = s.originalMaxPositionEmbeddings / s.lowFreqFactor;
    const high = s.originalMaxPositionEmbeddings / s.highFreqFactor;
    if (wavelength < high) return f;
    if (wavelength > low) return f / s.factor;
    const smooth =
      (s.originalMaxPositionEmbeddings / wavelength - s.lowFreqFactor) /
      (s.highFreqFactor - s.lowFreqFactor);
    return ((1 - smooth) * f) / s.factor + smooth * f;
  });
}

function rotate(head: number[], position: number, frequencies: number[]): number[] {
  const half = head.length / 2;
  return head.map((v, i) => {
    const angle = position * (frequencies[i % half] as number);
    const other = i < half ? -(head[i + half] as number) : (head[i - half] as number);
    return v * Math.cos(angle) + other * Math.sin(angle);
  });
}

/** Final hidden states (after the last norm), one row per token. */
export function hiddenStates(
  config: ModelConfig,
  tensors: Tensors,
  ids: readonly number[],
): number[][] {
  const get = (name: string): ArrayLike<number> => {
    const t = tensors.get(name);
    if (!t) throw new Error(`no tensor ${name}`);
    return t;
  };
  const { hiddenSize: d, headDim: hd, heads, kvHeads, rmsNormEps: eps } = config;
  const frequencies = inverseFrequencies(config);
  const embedding = get('model.embed_tokens.weight');
  let h = ids.map((id) => Array.from({ length: d }, (_, i) => embedding[id * d + i] as number));
  for (let layer = 0; layer < config.layers; layer++) {
    const at = `model.layers.${layer}.`;
    const bias = (p: string) =>
      config.attentionBias ? get(`${at}self_attn.${p}_proj.bias`) : undefined;
    const x = h.map((row) => norm(row, get(`${at}input_layernorm.weight`), eps));
    const project = (p: string, n: number, rotated: boolean): number[][][] =>
      x.map((row, t) => {
        const all = linear(row, get(`${at}self_attn.${p}_proj.weight`), n * hd, bias(p));
        return Array.from({ length: n }, (_, k) => {
          let head = all.slice(k * hd, (k + 1) * hd);
          if (!rotated) return head;
          if (config.qkNorm) head = norm(head, get(`${at}self_attn.${p}_norm.weight`), eps);
          return rotate(head, t, frequencies);
        });
      });
    const q = project('q', heads, true);
    const k = project('k', kvHeads, true);
    const v = project('v', kvHeads, false);
    h = h.map((row, t) => {
      const o: number[] = [];
      for (let head = 0; head < heads; head++) {
        const kvHead = Math.floor(head / (heads / kvHeads));
        const scores = Array.from(
          { length: t + 1 },
          (_, j) => q[t]![head]!.reduce((s, a, i) => s + a * k[j]![kvHead]![i]!, 0) / Math.sqrt(hd),
        );
        const max = Math.max(...scores);
        const e = scores.map((s) => Math.exp(s - max));
        const z = e.reduce((a, b) => a + b, 0);
        for (let i = 0; i < hd; i++) {
          o.push(e.reduce((s, p, j) => s + (p / z) * v[j]![kvHead]![i]!, 0));
        }
      }
      const out = linear(o, get(`${at}self_attn.o_proj.weight`), d);
      return row.map((value, i) => value + out[i]!);
    });
    h = h.map((row) => {
      const y = norm(row, get(`${at}post_attention_layernorm.weight`), eps);
      const gate = linear(y, get(`${at}mlp.gate_proj.weight`), config.intermediateSize);
      const up = linear(y, get(`${at}mlp.up_proj.weight`), config.intermediateSize);
      const inner = gate.map((g, i) => (g / (1 + Math.exp(-g))) * up[i]!);
      const out = linear(inner, get(`${at}mlp.down_proj.weight`), d);
      return row.map((value, i) => value + out[i]!);
    });
  }
  return h.map((row) => norm(row, get('model.norm.weight'), eps));
}

/** Logits [T, V] of a causal model. */
export function logits(config: ModelConfig, tensors: Tensors, ids: readonly number[]): number[][] {
  const head = tensors.get(
    config.tieWordEmbeddings ? 'model.embed_tokens.weight' : 'lm_head.weight',
  );
  if (!head) throw new Error('no output head');
  return hiddenStates(config, tensors, ids).map((row) => linear(row, head, config.vocabSize));
}

/** The score of a reward model: its head on the last token. */
export function score(config: ModelConfig, tensors: Tensors, ids: readonly number[]): number {
  const head = tensors.get('score.weight');
  if (!head) throw new Error('no score head');
  return linear(hiddenStates(config, tensors, ids).at(-1)!, head, 1)[0]!;
}

export function logSoftmax(z: readonly number[]): number[] {
  const max = Math.max(...z);
  const lse = max + Math.log(z.reduce((s, v) => s + Math.exp(v - max), 0));
  return z.map((v) => v - lse);
}
