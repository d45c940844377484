/** What is said of a model that is not of a supported family. */
import type { ConfigFields } from './config-fields.ts';
import { CheckpointError, shown } from './errors.ts';
import { FAMILIES } from './families/families.ts';

const families = Object.values(FAMILIES);

export const SUPPORTED =
  `model_type can be ${families.map(({ modelType }) => modelType).join(', ')}, each with its ` +
  'ForCausalLM or ForSequenceClassification';

/** @param architecture as config.json names it; undefined if it names none */
export function notSupported(fields: ConfigFields, architecture: unknown): CheckpointError {
  const type = fields.get('model_type') ?? undefined;
  if (architecture === undefined && type === undefined) {
    return new CheckpointError(
      `${fields.path} has neither architectures nor model_type, which say what to compute; copy the file ` +
        `again, or choose another model: ${SUPPORTED}`,
    );
  }
  const own = families.find(({ modelType }) => modelType === type);
  if (own && typeof architecture !== 'string') {
    return fields.error('architectures', `must be ["${own.causal}"] or ["${own.reward}"]`);
  }
  const what =
    architecture === undefined
      ? `names no architecture, and its model_type is ${shown(type)}`
      : `describes architecture ${shown(architecture)}`;
  const kind = otherKind(fields, architecture);
  const why = kind === undefined ? '' : ` (${kind})`;
  return new CheckpointError(
    `${fields.path} ${what}${why}, which is not supported; choose another model: ${SUPPORTED}`,
  );
}

// transformers gives the same names to what the models of a kind have in common.

const OF_VISION_OR_AUDIO = [
  ...['vision_config', 'audio_config', 'image_size', 'patch_size', 'image_token_id'],
  ...['mm_vision_tower', 'num_mel_bins', 'feat_extract_norm'],
];
const OF_EXPERTS = ['num_experts', 'num_local_experts', 'n_routed_experts', 'moe_num_experts'];
const OF_STATE_SPACE = ['state_size', 'ssm_state_size', 'ssm_cfg', 'mamba_d_state'];

/**
 * The kind of a model in words, such as "a mixture of experts"; undefined if config.json does not say it.
 */
export function otherKind(fields: ConfigFields, architecture: unknown): string | undefined {
  const hasOne = (names: readonly string[]): boolean => names.some((name) => fields.has(name));
  if (hasOne(OF_VISION_OR_AUDIO)) return 'a vision or audio model';
  if (fields.get('is_encoder_decoder') === true) return 'an encoder-decoder';
  if (OF_EXPERTS.some((name) => Number(fields.get(name)) > 1)) return 'a mixture of experts';
  if (hasOne(OF_STATE_SPACE)) return 'a state space model';
  const isDecoder =
    fields.get('is_decoder') === true || /(ForCausalLM|LMHeadModel)$/.test(String(architecture));
  if (isDecoder) return undefined;
  const isEncoder =
    fields.has('type_vocab_size') ||
    /ForMaskedLM$/.test(String(architecture)) ||
    /bert|electra/.test(String(fields.get('model_type')));
  return isEncoder ? 'an encoder without a decoder' : undefined;
}
