/** config.json of a GGUF file, and the names of its tensors, by its architecture. */
import { CheckpointError } from './errors.ts';
import type { GgufHeader, GgufTensor, GgufValue } from './gguf-header.ts';
import type { Renamed } from './gguf-weights.ts';

interface Architecture {
  /** `model_type` and class in transformers. */
  readonly modelType: string;
  readonly causal: string;
  /** Rows of queries and keys lie in pairs. */
  readonly paired?: true;
  /** Norms are stored with 1 added. */
  readonly minusOne?: true;
  /** Names of a layer's norms that are not Llama's. */
  readonly norms?: Readonly<Record<string, string>>;
  readonly fields?: (values: Values) => Record<string, unknown>;
}

/** By `general.architecture`. */
const ARCHITECTURES: Readonly<Record<string, Architecture>> = {
  llama: { modelType: 'llama', causal: 'LlamaForCausalLM', paired: true },
  qwen2: { modelType: 'qwen2', causal: 'Qwen2ForCausalLM' },
  qwen3: { modelType: 'qwen3', causal: 'Qwen3ForCausalLM' },
  gemma3: {
    ...{ modelType: 'gemma3_text', causal: 'Gemma3ForCausalLM', minusOne: true },
    norms: {
      post_attention_norm: 'post_attention_layernorm',
      ffn_norm: 'pre_feedforward_layernorm',
      post_ffw_norm: 'post_feedforward_layernorm',
    },
    fields: (values) => ({
      sliding_window: values.number('attention.sliding_window'),
      hidden_activation: 'gelu_pytorch_tanh',
      // 27B divides by its width of a head instead.
      query_pre_attn_scalar:
        values.number('block_count') === 62 ? 168 : values.number('attention.key_length'),
    }),
  },
};

/** Parts of a layer, as llama.cpp and as transformers name them. */
const PARTS: Readonly<Record<string, string>> = {
  attn_norm: 'input_layernorm',
  ffn_norm: 'post_attention_layernorm',
  attn_q: 'self_attn.q_proj',
  attn_k: 'self_attn.k_proj',
  attn_v: 'self_attn.v_proj',
  attn_output: 'self_attn.o_proj',
  attn_q_norm: 'self_attn.q_norm',
  attn_k_norm: 'self_attn.k_norm',
  ffn_gate: 'mlp.gate_proj',
  ffn_up: 'mlp.up_proj',
  ffn_down: 'mlp.down_proj',
};

const WHOLE: Readonly<Record<string, string>> = {
  'token_embd.weight': 'model.embed_tokens.weight',
  'output_norm.weight': 'model.norm.weight',
  'output.weight': 'lm_head.weight',
};

/** Divisors of the rotary frequencies, which config.json says by a formula. */
const ROPE_FACTORS = 'rope_freqs.weight';

/** Values of one architecture, whose keys begin with its name. */
class Values {
  constructor(
    private readonly path: string,
    private readonly architecture: string,
    private readonly values: ReadonlyMap<string, GgufValue>,
  ) {}

  get(key: string): GgufValue | undefined {
    return this.values.get(`${this.architecture}.${key}`);
  }

  number(key: string): number {
    const value = this.get(key);
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    throw new CheckpointError(
      `${this.path} has no number ${this.architecture}.${key}; convert the model again`,
    );
  }
}

/** What a GGUF file says, in the words of transformers. */
export interface GgufModel {
  /** config.json, without the special tokens. */
  readonly config: Record<string, unknown>;
  readonly tensors: readonly (readonly [GgufTensor, Renamed])[];
}

/** @throws CheckpointError for an architecture that is not supported, or what its file lacks */
export function ggufModel({ values, tensors }: GgufHeader, path: string): GgufModel {
  const name = values.get('general.architecture');
  const architecture =
    typeof name === 'string' && Object.hasOwn(ARCHITECTURES, name)
      ? ARCHITECTURES[name]
      : undefined;
  if (!architecture) {
    throw new CheckpointError(
      `${path} has the architecture ${String(name)}, and of GGUF files only ` +
        `${Object.keys(ARCHITECTURES).join(', ')} are read; choose its Hugging Face folder`,
    );
  }
  const parts = values.get('split.count');
  if (typeof parts === 'number' && parts > 1) {
    throw new CheckpointError(
      `${path} is one of ${parts} parts of a model; join them with llama-gguf-split --merge`,
    );
  }
  const own = new Values(path, name as string, values);
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const embedding = byName.get('token_embd.weight');
  if (!embedding)
    throw new CheckpointError(`${path} has no tensor token_embd.weight; download it again`);
  const heads = own.number('attention.head_count');
  const hiddenSize = own.number('embedding_length');
  const headDim = own.get('attention.key_length') ?? hiddenSize / heads;
  const config = {
    architectures: [architecture.causal],
    model_type: architecture.modelType,
    vocab_size: embedding.shape[0],
    hidden_size: hiddenSize,
    intermediate_size: own.number('feed_forward_length'),
    num_hidden_layers: own.number('block_count'),
    num_attention_heads: heads,
    num_key_value_heads: own.get('attention.head_count_kv') ?? heads,
    head_dim: headDim,
    hidden_act: 'silu',
    rms_norm_eps: Number(own.number('attention.layer_norm_rms_epsilon').toPrecision(6)),
    max_position_embeddings: own.number('context_length'),
    tie_word_embeddings: !byName.has('output.weight'),
    rope_theta: own.get('rope.freq_base') ?? 10000,
    ...ropeScaling(own, byName.has(ROPE_FACTORS), path),
    ...architecture.fields?.(own),
  };
  const renamed = tensors
    .filter((tensor) => tensor.name !== ROPE_FACTORS)
    .map((tensor) => [tensor, rename(tensor.name, architecture, headDim as number)] as const);
  return { config, tensors: renamed };
}

/** The scaling of the rotary embedding; that of Llama 3 is stored as the divisors that it gives. */
function ropeScaling(own: Values, hasFactors: boolean, path: string): Record<string, unknown> {
  const type = own.get('rope.scaling.type') ?? 'none';
  if (hasFactors) {
    throw new CheckpointError(
      `${path} has ${ROPE_FACTORS} (Llama 3.1's scaling of positions), which is not read from GGUF ` +
        'files; choose its Hugging Face folder',
    );
  }
  if (type === 'none') return {};
  if (type === 'linear') {
    return { rope_scaling: { rope_type: 'linear', factor: own.number('rope.scaling.factor') } };
  }
  throw new CheckpointError(
    `${path} scales positions by ${String(type)}, which is not read from GGUF files; ` +
      'choose its Hugging Face folder',
  );
}

function rename(name: string, { paired, minusOne, norms }: Architecture, headDim: number): Renamed {
  const [, layer, part = '', kind] = /^blk\.(\d+)\.(\w+)\.(weight|bias)$/.exec(name) ?? [];
  const own = norms?.[part] ?? PARTS[part];
  const isNorm = /norm/.test(name);
  const extra = {
    ...(paired && /^attn_[qk]$/.test(part) && { paired: headDim }),
    ...(minusOne && isNorm && { minusOne }),
  };
  if (layer === undefined || own === undefined) return { name: WHOLE[name] ?? name, ...extra };
  return { name: `model.layers.${layer}.${own}.${kind!}`, ...extra };
}
