/**
 * The shape of a model, read from and written to a Hugging Face config.json. Features that the
 * forward pass does not compute are refused here by name; else its results would be wrong.
 */
import { ConfigFields } from './config-fields.ts';
import { CheckpointError, shown } from './errors.ts';
import { FAMILIES, type FamilyName } from './families/families.ts';
import type { Differences } from './families/family.ts';
import { ropeToJson, type Rope } from './families/rope.ts';
import { notSupported, otherKind, SUPPORTED } from './unsupported.ts';

/** What a config.json says. What is absent of `Differences` is as in Llama. */
export interface ModelConfig extends Rope, Differences {
  family: FamilyName;
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
  maxPositions: number;
  tieWordEmbeddings: boolean;
  eosTokenIds: number[];
  bosTokenId?: number;
  padTokenId?: number;
}

type Kind = ModelConfig['kind'];

const NAMES = Object.keys(FAMILIES) as FamilyName[];
const ARCHITECTURES = new Map(
  NAMES.flatMap((family) =>
    (['causal', 'reward'] as const).map(
      (kind) => [FAMILIES[family][kind], { family, kind }] as const,
    ),
  ),
);

/** LlamaModel and its like: decoders without a head. */
const BARE: ReadonlySet<unknown> = new Set(
  NAMES.flatMap((family) => {
    const { causal, reward } = FAMILIES[family];
    return [causal.replace('ForCausalLM', 'Model'), reward.replace(/For.*/, 'Model')];
  }),
);

/** By the names that config.json has for them; several names stand for one formula. */
const ACTIVATIONS: ReadonlyMap<unknown, Pick<Differences, 'activation'>> = new Map([
  ...['silu', 'swish'].map((name) => [name, {}] as const),
  ...['gelu_pytorch_tanh', 'gelu_new', 'gelu_fast'].map(
    (name) => [name, { activation: 'gelu_tanh' }] as const,
  ),
]);

/**
 * Reads the object of a config.json; `path` is for messages.
 * @throws CheckpointError naming the field that is wrong or the feature that is not supported.
 */
export function parseConfig(json: Record<string, unknown>, path: string): ModelConfig {
  const fields = new ConfigFields(json, path);
  const { family, kind } = architecture(fields);
  const rules = FAMILIES[family];
  const { defaults } = rules;
  refuseUnsupported(fields, kind);
  const hiddenSize = fields.size('hidden_size');
  const heads = fields.size('num_attention_heads');
  const kvHeads = fields.size('num_key_value_heads', heads);
  if (heads % kvHeads !== 0) {
    throw fields.error('num_key_value_heads', `must divide num_attention_heads ${heads}`);
  }
  const headDim = fields.size('head_dim', defaults.headDim ?? hiddenSize / heads);
  if (headDim % 2 !== 0) throw fields.error('head_dim', 'must be even');
  const vocabSize = fields.size('vocab_size');
  const bosTokenId = fields.tokenInVocabulary('bos_token_id', vocabSize);
  const padTokenId = fields.tokenInVocabulary('pad_token_id', vocabSize);
  const layers = fields.size('num_hidden_layers');
  const maxPositions = fields.size('max_position_embeddings', defaults.maxPositions);
  const sizes = { hiddenSize, heads, headDim, layers, maxPositions };
  const differences = rules.read?.(fields, sizes) ?? {};
  // With this field Hugging Face also adds a bias to the output projection, which qwen2 never has.
  if (!differences.attentionBias && fields.flag('attention_bias')) {
    throw fields.unsupported('attention_bias', 'false');
  }
  return {
    family,
    kind,
    vocabSize,
    intermediateSize: fields.size('intermediate_size'),
    kvHeads,
    ...sizes,
    rmsNormEps: fields.positive('rms_norm_eps', defaults.rmsNormEps ?? 1e-6),
    ...rules.rope(fields, sizes),
    ...activation(fields, family),
    ...differences,
    tieWordEmbeddings: fields.flag('tie_word_embeddings', defaults.tieWordEmbeddings),
    eosTokenIds: fields.tokenIds('eos_token_id', vocabSize),
    ...(bosTokenId !== undefined && { bosTokenId }),
    ...(padTokenId !== undefined && { padTokenId }),
  };
}

function activation(fields: ConfigFields, family: FamilyName): Pick<Differences, 'activation'> {
  const { activationField } = FAMILIES[family];
  const field = activationField ?? 'hidden_act';
  const byDefault = activationField ? 'gelu_pytorch_tanh' : 'silu';
  const found = ACTIVATIONS.get(fields.get(field) ?? byDefault);
  if (!found) throw fields.unsupported(field, [...ACTIVATIONS.keys()].join(', '));
  return found;
}

/**
 * The field `architectures` names family and kind. Where it names none, or the bare decoder
 * (LlamaModel), `model_type` decides as in transformers, and the model is a causal one.
 */
function architecture(fields: ConfigFields): { family: FamilyName; kind: Kind } {
  const names = fields.get('architectures') ?? [];
  const list: readonly unknown[] = Array.isArray(names) ? names : [names];
  const name = list.length === 0 ? undefined : list[0];
  const type = fields.get('model_type') ?? undefined;
  const ofType = NAMES.find((family) => FAMILIES[family].modelType === type);
  const found =
    name === undefined || BARE.has(name)
      ? ofType && { family: ofType, kind: 'causal' as const }
      : ARCHITECTURES.get(name as string);
  if (!found) throw notSupported(fields, name);
  if (type !== undefined && type !== FAMILIES[found.family].modelType) {
    if (otherKind(fields, name) !== undefined) throw notSupported(fields, name);
    throw new CheckpointError(
      `${fields.path} has model_type ${shown(type)} but architecture ${shown(name)}, and these two ` +
        `do not belong together; correct one of them: ${SUPPORTED}`,
    );
  }
  return found;
}

/** Refuses features that change the results and are not computed. */
function refuseUnsupported(fields: ConfigFields, kind: Kind): void {
  const quantised = fields.object('quantization_config');
  if (quantised !== undefined) {
    throw new CheckpointError(
      `${fields.path}: quantization_config is set (${shown(quantised.get('quant_method'))}), so the weights are ` +
        'quantised; choose the F32, F16 or BF16 version of the model',
    );
  }
  if (fields.flag('mlp_bias')) throw fields.unsupported('mlp_bias', 'false');
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

/** The config of a reward model: a score head takes the place of the language-model head. */
export function asRewardConfig(config: ModelConfig): ModelConfig {
  return { ...config, kind: 'reward' };
}

/** The fields in which the config.json of a reward model differs from that of a policy. */
export function rewardFields(family: ModelConfig['family']): Record<string, unknown> {
  return {
    architectures: [FAMILIES[family].reward],
    id2label: { 0: 'LABEL_0' },
    label2id: { LABEL_0: 0 },
  };
}

/** The object of a config.json that transformers (4 and 5) and `parseConfig` read. */
export function configToJson(config: ModelConfig): Record<string, unknown> {
  const { family, kind, eosTokenIds } = config;
  const rules = FAMILIES[family];
  return {
    architectures: [rules[kind]],
    model_type: rules.modelType,
    vocab_size: config.vocabSize,
    hidden_size: config.hiddenSize,
    intermediate_size: config.intermediateSize,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    num_key_value_heads: config.kvHeads,
    head_dim: config.headDim,
    hidden_act: config.activation ? 'gelu_pytorch_tanh' : 'silu',
    rms_norm_eps: config.rmsNormEps,
    ...ropeToJson(config),
    max_position_embeddings: config.maxPositions,
    tie_word_embeddings: config.tieWordEmbeddings,
    eos_token_id: eosTokenIds.length > 1 ? eosTokenIds : (eosTokenIds[0] ?? null),
    bos_token_id: config.bosTokenId ?? null,
    pad_token_id: config.padTokenId ?? null,
    torch_dtype: 'float32',
    ...rules.write?.(config),
    ...(kind === 'reward' && rewardFields(family)),
  };
}
