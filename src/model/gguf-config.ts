/** config.json of a GGUF file, and the names of its tensors, by its architecture. */
import { CheckpointError } from './errors.ts';
import { FAMILIES } from './families/families.ts';
import {
  ARCHITECTURES,
  hasOneAdded,
  isPaired,
  nameInTransformers,
  ROPE_FACTORS,
} from './gguf-architectures.ts';
import type { GgufHeader, GgufTensor } from './gguf-header.ts';
import { GgufValues } from './gguf-values.ts';
import { readVector, type Renamed } from './gguf-weights.ts';

/** What a GGUF file says, in the words of transformers. */
interface GgufModel {
  /** config.json, without the special tokens. */
  readonly config: Record<string, unknown>;
  readonly tensors: readonly (readonly [GgufTensor, Renamed])[];
}

/** @throws CheckpointError for an architecture that is not supported, or what its file lacks */
export async function ggufModel(header: GgufHeader, path: string): Promise<GgufModel> {
  const { values, tensors } = header;
  const kind = values.get('general.type') ?? 'model';
  if (kind !== 'model') {
    throw new CheckpointError(
      `${path} is a GGUF file of kind ${String(kind)}, and only whole models are read; choose the file of the model`,
    );
  }
  const name = values.get('general.architecture');
  const architecture =
    typeof name === 'string' && Object.hasOwn(ARCHITECTURES, name)
      ? ARCHITECTURES[name]
      : undefined;
  if (!architecture) {
    throw new CheckpointError(
      `${path} has the architecture ${String(name ?? '(none)')}, and of GGUF files only ` +
        `${Object.keys(ARCHITECTURES).join(', ')} are read; choose another model`,
    );
  }
  const own = new GgufValues(path, name as string, header);
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const embedding = byName.get('token_embd.weight');
  if (!embedding)
    throw new CheckpointError(`${path} has no tensor token_embd.weight; download it again`);
  const family = FAMILIES[architecture.family?.(own) ?? architecture.families[0]];
  const heads = own.number('attention.head_count');
  const hiddenSize = own.number('embedding_length');
  const headDim = architecture.plainHeads
    ? hiddenSize / heads
    : own.number('attention.key_length', hiddenSize / heads);
  refuseNotComputed(own, headDim, path);
  const config = {
    architectures: [family.causal],
    model_type: family.modelType,
    vocab_size: embedding.shape[0],
    hidden_size: hiddenSize,
    intermediate_size: own.number('feed_forward_length'),
    num_hidden_layers: own.number('block_count'),
    num_attention_heads: heads,
    num_key_value_heads: own.get('attention.head_count_kv') ?? heads,
    head_dim: headDim,
    hidden_act: 'silu',
    rms_norm_eps: own.number('attention.layer_norm_rms_epsilon'),
    max_position_embeddings: own.number('context_length'),
    tie_word_embeddings: !byName.has('output.weight'),
    rope_theta: own.number('rope.freq_base', 10000),
    rope_scaling: await ropeScaling(own, byName, path),
    ...architecture.fields?.(own),
  };
  const factors: readonly string[] = Object.values(ROPE_FACTORS);
  const renamed = tensors
    .filter((tensor) => !factors.includes(tensor.name))
    .map((tensor) => {
      const { name: own } = tensor;
      const renamed: Renamed = {
        name: nameInTransformers(own, architecture),
        ...(isPaired(architecture, own) && { paired: headDim }),
        ...(hasOneAdded(architecture, own) && { minusOne: true }),
      };
      return [tensor, renamed] as const;
    });
  return { config, tensors: renamed };
}

/** Keys that change the numbers of a model in a way that is not computed, where they are set. */
const NOT_COMPUTED: Readonly<Record<string, string>> = {
  expert_count: 'a mixture of experts',
  attn_logit_softcapping: 'bounded attention scores',
  final_logit_softcapping: 'bounded logits',
  'attention.clamp_kqv': 'bounded queries, keys and values',
  'attention.max_alibi_bias': 'ALiBi positions',
};

function refuseNotComputed(own: GgufValues, headDim: number, path: string): void {
  const set = Object.keys(NOT_COMPUTED).find((key) => own.get(key));
  const rotated = own.get('rope.dimension_count') ?? headDim;
  const valueLength = own.get('attention.value_length') ?? headDim;
  const problem =
    set !== undefined
      ? `${set} ${String(own.get(set))} (${NOT_COMPUTED[set]!})`
      : own.get('attention.causal') === false
        ? 'attention.causal false (tokens see later ones)'
        : valueLength !== headDim
          ? `attention.value_length ${String(valueLength)}, not the key_length ${headDim}`
          : rotated !== headDim && own.architecture !== 'phi3'
            ? `rope.dimension_count ${String(rotated)}, a part of the ${headDim} elements of a head`
            : own.get('rope.scaling.finetuned') === false && own.architecture === 'granite'
              ? 'rope.scaling.finetuned false (no rotary embedding)'
              : undefined;
  if (problem === undefined) return;
  throw new CheckpointError(
    `${path} has ${own.architecture}.${problem}, which is not computed here; choose another model`,
  );
}

/**
 * The scaling of the rotary embedding, with the defaults of llama.cpp (llama-model.cpp): the type is
 * linear, the factor may have its older key, and 0 is no factor. Where the file has divisors of the
 * frequencies, such as those of Llama 3.1, the type longrope of transformers has the same ones.
 */
async function ropeScaling(
  own: GgufValues,
  tensors: ReadonlyMap<string, GgufTensor>,
  path: string,
): Promise<Record<string, unknown> | null> {
  const type = own.get('rope.scaling.type') ?? 'linear';
  const given = own.number('rope.scaling.factor', own.number('rope.scale_linear', 0));
  const factor = type === 'none' || given === 0 ? 1 : given;
  const attentionFactor = own.number('rope.scaling.attn_factor', 1);
  const read = async (name: string): Promise<number[] | undefined> => {
    const tensor = tensors.get(name);
    return tensor && Array.from(await readVector(tensor), (divisor) => divisor * factor);
  };
  const all = await read(ROPE_FACTORS.all);
  const [short, long] = [await read(ROPE_FACTORS.short), await read(ROPE_FACTORS.long)];
  const divisors = short ?? all;
  const isComplete = !short === !long && (type !== 'longrope' || short !== undefined);
  const isKnown = ['none', 'linear', 'longrope'].includes(String(type)) && isComplete;
  if (!isKnown || (!divisors && attentionFactor !== 1)) {
    const by = isKnown ? `attn_factor ${attentionFactor}` : String(type);
    throw new CheckpointError(
      `${path} scales positions by ${by}, which is not read from GGUF files; ` +
        'choose its Hugging Face folder',
    );
  }
  if (!divisors) return factor === 1 ? null : { rope_type: 'linear', factor };
  return {
    rope_type: 'longrope',
    short_factor: divisors,
    long_factor: long ?? all,
    attention_factor: attentionFactor,
    original_max_position_embeddings: own.number(
      'rope.scaling.original_context_length',
      own.number('context_length'),
    ),
  };
}
