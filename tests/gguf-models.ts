/** Tiny random models of every family that llama.cpp has, in the shapes that it computes. */
import { parseConfig, type ModelConfig } from '../src/model/config.ts';
import { FAMILIES, type FamilyName } from '../src/model/families/families.ts';
import { droppedFolder, type CheckpointFolder } from '../src/model/files.ts';
import { layoutParameters } from '../src/model/parameters.ts';
import { randomTensors } from './random-model.ts';
import { writeSafetensors } from './safetensors.ts';

const LLAMA3 = { rope_type: 'llama3', factor: 8, low_freq_factor: 1, high_freq_factor: 4 };
const ROPE = { rope_type: 'default', rope_theta: 10000 };
const sliding = (layers: number, every: number): string[] =>
  Array.from({ length: layers }, (_, i) =>
    (i + 1) % every === 0 ? 'full_attention' : 'sliding_attention',
  );

const CASES: Record<string, [FamilyName, Record<string, unknown>]> = {
  llama: ['llama', { rope_scaling: { ...LLAMA3, original_max_position_embeddings: 16 } }],
  'llama, linear': ['llama', { rope_scaling: { rope_type: 'linear', factor: 4 }, head_dim: 16 }],
  mistral: ['mistral', { sliding_window: 64, tie_word_embeddings: true }],
  qwen2: ['qwen2', { tie_word_embeddings: true }],
  qwen3: ['qwen3', { head_dim: 16 }],
  smollm3: ['smollm3', { num_hidden_layers: 4 }],
  granite: [
    'granite',
    {
      ...{ embedding_multiplier: 3, residual_multiplier: 0.22, tie_word_embeddings: true },
      ...{ attention_multiplier: 0.25, logits_scaling: 2 },
    },
  ],
  olmo2: ['olmo2', {}],
  olmo3: [
    'olmo3',
    {
      ...{ num_hidden_layers: 4, layer_types: sliding(4, 4), sliding_window: 6 },
      rope_parameters: { full_attention: ROPE, sliding_attention: ROPE },
    },
  ],
  phi3: ['phi3', { partial_rotary_factor: 0.5, sliding_window: null }],
  gemma3: [
    'gemma3',
    {
      ...{ num_hidden_layers: 6, layer_types: sliding(6, 6), sliding_window: 6, head_dim: 16 },
      ...{ query_pre_attn_scalar: 16, hidden_activation: 'gelu_pytorch_tanh' },
    },
  ],
};

export const GGUF_CASES = Object.keys(CASES);

/** The characters that stand for the 256 bytes in byte-level vocabularies. */
function byteCharacters(): string[] {
  const printable = (byte: number): boolean =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) =>
    String.fromCodePoint(printable(byte) ? byte : next++),
  );
}

const TEMPLATE =
  "{% for m in messages %}<|turn|>{{ m.role + '\\n' + m.content }}<|end|>{% endfor %}" +
  '{% if add_generation_prompt %}<|turn|>assistant\n{% endif %}';

const SPECIAL = ['<s>', '<|turn|>', '<|end|>'];

/** Byte pairs that are cut as Qwen's are. */
function tokenizerFiles(): Record<string, unknown> {
  const merges = ['t h', 'th e', 'Ġ the', 'i n', 'in g'];
  const tokens = [...byteCharacters(), ...merges.map((merge) => merge.replace(' ', ''))];
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false };
  const added = [...SPECIAL, '</think>'].map((content, i) => ({
    ...{ id: tokens.length + i, content, ...flags, special: SPECIAL.includes(content) },
  }));
  const regex =
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*" +
    '|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+';
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false };
  return {
    'tokenizer.json': {
      ...{ version: '1.0', truncation: null, padding: null, added_tokens: added },
      normalizer: { type: 'NFC' },
      pre_tokenizer: {
        type: 'Sequence',
        pretokenizers: [
          { type: 'Split', pattern: { Regex: regex }, behavior: 'Isolated', invert: false },
          { ...byteLevel, use_regex: false },
        ],
      },
      post_processor: null,
      decoder: { ...byteLevel, use_regex: true },
      model: {
        ...{ type: 'BPE', vocab: Object.fromEntries(tokens.map((token, id) => [token, id])) },
        ...{ merges, byte_fallback: false, ignore_merges: false },
      },
    },
    'tokenizer_config.json': {
      ...{ tokenizer_class: 'PreTrainedTokenizerFast', bos_token: '<s>', eos_token: '<|end|>' },
      // Without this field transformers gives Qwen's tokenizers a token of their own to pad with.
      ...{ pad_token: null, clean_up_tokenization_spaces: false, chat_template: TEMPLATE },
    },
  };
}

export interface GgufCase {
  readonly config: ModelConfig;
  readonly folder: CheckpointFolder;
  /** What is in the folder. */
  readonly files: ReadonlyMap<string, Blob>;
  readonly tensors: ReadonlyMap<string, Float32Array>;
}

/** @param changed fields of config.json */
export function ggufCase(name: string, changed: Record<string, unknown> = {}): GgufCase {
  const [family, fields] = CASES[name]!;
  const json = {
    ...{ architectures: [FAMILIES[family].causal], model_type: FAMILIES[family].modelType },
    ...{ vocab_size: 272, hidden_size: 64, intermediate_size: 96, num_hidden_layers: 2 },
    ...{ num_attention_heads: 4, num_key_value_heads: 2, max_position_embeddings: 128 },
    ...{ rms_norm_eps: 1e-6, rope_theta: 10000, tie_word_embeddings: false },
    ...{ eos_token_id: [263, 1], pad_token_id: null, ...fields, ...changed },
  };
  const config = parseConfig(json, 'config.json');
  const tensors = randomTensors(config, 5);
  const shapes = layoutParameters(config).parameters;
  const weights = writeSafetensors(
    new Map([...tensors].map(([own, values]) => [own, { shape: shapes.get(own)!.shape, values }])),
  );
  const files = new Map<string, Blob>([['model.safetensors', new Blob([weights])]]);
  for (const [file, text] of Object.entries({ 'config.json': json, ...tokenizerFiles() })) {
    files.set(file, new Blob([JSON.stringify(text)]));
  }
  const placed = new Map([...files].map(([file, blob]) => [`m/${file}`, blob]));
  return { config, folder: droppedFolder(placed), files, tensors };
}
