/**
 * The shape of a model, read from and written to a Hugging Face config.json. Features that the
 * forward pass does not compute are refused here by name; else its results would be wrong.
 */
import { CheckpointError, shown } from './errors.ts';
import { ConfigFields } from './config-fields.ts';

export type Family = 'llama' | 'qwen2' | 'qwen3';

/** Llama 3's scaling of the rotary embedding; see rope.ts. */
export interface Llama3RopeScaling {
  factor: number;
  lowFreqFactor: number;
  highFreqFactor: number;
  originalMaxPositionEmbeddings: number;
}

export interface ModelConfig {
  family: Family;
  /** A causal language model, or a sequence classifier with one label. */
  kind: 'causal' | 'reward';
  vocabSize: number;
  hiddenSize: number;
  intermediateSize: number;
  layers: number;
  heads: number;
  /** Divides `heads`. */
  kvHeads: number;
  /** Even; not always hiddenSize / heads. */
  headDim: number;
  rmsNormEps: number;
  ropeTheta: number;
  ropeScaling?: Llama3RopeScaling;
  maxPositions: number;
  tieWordEmbeddings: boolean;
  /** Biases on the query, key and value projections (qwen2). */
  attentionBias: boolean;
  /** RMSNorm on every query and key head (qwen3). */
  qkNorm: boolean;
  eosTokenIds: number[];
  bosTokenId?: number;
  padTokenId?: number;
}

const CLASS_PREFIX: Record<Family, string> = { llama: 'Llama', qwen2: 'Qwen2', qwen3: 'Qwen3' };
const CLASS_SUFFIX = { causal: 'ForCausalLM', reward: 'ForSequenceClassification' } as const;
const KINDS = Object.keys(CLASS_SUFFIX) as ModelConfig['kind'][];
const FAMILIES = Object.keys(CLASS_PREFIX) as Family[];
const ARCHITECTURES = new Map(
  FAMILIES.flatMap((family) =>
    KINDS.map((kind) => [className(family, kind), { family, kind }] as const),
  ),
);

function className(family: Family, kind: ModelConfig['kind']): string {
  return CLASS_PREFIX[family] + CLASS_SUFFIX[kind];
}

/** Hugging Face's own defaults, for the fields that checkpoints leave out. */
const DEFAULT_MAX_POSITIONS: Record<Family, number> = { llama: 2048, qwen2: 32768, qwen3: 32768 };
const QWEN3_HEAD_DIM = 128;

/**
 * Reads the object of a config.json; `path` is for messages.
 * @throws CheckpointError naming the field that is wrong or the feature that is not supported.
 */
export function parseConfig(json: Record<string, unknown>, path: string): ModelConfig {
  const fields = new ConfigFields(json, path);
  const { family, kind } = architecture(fields);
  refuseUnsupported(fields, family, kind);
  const hiddenSize = fields.size('hidden_size');
  const heads = fields.size('num_attention_heads');
  const kvHeads = fields.size('num_key_value_heads', heads);
  if (heads % kvHeads !== 0) {
    throw fields.error('num_key_value_heads', `must divide num_attention_heads ${heads}`);
  }
  const headDim = fields.size('head_dim', family === 'qwen3' ? QWEN3_HEAD_DIM : hiddenSize / heads);
  if (headDim % 2 !== 0) throw fields.error('head_dim', 'must be even');
  const vocabSize = fields.size('vocab_size');
  const bosTokenId = fields.tokenInVocabulary('bos_token_id', vocabSize);
  const padTokenId = fields.tokenInVocabulary('pad_token_id', vocabSize);
  return {
    family,
    kind,
    vocabSize,
    hiddenSize,
    intermediateSize: fields.size('intermediate_size'),
    layers: fields.size('num_hidden_layers'),
    heads,
    kvHeads,
    headDim,
    rmsNormEps: fields.positive('rms_norm_eps', 1e-6),
    ...rope(fields),
    maxPositions: fields.size('max_position_embeddings', DEFAULT_MAX_POSITIONS[family]),
    tieWordEmbeddings: fields.flag('tie_word_embeddings'),
    attentionBias: family === 'qwen2',
    qkNorm: family === 'qwen3',
    eosTokenIds: fields.tokenIds('eos_token_id', vocabSize),
    ...(bosTokenId !== undefined && { bosTokenId }),
    ...(padTokenId !== undefined && { padTokenId }),
  };
}

/**
 * The field `architectures` names family and kind. Where it names none, or the bare decoder
 * (LlamaModel), `model_type` decides as in transformers, and the model is a causal one.
 */
function architecture(fields: ConfigFields): { family: Family; kind: ModelConfig['kind'] } {
  const names = fields.get('architectures') ?? [];
  const list: readonly unknown[] = Array.isArray(names) ? names : [names];
  const name = list.length === 0 ? undefined : list[0];
  const type = fields.get('model_type') ?? undefined;
  const ofType = FAMILIES.find((family) => family === type);
  const found =
    name === undefined || FAMILIES.some((family) => name === `${CLASS_PREFIX[family]}Model`)
      ? ofType && { family: ofType, kind: 'causal' as const }
      : ARCHITECTURES.get(name as string);
  const supported = `architectures can be ${[...ARCHITECTURES.keys()].join(', ')}`;
  if (!found) {
    const problem =
      name === undefined
        ? `names no architecture, and its model_type is ${shown(type)}`
        : `describes architecture ${shown(name)}, which is not supported`;
    throw new CheckpointError(
      `${fields.path} ${problem}; choose a model of a supported family, or correct the file: ${supported}`,
    );
  }
  if (type !== undefined && type !== found.family) {
    throw new CheckpointError(
      `${fields.path} has model_type ${shown(type)} but architecture ${shown(name)}, and these two ` +
        `do not belong together; correct one of them: ${supported}`,
    );
  }
  return found;
}

/** Refuses features that change the results and are not computed. */
function refuseUnsupported(fields: ConfigFields, family: Family, kind: ModelConfig['kind']): void {
  const activation = fields.get('hidden_act') ?? 'silu';
  if (activation !== 'silu') throw fields.unsupported('hidden_act', 'silu');
  if (fields.object('quantization_config') !== undefined) {
    throw new CheckpointError(
      `${fields.path} describes a quantised model; choose its F32, F16 or BF16 version`,
    );
  }
  // With this field Hugging Face also adds a bias to the output projection, which qwen2 never has.
  if (family !== 'qwen2' && fields.flag('attention_bias')) {
    throw fields.unsupported('attention_bias', 'false');
  }
  if (fields.flag('mlp_bias')) throw fields.unsupported('mlp_bias', 'false');
  if (fields.flag('use_sliding_window')) throw fields.unsupported('use_sliding_window', 'false');
  const layers = fields.get('layer_types') ?? [];
  if (!Array.isArray(layers) || layers.some((type) => type !== 'full_attention')) {
    throw fields.unsupported('layer_types', 'full_attention');
  }
  if (kind === 'reward') {
    // Without either field, Hugging Face assumes two labels.
    const named = fields.get('id2label');
    const count = fields.get('num_labels') ?? (named ? Object.keys(named).length : 2);
    if (count !== 1) {
      throw new CheckpointError(
        `${fields.path} describes a classifier of ${JSON.stringify(count)} labels; ` +
          'choose a reward model, which has num_labels 1',
      );
    }
  }
}

/**
 * From `rope_theta` and `rope_scaling`, or from the `rope_parameters` of transformers 5. As there,
 * rope_scaling comes first where both are given, and a rope_theta inside it before one beside it.
 */
function rope(fields: ConfigFields): Pick<ModelConfig, 'ropeTheta' | 'ropeScaling'> {
  const given = [fields.object('rope_scaling'), fields.object('rope_parameters')];
  const scaling = given.find((object) => object !== undefined && !object.isEmpty);
  const thetaFrom = scaling?.has('rope_theta') ? scaling : fields;
  const ropeTheta = thetaFrom.positive('rope_theta', 10000);
  if (!scaling) return { ropeTheta };
  const nested = scaling.nestedField();
  if (nested !== undefined)
    throw scaling.unsupported(nested, 'one rotary embedding for all layers');
  const typeField = scaling.get('rope_type') === undefined ? 'type' : 'rope_type';
  const type = scaling.get(typeField) ?? 'default';
  if (type !== 'default' && type !== 'llama3') {
    throw scaling.unsupported(typeField, 'default, llama3');
  }
  if ((scaling.get('partial_rotary_factor') ?? 1) !== 1) {
    throw scaling.unsupported('partial_rotary_factor', '1');
  }
  if (type === 'default') return { ropeTheta };
  const lowFreqFactor = scaling.positive('low_freq_factor');
  const highFreqFactor = scaling.positive('high_freq_factor');
  if (highFreqFactor <= lowFreqFactor) {
    throw scaling.error('high_freq_factor', `must be above low_freq_factor ${lowFreqFactor}`);
  }
  return {
    ropeTheta,
    ropeScaling: {
      factor: scaling.positive('factor'),
      lowFreqFactor,
      highFreqFactor,
      originalMaxPositionEmbeddings: scaling.size('original_max_position_embeddings'),
    },
  };
}

/** The config of a reward model: a score head takes the place of the language-model head. */
export function asRewardConfig(config: ModelConfig): ModelConfig {
  return { ...config, kind: 'reward' };
}

/** The fields in which the config.json of a reward model differs from that of a policy. */
export function rewardFields(family: ModelConfig['family']): Record<string, unknown> {
  return {
    architectures: [className(family, 'reward')],
    id2label: { 0: 'LABEL_0' },
    label2id: { LABEL_0: 0 },
  };
}

/** The object of a config.json that transformers (4 and 5) and `parseConfig` read. */
export function configToJson(config: ModelConfig): Record<string, unknown> {
  const { family, kind, ropeScaling: scaling, eosTokenIds } = config;
  return {
    architectures: [className(family, kind)],
    model_type: family,
    vocab_size: config.vocabSize,
    hidden_size: config.hiddenSize,
    intermediate_size: config.intermediateSize,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    num_key_value_heads: config.kvHeads,
    head_dim: config.headDim,
    hidden_act: 'silu',
    rms_norm_eps: config.rmsNormEps,
    rope_theta: config.ropeTheta,
    rope_scaling: scaling
      ? {
          rope_type: 'llama3',
          factor: scaling.factor,
          low_freq_factor: scaling.lowFreqFactor,
          high_freq_factor: scaling.highFreqFactor,
          original_max_position_embeddings: scaling.originalMaxPositionEmbeddings,
        }
      : null,
    max_position_embeddings: config.maxPositions,
    tie_word_embeddings: config.tieWordEmbeddings,
    eos_token_id: eosTokenIds.length > 1 ? eosTokenIds : (eosTokenIds[0] ?? null),
    bos_token_id: config.bosTokenId ?? null,
    pad_token_id: config.padTokenId ?? null,
    torch_dtype: 'float32',
    ...(kind === 'reward' && rewardFields(family)),
  };
}
