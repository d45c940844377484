/** How llama.cpp names the families and their tensors, and how its files differ from transformers'. */
import type { FamilyName } from './families/families.ts';
import type { GgufValues } from './gguf-values.ts';

export interface Architecture {
  readonly families: readonly [FamilyName, ...FamilyName[]];
  /** Rows of queries and keys lie in pairs. */
  readonly paired?: true;
  /** Norms are stored with 1 added. */
  readonly plusOne?: true;
  /** Names of a layer's parts that are not Llama's. */
  readonly parts?: Readonly<Record<string, string>>;
  /** Heads have hidden size / heads elements. */
  readonly plainHeads?: true;
  /** The family of a file, where there are several. */
  readonly family?: (values: GgufValues) => FamilyName;
  /** Fields of config.json that Llama has not. */
  readonly fields?: (values: GgufValues) => Record<string, unknown>;
}

const plainHead = (values: GgufValues): number =>
  values.number('embedding_length') / values.number('attention.head_count');

/** Where the pattern is a number, the last of so many layers sees all of the text, and the others slide. */
function layersByPeriod(values: GgufValues): Record<string, unknown> {
  const period = values.get('attention.sliding_window_pattern');
  if (typeof period !== 'number') return {};
  const slides = (layer: number): boolean => period === 0 || layer % period < period - 1;
  return {
    layer_types: Array.from({ length: values.number('block_count') }, (_, layer) =>
      slides(layer) ? 'sliding_attention' : 'full_attention',
    ),
  };
}

const behind = {
  post_attention_norm: 'post_attention_layernorm',
  post_ffw_norm: 'post_feedforward_layernorm',
};

/** By `general.architecture`. */
export const ARCHITECTURES: Readonly<Record<string, Architecture>> = {
  // Files of Mistral do not tell that it is not Llama; windows, which would, are not in them.
  llama: { families: ['llama', 'mistral'], family: () => 'llama', paired: true },
  qwen2: { families: ['qwen2'] },
  qwen3: { families: ['qwen3'] },
  smollm3: { families: ['smollm3'], paired: true },
  granite: {
    families: ['granite'],
    paired: true,
    plainHeads: true,
    fields: (values) => ({
      embedding_multiplier: values.number('embedding_scale', 1),
      residual_multiplier: values.number('residual_scale', 1),
      attention_multiplier: values.number('attention.scale', plainHead(values) ** -0.5),
      logits_scaling: values.number('logit_scale', 1),
    }),
  },
  olmo2: {
    families: ['olmo2', 'olmo3'],
    family: (values) => (values.get('attention.sliding_window') ? 'olmo3' : 'olmo2'),
    plainHeads: true,
    parts: behind,
    fields: (values) => {
      const window = values.get('attention.sliding_window');
      if (!window) return {};
      const pattern = values.get('attention.sliding_window_pattern');
      const rope = (key: string): Record<string, unknown> => ({
        rope_type: 'default',
        rope_theta: values.number(key, values.number('rope.freq_base', 10000)),
      });
      return {
        sliding_window: window,
        rope_parameters: {
          full_attention: rope('rope.freq_base'),
          sliding_attention: rope('rope.freq_base_swa'),
        },
        ...layersByPeriod(values),
        ...(Array.isArray(pattern) && {
          layer_types: pattern.map((slides) =>
            slides === true ? 'sliding_attention' : 'full_attention',
          ),
        }),
      };
    },
  },
  phi3: {
    families: ['phi3'],
    plainHeads: true,
    parts: { attn_qkv: 'self_attn.qkv_proj', ffn_up: 'mlp.gate_up_proj' },
    fields: (values) => ({
      // llama.cpp writes 0 for none.
      sliding_window: values.get('attention.sliding_window') || null,
      partial_rotary_factor:
        values.number('rope.dimension_count', plainHead(values)) / plainHead(values),
      original_max_position_embeddings: values.number(
        'rope.scaling.original_context_length',
        values.number('context_length'),
      ),
    }),
  },
  gemma3: {
    families: ['gemma3'],
    plusOne: true,
    parts: { ...behind, ffn_norm: 'pre_feedforward_layernorm' },
    fields: (values) => ({
      sliding_window: values.number('attention.sliding_window'),
      ...layersByPeriod(values),
      rope_local_base_freq: values.number('rope.freq_base_swa', 10000),
      hidden_activation: 'gelu_pytorch_tanh',
      query_pre_attn_scalar:
        values.number('block_count') === LAYERS_OF_27B
          ? plainHead(values)
          : values.number('attention.key_length', plainHead(values)),
    }),
  },
};

/** llama.cpp knows Gemma 3 27B by them: its scores are divided by another number than the others'. */
export const LAYERS_OF_27B = 62;

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

/** Divisors of the rotary frequencies; those of Phi 3 for short and for long texts. */
export const ROPE_FACTORS = {
  all: 'rope_freqs.weight',
  short: 'rope_factors_short.weight',
  long: 'rope_factors_long.weight',
} as const;

/** The name in transformers; as it is where there is none. */
export function nameInTransformers(name: string, { parts }: Architecture): string {
  const [, layer, part = '', kind] = /^blk\.(\d+)\.(\w+)\.(weight|bias)$/.exec(name) ?? [];
  const own = parts?.[part] ?? PARTS[part];
  if (layer === undefined || own === undefined) return WHOLE[name] ?? name;
  return `model.layers.${layer}.${own}.${kind!}`;
}

/** The name in llama.cpp of a tensor of transformers. */
export function nameInGguf(name: string, { parts }: Architecture): string {
  const whole = Object.entries(WHOLE).find(([, own]) => own === name);
  if (whole) return whole[0];
  const [, layer, part, kind] = /^model\.layers\.(\d+)\.(.+)\.(weight|bias)$/.exec(name) ?? [];
  // A family's own names come first: the norm behind attention has Llama's name of the one before the MLP.
  const [own] =
    [...Object.entries(parts ?? {}), ...Object.entries(PARTS)].find(([, it]) => it === part) ?? [];
  if (own === undefined) throw new Error(`${name} has no name in GGUF`);
  return `blk.${layer!}.${own}.${kind!}`;
}

export const isPaired = ({ paired }: Architecture, name: string): boolean =>
  paired === true && /\.attn_[qk]\.(weight|bias)$/.test(name);

export const hasOneAdded = ({ plusOne }: Architecture, name: string): boolean =>
  plusOne === true && name.includes('norm');
