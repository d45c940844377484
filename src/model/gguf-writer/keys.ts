/** A config as the keys of a GGUF file, as llama.cpp's convert_hf_to_gguf.py writes them. */
import type { ModelConfig } from '../config.ts';
import { CheckpointError } from '../errors.ts';
import { ARCHITECTURES, LAYERS_OF_27B, type Architecture } from '../gguf-architectures.ts';
import { float32, text, uint32, type Written } from './header.ts';

interface GgufKeys {
  readonly architecture: Architecture;
  readonly values: Map<string, Written>;
  /** The divisors of the rotary frequencies, which are a tensor. */
  readonly ropeFactors?: Float32Array | undefined;
}

/**
 * @param name of the model, for messages
 * @throws CheckpointError for what llama.cpp does not compute
 */
export function ggufKeys(config: ModelConfig, name: string): GgufKeys {
  const [own, architecture] = Object.entries(ARCHITECTURES).find(([, { families }]) =>
    families.includes(config.family),
  )!;
  const problem = notComputed(config, own, architecture);
  if (problem !== undefined) {
    throw new CheckpointError(
      `${name} ${problem}, which llama.cpp does not compute for ${own}; save it as a folder (--to hf, an adapter --to merged)`,
    );
  }
  const { ropeScaling: scaling, slidingRope, headDim } = config;
  const values = new Map<string, Written>();
  const set = (key: string, value: Written): void => void values.set(`${own}.${key}`, value);
  values.set('general.architecture', text(own));
  set('block_count', uint32(config.layers));
  set('context_length', uint32(contextLength(config, own)));
  set('embedding_length', uint32(config.hiddenSize));
  set('feed_forward_length', uint32(config.intermediateSize));
  set('attention.head_count', uint32(config.heads));
  set('attention.head_count_kv', uint32(config.kvHeads));
  set('attention.layer_norm_rms_epsilon', float32(config.rmsNormEps));
  set('attention.key_length', uint32(headDim));
  set('attention.value_length', uint32(headDim));
  set('vocab_size', uint32(config.vocabSize));
  set('rope.dimension_count', uint32(config.rotaryDim ?? headDim));
  set('rope.freq_base', float32(config.ropeTheta));
  if (own === 'gemma3') set('rope.freq_base_swa', float32(slidingRope!.ropeTheta));
  if (scaling?.type === 'linear') {
    set('rope.scaling.type', text('linear'));
    set('rope.scaling.factor', float32(scaling.factor));
  }
  switch (own) {
    case 'granite':
      set('attention.scale', float32(config.attentionScale!));
      set('embedding_scale', float32(config.embeddingScale!));
      set('residual_scale', float32(config.residualScale!));
      set('logit_scale', float32(1 / config.logitScale!));
      break;
    case 'phi3':
      set('rope.scaling.original_context_length', uint32(contextLength(config, own)));
      set('attention.sliding_window', uint32(0));
      break;
    case 'olmo2':
      if (config.family === 'olmo2') break;
      set('attention.sliding_window', uint32(config.window ?? config.maxPositions));
      values.set(`${own}.attention.sliding_window_pattern`, {
        kind: 'bools',
        values: Array.from({ length: config.layers }, (_, i) => config.sliding?.[i] ?? false),
      });
      break;
    case 'gemma3':
      set('attention.sliding_window', uint32(config.window!));
  }
  return { architecture, values, ropeFactors: ropeFactors(config) };
}

const HAS_WINDOWS = ['olmo2', 'gemma3'];

/** Where llama.cpp has no windows, a text may not be longer than one: so long it sees all of it. */
const contextLength = ({ maxPositions, window }: ModelConfig, own: string): number =>
  window !== undefined && !HAS_WINDOWS.includes(own)
    ? Math.min(maxPositions, window)
    : maxPositions;

function notComputed(
  config: ModelConfig,
  own: string,
  architecture: Architecture,
): string | undefined {
  const { layers, heads, headDim, hiddenSize, window, sliding } = config;
  if (config.kind === 'reward') return 'is a reward model';
  if ((config.activation === 'gelu_tanh') !== (own === 'gemma3')) {
    return `has the activation ${config.activation ?? 'silu'}`;
  }
  if (architecture.plainHeads && headDim * heads !== hiddenSize) {
    return `has heads of ${headDim} where hidden_size ${hiddenSize} and ${heads} heads make another size`;
  }
  if (own === 'smollm3' && config.rotated!.some((it, i) => it !== ((i + 1) % 4 !== 0))) {
    return 'rotates other layers than three of four';
  }
  if (own === 'gemma3') {
    const scale = layers === LAYERS_OF_27B ? hiddenSize / heads : headDim;
    if (Math.abs(config.attentionScale! ** -2 / scale - 1) > 1e-6) {
      return `has query_pre_attn_scalar ${Math.round(config.attentionScale! ** -2)}`;
    }
    const slides = Array.from({ length: layers }, (_, i) => (i + 1) % 6 !== 0);
    if (window === undefined || slides.some((it, i) => it !== sliding![i])) {
      return 'has other sliding layers than five of six';
    }
  }
  return scalingNotComputed(config, own);
}

function scalingNotComputed(config: ModelConfig, own: string): string | undefined {
  const { ropeScaling, slidingRope } = config;
  if (slidingRope?.ropeScaling) return 'scales the positions of its sliding layers';
  if (own === 'olmo2' && slidingRope) {
    if (slidingRope.ropeTheta !== config.ropeTheta)
      return 'has another rope_theta in sliding layers';
    if (ropeScaling) return `scales positions by ${ropeScaling.type}`;
  }
  const type = ropeScaling?.type;
  if (type === undefined || type === 'linear') return undefined;
  return own === 'llama' && ropeFactors(config) ? undefined : `scales positions by ${type}`;
}

/** The divisors that a scaling gives, where it needs nothing else (see ../rope.ts). */
function ropeFactors(config: ModelConfig): Float32Array | undefined {
  const { ropeScaling: scaling, ropeTheta, headDim, rotaryDim = headDim } = config;
  if (scaling?.type === 'longrope') {
    const { shortFactor, longFactor, attentionFactor } = scaling;
    const isOne = shortFactor.every((factor, i) => factor === longFactor[i]);
    return isOne && attentionFactor === 1 ? Float32Array.from(shortFactor) : undefined;
  }
  if (scaling?.type !== 'llama3') return undefined;
  const { factor, lowFreqFactor, highFreqFactor, originalMaxPositionEmbeddings } = scaling;
  return Float32Array.from({ length: rotaryDim / 2 }, (_, i) => {
    const wavelength = 2 * Math.PI * ropeTheta ** ((2 * i) / rotaryDim);
    const turns = originalMaxPositionEmbeddings / wavelength;
    if (turns > highFreqFactor) return 1;
    if (turns < lowFreqFactor) return factor;
    const share = (turns - lowFreqFactor) / (highFreqFactor - lowFreqFactor);
    return 1 / ((1 - share) / factor + share);
  });
}
