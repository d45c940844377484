/**
 * The training of a language model in jax-js, as its users would write it: one jitted function of loss,
 * gradient and AdamW. Arrays are consumed by what they are passed to; `ref` keeps one for another use.
 */
import { jit, nn, numpy as np, tree, valueAndGrad } from '@jax-js/jax';
import type { Training, TrainingTask } from '../../src/app/measure/bench.ts';
import type { ModelConfig } from '../../src/model/config.ts';
import { inverseFrequencies } from '../../src/model/rope.ts';

type Params = Record<string, np.Array>;

export function trainInJax(task: TrainingTask): Training {
  const { config, length, sequences, tensors, learningRate, beta1, beta2 } = task;
  const batch = sequences.length;
  const array = (values: Float32Array, shape: number[]): np.Array => np.array(values, { shape });
  const integers = (shift: number): np.Array =>
    np.array(Int32Array.from(sequences.flatMap((ids) => ids.slice(shift, shift + length))), {
      shape: [batch, length],
    });
  const [ids, targets] = [integers(0), integers(1)];
  const { headDim, hiddenSize } = config;
  const frequencies = inverseFrequencies(config, headDim);
  const angles = (f: (x: number) => number): np.Array =>
    array(
      Float32Array.from({ length: length * frequencies.length }, (_, i) =>
        f(Math.floor(i / frequencies.length) * frequencies[i % frequencies.length]!),
      ),
      [length, 1, headDim / 2],
    );
  const rotation = { cos: angles(Math.cos), sin: angles(Math.sin) };

  let params: Params = {};
  for (const [name, values] of tensors) {
    const cols = shapeOf(name, config) ?? hiddenSize;
    params[name] = array(
      values,
      name.includes('norm') ? [hiddenSize] : [values.length / cols, cols],
    );
  }
  let m = zerosLike(params);
  let v = zerosLike(params);
  const loss = (weights: Params, read: np.Array, predicted: np.Array): np.Array =>
    meanLoss(config, weights, read, predicted, rotation);
  const step = jit(
    (p: Params, m0: Params, v0: Params, read: np.Array, predicted: np.Array, scale: np.Array) => {
      const [value, gradients] = valueAndGrad(loss)(tree.ref(p), read, predicted);
      return [value, ...adamw(task, p, gradients, m0, v0, scale)] as [
        np.Array,
        Params,
        Params,
        Params,
      ];
    },
  );
  const losses: number[] = [];
  return {
    losses,
    async run(count) {
      for (let i = 0; i < count; i++) {
        const t = losses.length + 1;
        // The bias corrections change from step to step.
        const scale = np.array([learningRate / (1 - beta1 ** t), 1 / (1 - beta2 ** t)]);
        const [value, ...next] = step(params, m, v, ids.ref, targets.ref, scale);
        [params, m, v] = next;
        losses.push(((await value.data()) as Float32Array)[0]!);
      }
    },
    free() {
      for (const part of [params, m, v]) tree.dispose(part);
      for (const one of [ids, targets, rotation.cos, rotation.sin]) one.dispose();
      step.dispose();
    },
  };
}

/** Columns of a matrix. */
function shapeOf(name: string, c: ModelConfig): number | undefined {
  if (name.includes('o_proj')) return c.heads * c.headDim;
  return name.includes('down_proj') ? c.intermediateSize : undefined;
}

function zerosLike(params: Params): Params {
  return Object.fromEntries(
    Object.entries(params).map(([name, { shape }]) => [name, np.zeros(shape)]),
  );
}

/** The mean negative log-prob of `targets` [B, T] after `ids` [B, T]; see src/model/layers.ts. */
function meanLoss(
  c: ModelConfig,
  weights: Params,
  ids: np.Array,
  targets: np.Array,
  rotation: { cos: np.Array; sin: np.Array },
): np.Array {
  const [batch, length] = ids.shape as [number, number];
  const weight = (name: string): np.Array => weights[name]!.ref;
  const linear = (x: np.Array, name: string): np.Array =>
    np.matmul(x, np.transpose(weight(`${name}.weight`)));
  const norm = (x: np.Array, name: string): np.Array => {
    const square = np.mean(np.square(x.ref), -1, { keepdims: true });
    return x.div(np.sqrt(square.add(c.rmsNormEps))).mul(weight(`${name}.weight`));
  };
  const heads = (x: np.Array, count: number): np.Array =>
    x.reshape([batch, length, count, c.headDim]);
  const rotate = (x: np.Array): np.Array => {
    const [a, b] = np.split(x, 2, -1) as [np.Array, np.Array];
    const { cos, sin } = rotation;
    return np.concatenate(
      [a.ref.mul(cos.ref).sub(b.ref.mul(sin.ref)), b.mul(cos.ref).add(a.mul(sin.ref))],
      -1,
    );
  };
  const embedding = 'model.embed_tokens.weight';
  let x = np.matmul(nn.oneHot(ids, c.vocabSize), weight(embedding));
  for (let layer = 0; layer < c.layers; layer++) {
    const at = `model.layers.${layer}.`;
    const h = norm(x.ref, `${at}input_layernorm`);
    const q = rotate(heads(linear(h.ref, `${at}self_attn.q_proj`), c.heads));
    const k = rotate(heads(linear(h.ref, `${at}self_attn.k_proj`), c.kvHeads));
    const v = heads(linear(h, `${at}self_attn.v_proj`), c.kvHeads);
    const o = nn.dotProductAttention(q, k, v, { isCausal: true });
    x = x.add(linear(o.reshape([batch, length, c.heads * c.headDim]), `${at}self_attn.o_proj`));
    const g = norm(x.ref, `${at}post_attention_layernorm`);
    const gate = nn.silu(linear(g.ref, `${at}mlp.gate_proj`));
    x = x.add(linear(gate.mul(linear(g, `${at}mlp.up_proj`)), `${at}mlp.down_proj`));
  }
  const logits = np.matmul(norm(x, 'model.norm'), np.transpose(weight(embedding)));
  const picked = nn.logSoftmax(logits, -1).mul(nn.oneHot(targets, c.vocabSize));
  tree.dispose(weights);
  return np.sum(picked).mul(-1 / (batch * length));
}

/** @param scale the learning rate over the first bias correction, and 1 over the second */
function adamw(
  { beta1, beta2, epsilon, weightDecay, learningRate }: TrainingTask,
  params: Params,
  gradients: Params,
  m: Params,
  v: Params,
  scale: np.Array,
): [Params, Params, Params] {
  const next: [Params, Params, Params] = [{}, {}, {}];
  const [rate, correction] = np.split(scale, 2) as [np.Array, np.Array];
  for (const [name, weight] of Object.entries(params)) {
    const gradient = gradients[name]!;
    const first = m[name]!.mul(beta1).add(gradient.ref.mul(1 - beta1));
    const second = v[name]!.mul(beta2).add(np.square(gradient).mul(1 - beta2));
    const root = np.sqrt(second.ref.mul(correction.ref)).add(epsilon);
    const move = first.ref.mul(rate.ref).div(root);
    const decay = name.includes('norm') ? 1 : 1 - learningRate * weightDecay;
    next[0][name] = weight.mul(decay).sub(move);
    next[1][name] = first;
    next[2][name] = second;
  }
  rate.dispose();
  correction.dispose();
  return next;
}
