/** Keys that a GGUF file may leave out, or write in an older way: what llama.cpp takes for them. */
import { describe, expect, it } from 'vitest';
import { blobSource } from './files.ts';
import { ggufModel } from './gguf-config.ts';
import type { GgufTensor, GgufValue } from './gguf-header.ts';

const tensor = (name: string, values: Float32Array<ArrayBuffer>): GgufTensor => ({
  ...{ name, shape: [values.length], type: 0 },
  ...{ file: blobSource('m.gguf', new Blob([values])), start: 0 },
});
const EMBEDDING: GgufTensor = {
  ...tensor('token_embd.weight', new Float32Array()),
  shape: [6, 64],
};

/** The config of a file with the fewest keys of an architecture, and others. */
async function configOf(
  architecture: string,
  others: Record<string, GgufValue>,
  ...tensors: GgufTensor[]
): Promise<Record<string, unknown>> {
  const sizes = { block_count: 4, context_length: 128, embedding_length: 64 };
  const keys: Record<string, GgufValue> = {
    ...{ ...sizes, feed_forward_length: 128, 'attention.head_count': 4 },
    ...{ 'attention.layer_norm_rms_epsilon': 1e-5, ...others },
  };
  const own = Object.entries(keys).map(
    ([key, value]) => [`${architecture}.${key}`, value] as const,
  );
  const values = new Map<string, GgufValue>([['general.architecture', architecture], ...own]);
  return (await ggufModel({ values, tensors: [EMBEDDING, ...tensors] }, 'm.gguf')).config;
}

describe('the scaling of positions', () => {
  const scalingOf = async (keys: Record<string, GgufValue>, ...tensors: GgufTensor[]) =>
    (await configOf('llama', keys, ...tensors)).rope_scaling;
  const linear = { rope_type: 'linear', factor: 4 };

  it.each([
    [{}, null],
    [{ 'rope.scale_linear': 4 }, linear],
    [{ 'rope.scaling.factor': 4 }, linear],
    [{ 'rope.scaling.factor': 4, 'rope.scale_linear': 2 }, linear],
    [{ 'rope.scaling.type': 'linear', 'rope.scale_linear': 4 }, linear],
    [{ 'rope.scaling.type': 'linear' }, null],
    [{ 'rope.scaling.type': 'none', 'rope.scaling.factor': 4 }, null],
    [{ 'rope.scaling.factor': 0 }, null],
    [{ 'rope.scale_linear': 1 }, null],
  ])('%j', async (keys, scaling) => {
    expect(await scalingOf(keys)).toEqual(scaling);
  });

  it('divides by the factor and by the divisors of a file that has both', async () => {
    const divisors = tensor('rope_freqs.weight', new Float32Array([1, 2]));
    expect(await scalingOf({ 'rope.scaling.factor': 4 }, divisors)).toMatchObject({
      ...{ rope_type: 'longrope', short_factor: [4, 8], long_factor: [4, 8], attention_factor: 1 },
    });
  });

  it.each([
    [{ 'rope.scaling.type': 'yarn', 'rope.scaling.factor': 4 }, 'positions by yarn, which'],
    [{ 'rope.scaling.type': 'longrope' }, 'positions by longrope, which'],
    [{ 'rope.scaling.attn_factor': 2 }, 'positions by attn_factor 2, which'],
  ])('%j is refused', async (keys, words) => {
    await expect(scalingOf(keys)).rejects.toThrow(words);
  });
});

it.each([
  ['llama', {}, { rope_theta: 10000, num_key_value_heads: 4, head_dim: 16 }],
  ['granite', {}, { attention_multiplier: 0.25, residual_multiplier: 1, logits_scaling: 1 }],
  ['phi3', {}, { partial_rotary_factor: 1, original_max_position_embeddings: 128 }],
  [
    'gemma3',
    { 'attention.sliding_window': 8 },
    { query_pre_attn_scalar: 16, rope_local_base_freq: 10000 },
  ],
])('what %s has where keys are missing', async (architecture, keys, fields) => {
  expect(await configOf(architecture, keys)).toMatchObject(fields);
});

it.each(['gemma3', 'olmo2'])('a period of sliding layers: %s', async (architecture) => {
  const keys = { 'attention.sliding_window': 8, 'attention.sliding_window_pattern': 2 };
  const [slides, full] = ['sliding_attention', 'full_attention'];
  const { layer_types } = await configOf(architecture, keys);
  expect(layer_types).toEqual([slides, full, slides, full]);
  const without = await configOf(architecture, { 'attention.sliding_window': 8 });
  expect(without).not.toHaveProperty('layer_types');
});

it('refuses Granite without a rotary embedding', async () => {
  await expect(configOf('granite', { 'rope.scaling.finetuned': false })).rejects.toThrow(
    'granite.rope.scaling.finetuned false (no rotary embedding), which is not computed here',
  );
  await configOf('granite', { 'rope.scaling.finetuned': true });
  await configOf('llama', { 'rope.scaling.finetuned': false });
});
