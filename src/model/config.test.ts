import { describe, expect, it } from 'vitest';
import { configToJson, parseConfig, type ModelConfig } from './config.ts';
import { CheckpointError } from './errors.ts';

type Json = Record<string, unknown>;

const llama: Json = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  vocab_size: 100,
  hidden_size: 64,
  intermediate_size: 160,
  num_hidden_layers: 3,
  num_attention_heads: 4,
};
const qwen2: Json = { ...llama, architectures: ['Qwen2ForCausalLM'], model_type: 'qwen2' };
const qwen3: Json = { ...llama, architectures: ['Qwen3ForCausalLM'], model_type: 'qwen3' };
const reward: Json = { ...llama, architectures: ['LlamaForSequenceClassification'], num_labels: 1 };

const parse = (json: Json): ModelConfig => parseConfig(json, 'm/config.json');

function refusal(json: Json): string {
  try {
    parse(json);
  } catch (error) {
    expect(error).toBeInstanceOf(CheckpointError);
    return (error as CheckpointError).message;
  }
  return 'accepted';
}

describe('reading', () => {
  it('fills in what Hugging Face fills in', () => {
    expect(parse(llama)).toEqual({
      family: 'llama',
      kind: 'causal',
      vocabSize: 100,
      hiddenSize: 64,
      intermediateSize: 160,
      layers: 3,
      heads: 4,
      kvHeads: 4,
      headDim: 16,
      rmsNormEps: 1e-6,
      ropeTheta: 10000,
      maxPositions: 2048,
      tieWordEmbeddings: false,
      eosTokenIds: [],
    });
  });

  it('knows what is particular to each family', () => {
    expect(parse(qwen2)).toMatchObject({ family: 'qwen2', attentionBias: true });
    expect(parse(qwen2).maxPositions).toBe(32768);
    expect(parse(qwen3)).toMatchObject({ family: 'qwen3', qkNorm: 'head' });
    expect(parse(qwen3).headDim).toBe(128);
    expect(parse({ ...qwen3, head_dim: 32 }).headDim).toBe(32);
  });

  it('takes one label, given as a number or by name, for a reward model', () => {
    expect(parse(reward).kind).toBe('reward');
    const named = { ...reward, num_labels: undefined, id2label: { 0: 'LABEL_0' } };
    expect(parse(named).kind).toBe('reward');
    expect(refusal({ ...reward, num_labels: 3 })).toContain('a classifier of 3 labels');
    expect(refusal({ ...reward, num_labels: undefined })).toContain('a classifier of 2 labels');
  });

  it('lets model_type decide where no architecture, or the bare decoder, is named', () => {
    for (const architectures of [null, undefined, [], ['LlamaModel'], 'LlamaModel']) {
      expect(parse({ ...llama, model_type: 'llama', architectures })).toEqual(parse(llama));
    }
    expect(parse({ ...llama, model_type: 'qwen3', architectures: null }).family).toBe('qwen3');
    expect(parse({ ...llama, architectures: ['LlamaForCausalLM', 'Other'] })).toEqual(parse(llama));
  });

  it('takes a label that no row of the embedding has for none, as transformers does', () => {
    const odd = parse({ ...llama, pad_token_id: -1, bos_token_id: 151643 });
    expect(odd).toEqual(parse({ ...llama, pad_token_id: null, bos_token_id: null }));
    expect(parse({ ...llama, bos_token_id: [3, 4] }).bosTokenId).toBe(3);
  });

  it('takes end tokens as a number, a list, or none', () => {
    expect(parse({ ...llama, eos_token_id: 7 }).eosTokenIds).toEqual([7]);
    expect(parse({ ...llama, eos_token_id: [7, 9] }).eosTokenIds).toEqual([7, 9]);
    expect(parse({ ...llama, eos_token_id: null, pad_token_id: 0 })).toMatchObject({
      eosTokenIds: [],
      padTokenId: 0,
    });
  });

  const scaling = {
    rope_type: 'llama3',
    factor: 8,
    low_freq_factor: 1,
    high_freq_factor: 4,
    original_max_position_embeddings: 8192,
  };
  const scaled = {
    ropeTheta: 500000,
    ropeScaling: {
      type: 'llama3',
      factor: 8,
      lowFreqFactor: 1,
      highFreqFactor: 4,
      originalMaxPositionEmbeddings: 8192,
    },
  };

  it('takes other names of an activation for the same formula', () => {
    expect(parse({ ...llama, hidden_act: 'swish' })).toEqual(parse(llama));
    const tanh = parse({ ...llama, hidden_act: 'gelu_pytorch_tanh' });
    expect(tanh.activation).toBe('gelu_tanh');
    expect(parse({ ...llama, hidden_act: 'gelu_new' })).toEqual(tanh);
    expect(parse({ ...llama, hidden_act: 'gelu_fast' })).toEqual(tanh);
  });

  it('takes 0 in the scaling of DeepSeek for a factor that is not given', () => {
    const yarn = { rope_type: 'yarn', factor: 4 };
    const zeros = { ...yarn, mscale: 0, mscale_all_dim: 0, beta_fast: 0 };
    expect(parse({ ...llama, rope_scaling: zeros })).toEqual(
      parse({ ...llama, rope_scaling: yarn }),
    );
  });

  it('takes the rotary embedding from either generation of transformers', () => {
    expect(parse({ ...llama, rope_theta: 500000, rope_scaling: scaling })).toMatchObject(scaled);
    const old = { ...scaling, rope_type: undefined, type: 'llama3' };
    expect(parse({ ...llama, rope_theta: 500000, rope_scaling: old })).toMatchObject(scaled);
    const parameters = { rope_theta: 500000, ...scaling };
    expect(parse({ ...llama, rope_parameters: parameters })).toMatchObject(scaled);
    const plain = parse({
      ...llama,
      rope_parameters: { rope_theta: 1e6, rope_type: 'default' },
    });
    expect(plain.ropeTheta).toBe(1e6);
    expect(plain.ropeScaling).toBeUndefined();
    const beside = parse({ ...llama, rope_theta: 3e5, rope_parameters: { rope_type: 'default' } });
    expect(beside.ropeTheta).toBe(3e5);
    const inside = { rope_theta: 500000, ...scaling };
    expect(parse({ ...llama, rope_theta: 7, rope_scaling: inside })).toMatchObject(scaled);
    const both = { rope_scaling: inside, rope_parameters: { rope_theta: 7, rope_type: 'default' } };
    expect(parse({ ...llama, ...both })).toMatchObject(scaled);
    const empty = { rope_scaling: {}, rope_parameters: inside };
    expect(parse({ ...llama, ...empty })).toMatchObject(scaled);
  });

  it.each([
    [
      { rope_scaling: { type: 'axial', factor: 4 } },
      'rope_scaling.type "axial" is not supported, only default, linear, dynamic, llama3, yarn,',
    ],
    [{ rope_parameters: { rope_type: 'linear' } }, 'rope_parameters.factor is missing'],
    [
      { rope_scaling: { type: 'longrope', long_factor: [2], short_factor: [1, 1] } },
      'rope_scaling.short_factor is [1,1]; it must be a list of 8 positive numbers',
    ],
    [
      { rope_scaling: { ...scaling, factor: 0 } },
      'rope_scaling.factor is 0; it must be a positive',
    ],
    [{ rope_scaling: { ...scaling, low_freq_factor: 4 } }, 'must be above low_freq_factor 4'],
    [{ rope_scaling: { rope_type: 'llama3', factor: 8 } }, 'low_freq_factor is missing'],
    [{ rope_scaling: 8 }, 'rope_scaling is 8; it must be an object'],
    [{ rope_parameters: { partial_rotary_factor: 0.5 } }, 'partial_rotary_factor 0.5 is not'],
    [
      { rope_parameters: { full_attention: { rope_theta: 5e5 } } },
      'rope_parameters.full_attention {"rope_theta":500000} is not supported, only one rotary',
    ],
  ])('refuses the rotary embedding %j', (fields, sentence) => {
    expect(refusal({ ...llama, ...fields })).toContain(sentence);
  });
});

describe('refusals', () => {
  it.each([
    [
      { architectures: ['MixtralForCausalLM'] },
      'architecture "MixtralForCausalLM", which is not supported; choose another model: model_type can',
    ],
    [
      { architectures: ['LlamaForTokenClassification'] },
      'architecture "LlamaForTokenClassification",',
    ],
    [
      { architectures: [7] },
      'architectures is [7]; it must be ["LlamaForCausalLM"] or ["LlamaForSequenceClassification"]',
    ],
    [
      { architectures: [7], model_type: undefined },
      'describes architecture 7, which is not supported; choose another model: model_type can be',
    ],
    [
      { architectures: undefined, model_type: undefined },
      'has neither architectures nor model_type, which say what to compute; copy the file again, or ' +
        'choose another model: model_type can be llama, qwen2,',
    ],
    [
      { architectures: [], model_type: 'opt' },
      'names no architecture, and its model_type is "opt", which is not supported; choose another',
    ],
    [{ architectures: null, model_type: 3 }, 'names no architecture, and its model_type is 3,'],
    [
      { model_type: 'mistral' },
      'model_type "mistral" but architecture "LlamaForCausalLM", and these',
    ],
    [{ hidden_act: 'gelu' }, 'hidden_act "gelu" is not supported, only silu, swish, gelu_pytorch'],
    [{ attention_bias: true }, 'attention_bias true is not supported'],
    [{ mlp_bias: true }, 'mlp_bias true is not supported'],
    [{ use_sliding_window: true }, 'use_sliding_window true is not supported'],
    [{ layer_types: ['full_attention', 'sliding_attention'] }, 'layer_types ["full_attention",'],
    [
      { quantization_config: { quant_method: 'gptq' } },
      'quantization_config is set ("gptq"), so the weights are quantised; choose the F32',
    ],
    [{ vocab_size: undefined }, 'vocab_size is missing; it must be a whole number of at least 1'],
    [{ hidden_size: '64' }, 'hidden_size is "64"; it must be a whole number'],
    [{ num_hidden_layers: 0 }, 'num_hidden_layers is 0; it must'],
    [{ intermediate_size: 2.5 }, 'intermediate_size is 2.5; it must'],
    [{ num_attention_heads: null }, 'num_attention_heads is null; it must'],
    [{ num_key_value_heads: 3 }, 'num_key_value_heads is 3; it must divide num_attention_heads 4'],
    [{ num_attention_heads: 5 }, 'head_dim is 12.8; it must be a whole number'],
    [{ head_dim: 15 }, 'head_dim is 15; it must be even'],
    [{ rms_norm_eps: 0 }, 'rms_norm_eps is 0; it must be a positive number'],
    [{ rope_theta: -1 }, 'rope_theta is -1; it must be a positive number'],
    [{ max_position_embeddings: 'x' }, 'max_position_embeddings is "x"; it must'],
    [{ tie_word_embeddings: 'yes' }, 'tie_word_embeddings is "yes"; it must be true or false'],
    [{ eos_token_id: 100 }, 'eos_token_id is 100; it must be token ids below vocab_size 100'],
    [{ pad_token_id: 1.5 }, 'pad_token_id is 1.5; it must be a token id'],
    [{ bos_token_id: 'a' }, 'bos_token_id is "a"; it must be a token id'],
    [{ num_hidden_layers: 1e9 }, 'num_hidden_layers is 1000000000; it must be at most 1000'],
    [{ vocab_size: 2 ** 52 }, 'vocab_size is 4503599627370496; it must be at most 16777216'],
    [{ hidden_size: 2 ** 40, head_dim: 16 }, 'hidden_size is 1099511627776; it must be at most'],
  ])('%j', (fields, sentence) => {
    const message = refusal({ ...llama, ...fields });
    expect(message).toContain(sentence);
    expect(message).toMatch(/^m\/config\.json/);
    expect(message).not.toContain('\n');
  });
});

describe('models of other kinds: the fields that their config.json has in transformers 5.24', () => {
  const vision = 'a vision or audio model';
  const seq2seq = 'an encoder-decoder';
  const encoder = 'an encoder without a decoder';
  it.each<[string, string, Json]>([
    ['ViTForImageClassification', vision, { model_type: 'vit', image_size: 224, patch_size: 16 }],
    [
      'Qwen2_5_VLForConditionalGeneration',
      vision,
      { model_type: 'qwen2_5_vl', vision_config: {}, image_token_id: 151655 },
    ],
    [
      'WhisperForConditionalGeneration',
      vision,
      { model_type: 'whisper', num_mel_bins: 80, is_encoder_decoder: true },
    ],
    ['T5ForConditionalGeneration', seq2seq, { model_type: 't5', is_encoder_decoder: true }],
    ['MixtralForCausalLM', 'a mixture of experts', { model_type: 'mixtral', num_local_experts: 8 }],
    ['Qwen2MoeForCausalLM', 'a mixture of experts', { model_type: 'qwen2_moe', num_experts: 60 }],
    ['DeepseekV3ForCausalLM', 'a mixture of experts', { n_routed_experts: 256 }],
    ['MambaForCausalLM', 'a state space model', { model_type: 'mamba', state_size: 16 }],
    ['BambaForCausalLM', 'a state space model', { model_type: 'bamba', mamba_d_state: 256 }],
    ['BertForSequenceClassification', encoder, { model_type: 'bert', type_vocab_size: 2 }],
    ['DistilBertForSequenceClassification', encoder, { model_type: 'distilbert' }],
    ['MPNetForMaskedLM', encoder, { model_type: 'mpnet' }],
    // An architecture that is supported, beside a model_type that is not.
    ['LlamaForCausalLM', 'a mixture of experts', { model_type: 'llamoe', num_experts: 4 }],
  ])('%s is %s', (architecture, kind, fields) => {
    expect(refusal({ architectures: [architecture], ...fields })).toBe(
      `m/config.json describes architecture "${architecture}" (${kind}), which is not supported; choose another ` +
        'model: model_type can be llama, qwen2, qwen3, mistral, smollm3, granite, olmo2, olmo3, phi3, ' +
        'gemma3_text, each with its ForCausalLM or ForSequenceClassification',
    );
  });

  it('a type without an architecture', () => {
    expect(refusal({ model_type: 'bert' })).toContain(
      'names no architecture, and its model_type is "bert" (an encoder without a decoder), which is not',
    );
  });

  it.each<[string, Json]>([
    ['ModernBertDecoderForCausalLM', { model_type: 'modernbert-decoder' }],
    ['BertLMHeadModel', { model_type: 'bert', type_vocab_size: 2, is_decoder: true }],
  ])('%s is a decoder', (architecture, fields) => {
    expect(refusal({ architectures: [architecture], ...fields })).toContain(
      `describes architecture "${architecture}", which is not supported`,
    );
  });

  it('no experts, and one, are not a mixture', () => {
    for (const num_local_experts of [null, 0, 1]) {
      expect(refusal({ architectures: ['Else'], num_local_experts })).toContain('"Else", which');
    }
  });
});

describe('writing', () => {
  it.each<[string, Json]>([
    ['llama', { ...llama, eos_token_id: [1, 2], bos_token_id: 3, pad_token_id: 0 }],
    ['llama3 scaling', { ...llama, rope_scaling: { ...llama3Scaling() }, rope_theta: 5e5 }],
    ['qwen2', { ...qwen2, num_key_value_heads: 2, eos_token_id: 5, tie_word_embeddings: true }],
    ['qwen3', { ...qwen3, head_dim: 32, rms_norm_eps: 1e-5 }],
    ['reward', reward],
  ])('%s comes back as it was', (_, json) => {
    const config = parse(json);
    const written = JSON.parse(JSON.stringify(configToJson(config))) as Json;
    expect(parse(written)).toEqual(config);
    expect(written.architectures).toEqual(json.architectures);
    expect(written.model_type).toBe(json.model_type);
  });
});

function llama3Scaling(): Json {
  return {
    rope_type: 'llama3',
    factor: 32,
    low_freq_factor: 1,
    high_freq_factor: 4,
    original_max_position_embeddings: 64,
  };
}
