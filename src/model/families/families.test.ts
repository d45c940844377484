/** What transformers 5.24 reads from a config.json that lacks most fields, or has older ones. */
import { describe, expect, it } from 'vitest';
import { configToJson, parseConfig, type ModelConfig } from '../config.ts';
import { layoutAdapter, targetsOf } from '../lora.ts';
import { layoutParameters } from '../parameters.ts';
import { PROJECTIONS, type LoraConfig } from '../peft.ts';
import { FAMILIES, type FamilyName } from './families.ts';

type Json = Record<string, unknown>;

const sizes = {
  ...{ vocab_size: 100, hidden_size: 64, intermediate_size: 160 },
  ...{ num_hidden_layers: 8, num_attention_heads: 4 },
};

const parse = (family: FamilyName, fields: Json = {}): ModelConfig => {
  const { modelType, causal } = FAMILIES[family];
  const json = { architectures: [causal], model_type: modelType, ...sizes, ...fields };
  return parseConfig(json, 'm/config.json');
};

const last = (of: number): boolean[] => Array.from({ length: 8 }, (_, i) => (i + 1) % of !== 0);

const FIRST_READ: [FamilyName, Json, Partial<ModelConfig>][] = [
  ['mistral', {}, { window: 4096, maxPositions: 131072, tieWordEmbeddings: false }],
  ['mistral', { sliding_window: 6 }, { window: 6 }],
  ['smollm3', {}, { ropeTheta: 2e6, rotated: last(4), tieWordEmbeddings: true }],
  ['smollm3', { no_rope_layer_interval: 2 }, { rotated: last(2) }],
  [
    'smollm3',
    { use_sliding_window: true, sliding_window: 9, no_rope_layers: [1, 1, 1, 0, 1, 1, 1, 1] },
    { window: 9, sliding: [0, 0, 0, 1, 0, 0, 0, 0].map(Boolean) },
  ],
  [
    'granite',
    { attention_multiplier: 0.015625, logits_scaling: 8, residual_multiplier: 0.22 },
    { attentionScale: 1 / 64, logitScale: 1 / 8, residualScale: 0.22, embeddingScale: 1 },
  ],
  ['olmo2', {}, { qkNorm: 'all', rmsNormEps: 1e-5 }],
  [
    'olmo3',
    { rope_theta: 3e5, rope_scaling: { rope_type: 'yarn', factor: 8 } },
    // As in transformers, an older file's theta is that of full attention alone.
    { window: 4096, sliding: last(4), ropeTheta: 3e5, slidingRope: { ropeTheta: 5e5 } },
  ],
  ['phi3', { partial_rotary_factor: 0.75 }, { fused: true, rotaryDim: 12, rmsNormEps: 1e-5 }],
  ['phi3', { sliding_window: 2047 }, { window: 2047 }],
  [
    'phi3',
    {
      ...{ max_position_embeddings: 131072, original_max_position_embeddings: 4096 },
      rope_scaling: { type: 'su', short_factor: ones(8), long_factor: ones(8) },
    },
    {
      ropeScaling: {
        ...{ type: 'longrope', shortFactor: ones(8), longFactor: ones(8) },
        ...{ attentionFactor: 1.1902380714238083, originalMaxPositionEmbeddings: 4096 },
      },
    },
  ],
  [
    'gemma3',
    { rope_local_base_freq: 5e3, rope_scaling: { rope_type: 'linear', factor: 8 } },
    {
      ...{ activation: 'gelu_tanh', normsAddOne: true, headDim: 256, tieWordEmbeddings: true },
      ...{ attentionScale: 1 / 16, embeddingScale: 8, window: 4096, sliding: last(6) },
      ...{ ropeTheta: 1e6, ropeScaling: { type: 'linear', factor: 8 } },
      slidingRope: { ropeTheta: 5e3 },
    },
  ],
  ['gemma3', { sliding_window_pattern: 2, hidden_activation: 'silu' }, { sliding: last(2) }],
  [
    'qwen2',
    { use_sliding_window: true, sliding_window: 9, max_window_layers: 6 },
    { window: 9, sliding: [0, 0, 0, 0, 0, 0, 1, 1].map(Boolean) },
  ],
  [
    'llama',
    { rope_scaling: { type: 'yarn', factor: 4, mscale: 2, mscale_all_dim: 1 } },
    {
      ropeScaling: {
        ...{ type: 'yarn', factor: 4, betaFast: 32, betaSlow: 1, truncate: true },
        attentionFactor: (0.2 * Math.log(4) + 1) / (0.1 * Math.log(4) + 1),
        originalMaxPositionEmbeddings: 2048,
      },
    },
  ],
];

function ones(count: number): number[] {
  return new Array<number>(count).fill(1);
}

it('takes the original context of Phi 3 from config.json itself, as transformers does', () => {
  const rope_scaling = {
    ...{ type: 'longrope', original_max_position_embeddings: 512, factor: 2 },
    ...{ short_factor: ones(8), long_factor: ones(8) },
  };
  expect(parse('phi3', { rope_scaling }).ropeScaling).toMatchObject({
    originalMaxPositionEmbeddings: 4096,
    attentionFactor: 1.0408329997330663,
  });
});

it('finds the sliding layers of Gemma 3 by the field that transformers reads', () => {
  expect(parse('gemma3', { sliding_window_pattern: 2 }).sliding).toEqual(last(2));
  expect(parse('gemma3', { _sliding_window_pattern: 2 }).sliding).toEqual(last(6));
});

describe.each(FIRST_READ)('%s %j', (family, fields, expected) => {
  it('is read as transformers reads it', () => {
    expect(parse(family, fields)).toMatchObject(expected);
  });

  it('comes back as it was', () => {
    const config = parse(family, fields);
    const written = JSON.parse(JSON.stringify(configToJson(config))) as Json;
    expect(parseConfig(written, 'm')).toEqual(config);
  });
});

it('has no window where a file says null, and no difference where nothing slides', () => {
  expect(parse('mistral', { sliding_window: null }).window).toBeUndefined();
  expect(parse('qwen3', { use_sliding_window: true }).window).toBeUndefined();
});

it.each<[FamilyName, Json, string]>([
  ['gemma3', { final_logit_softcapping: 30 }, 'final_logit_softcapping 30 is not supported'],
  ['gemma3', { use_bidirectional_attention: true }, 'use_bidirectional_attention true is not'],
  ['gemma3', { hidden_activation: 'gelu' }, 'hidden_activation "gelu" is not supported, only silu'],
  [
    'gemma3',
    { layer_types: ['full_attention'] },
    'layer_types is ["full_attention"]; it must have',
  ],
  ['gemma3', { layer_types: ones(8).map(() => 'chunked') }, 'only full_attention and sliding_'],
  [
    'smollm3',
    { no_rope_layers: [1, 0] },
    'no_rope_layers is [1,0]; it must be 0 or 1 for each of 8',
  ],
  ['granite', { residual_multiplier: 0 }, 'residual_multiplier is 0; it must be a positive number'],
  ['granite', { attention_bias: true }, 'attention_bias true is not supported'],
  [
    'phi3',
    { partial_rotary_factor: 0.95 },
    'partial_rotary_factor is 0.95; it must make an even part',
  ],
  [
    'phi3',
    { rope_scaling: { type: 'su' } },
    'rope_scaling.short_factor is missing; it must be a list',
  ],
  ['qwen2', { layer_types: ones(8).map(() => 'sliding_attention') }, 'without use_sliding_window'],
  [
    'gemma3',
    { rope_scaling: { type: 'linear', factor: 8 } },
    'rope_scaling.type is "linear"; it must be called rope_type, else transformers does not read it',
  ],
  [
    'olmo3',
    { rope_scaling: { rope_type: 'yarn', factor: 8, truncate: false } },
    'rope_scaling.truncate false is not supported, only true',
  ],
  [
    'olmo3',
    { rope_parameters: { rope_theta: 1e4 } },
    'rope_parameters {"rope_theta":10000} is not',
  ],
])('refuses %s %j', (family, fields, sentence) => {
  expect(() => parse(family, fields)).toThrow(sentence);
});

describe('fused projections', () => {
  const config = parse('phi3', { num_key_value_heads: 2 });
  const lora: LoraConfig = { task: 'CAUSAL_LM', r: 4, alpha: 8, targets: PROJECTIONS };
  const shapes = (targets: LoraConfig['targets']): Map<string, readonly number[]> =>
    new Map(
      [...layoutAdapter(config, { ...lora, targets }).parameters]
        .filter(([name]) => name.includes('layers.0.'))
        .map(([name, { shape }]) => [name.replace(/.*layers.0.(.*).weight/, '$1'), shape]),
    );

  it('are one tensor in a checkpoint, and one pair of factors in an adapter', () => {
    const { parameters } = layoutParameters(config);
    expect(parameters.get('model.layers.7.self_attn.qkv_proj.weight')?.shape).toEqual([128, 64]);
    expect(parameters.get('model.layers.7.mlp.gate_up_proj.weight')?.shape).toEqual([320, 64]);
    expect(shapes(PROJECTIONS).get('self_attn.qkv_proj.lora_B')).toEqual([128, 4]);
    expect(targetsOf(config, lora)).toEqual(['qkv_proj', 'o_proj', 'gate_up_proj', 'down_proj']);
  });

  it('are adapted by their own name or by those of all their parts, not by some', () => {
    const some = ['self_attn.qkv_proj.lora_A', 'self_attn.qkv_proj.lora_B'];
    expect([...shapes(['qkv_proj']).keys()]).toEqual(some);
    expect([...shapes(['q_proj', 'k_proj', 'v_proj']).keys()]).toEqual(some);
    expect(() => shapes(['q_proj', 'v_proj'])).toThrow(
      'this model has q_proj, k_proj, v_proj in one projection, qkv_proj; name all of them',
    );
  });
});
