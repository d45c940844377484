/** GGUF files that Ponder writes, read back; and their quantised types against the package gguf. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { decode, encode } from '../../src/gpu/storage.ts';
import { readConfig } from '../../src/model/checkpoint.ts';
import type { ModelConfig } from '../../src/model/config.ts';
import { CheckpointError } from '../../src/model/errors.ts';
import { blobSource, droppedFolder, type CheckpointFolder } from '../../src/model/files.ts';
import { ggufFolder } from '../../src/model/gguf-folder.ts';
import { openGguf } from '../../src/model/gguf-writer/file.ts';
import { matrixType } from '../../src/model/gguf-writer/types.ts';
import { layoutAdapter } from '../../src/model/lora.ts';
import { openWeights } from '../../src/model/open-weights.ts';
import { encodeAdapter, type LoraConfig } from '../../src/model/peft.ts';
import { Tokenizer } from '../../src/model/tokenizer.ts';
import { GGUF_CASES, ggufCase } from '../gguf-models.ts';
import { merged, randomFactors } from '../random-model.ts';
import { writeSafetensors } from '../safetensors.ts';

async function exported(
  checkpoint: Parameters<typeof openGguf>[0],
  outtype: Parameters<typeof openGguf>[1],
): Promise<CheckpointFolder> {
  const { size, pieces } = await openGguf(checkpoint, outtype);
  const parts: BlobPart[] = [];
  for await (const piece of pieces()) parts.push(piece);
  const blob = new Blob(parts);
  expect(blob.size).toBe(size);
  return ggufFolder(blobSource('m.gguf', blob));
}

async function tensorsOf(folder: CheckpointFolder): Promise<Map<string, Float32Array>> {
  const { tensors } = await openWeights(folder, await readConfig(folder));
  const all = tensors.map(async ({ name, file }) => [name, await file.read(name)] as const);
  return new Map(await Promise.all(all));
}

const inHalves = (values: ArrayLike<number>): Float32Array =>
  decode('f16', encode('f16', Float32Array.from(values)).buffer as ArrayBuffer);

const TEXT = "the thing's 1,234 naïve\n\n  end<|end|>in</think> 漢字 🙂";

describe.each(GGUF_CASES)('%s, written and read', (name) => {
  const { config, folder, tensors } = ggufCase(name);

  it('has the config, the weights in float16 and the tokenizer', async () => {
    const read = await exported({ base: folder, tokenizer: folder }, 'f16');
    const again = await readConfig(read);
    expect(comparable(again)).toEqual(comparable(config));
    const weights = await tensorsOf(read);
    for (const [own, values] of tensors) {
      const is1d = /norm|bias/.test(own);
      const found = weights.get(own)!;
      // Gemma's norms are stored with 1 added, in float32: it rounds numbers near 2.
      const error = Math.max(
        ...(is1d ? values : inHalves(values)).map((x, i) => Math.abs(x - found[i]!)),
      );
      expect(error, own).toBeLessThanOrEqual(name === 'gemma3' && is1d ? 2 ** -23 : 0);
    }
    const [ours, theirs] = [await Tokenizer.load(folder), await Tokenizer.load(read)];
    expect(theirs.encode(TEXT)).toEqual(ours.encode(TEXT));
    expect(theirs.decode(ours.encode(TEXT))).toBe(ours.decode(ours.encode(TEXT)));
    // The end token of the tokenizer comes first.
    expect(again.eosTokenIds).toEqual(
      [ours.eosTokenId!, 1, 263].filter((id, i, all) => all.indexOf(id) === i),
    );
    expect(theirs.eosTokenId).toBe(ours.eosTokenId);
    expect(theirs.bosTokenId).toBe(ours.bosTokenId);
    const turns = [{ role: 'user', content: 'hi' }] as const;
    expect(theirs.applyChatTemplate(turns)).toBe(ours.applyChatTemplate(turns));
  });
});

/** What the file says in another way: no windows, and divisors in the place of a formula. */
function comparable(config: ModelConfig): Record<string, unknown> {
  const { ropeScaling, window, ...rest } = config;
  const isSliding = ['olmo3', 'gemma3'].includes(config.family);
  return {
    ...rest,
    // Its own test compares them: the file has those of the tokenizer too.
    ...{ eosTokenIds: undefined, bosTokenId: undefined },
    family: config.family === 'mistral' ? 'llama' : config.family,
    ...(config.family === 'mistral' && { maxPositions: window ?? config.maxPositions }),
    ...(isSliding && { window }),
    ...(ropeScaling?.type === 'linear' && { ropeScaling }),
  };
}

it.each([
  ['llama', 'blk.0.ffn_norm.weight', 'blk.0.attn_norm.weight'],
  ['olmo2', 'blk.0.post_attention_norm.weight', 'blk.0.post_ffw_norm.weight'],
  ['phi3', 'blk.0.attn_qkv.weight', 'blk.0.ffn_up.weight'],
  ['gemma3', 'blk.0.post_attention_norm.weight', 'blk.0.ffn_norm.weight'],
])('%s has the names of llama.cpp', async (name, ...names) => {
  const { folder } = ggufCase(name);
  const { pieces } = await openGguf({ base: folder, tokenizer: folder }, 'f16');
  const parts: Uint8Array[] = [];
  for await (const piece of pieces()) parts.push(piece);
  const text = Buffer.from(parts[0]!).toString('latin1');
  for (const own of names) expect(text).toContain(own);
  expect(text.includes('blk.0.ffn_norm.weight')).toBe(name !== 'olmo2');
});

it('Llama 3 positions are read as the divisors that they are', async () => {
  const { folder } = ggufCase('llama');
  const { ropeScaling } = await readConfig(
    await exported({ base: folder, tokenizer: folder }, 'f16'),
  );
  if (ropeScaling?.type !== 'longrope') throw new Error('divisors are needed');
  // Of 8 frequencies of a head of 16, wavelengths 2 pi, 2 pi 10^0.5 ... with an original length of 16.
  const { shortFactor, longFactor, attentionFactor } = ropeScaling;
  expect(attentionFactor).toBe(1);
  expect(longFactor).toEqual(shortFactor);
  const turns = Array.from({ length: 8 }, (_, i) => 16 / (2 * Math.PI * 10000 ** (i / 8)));
  const expected = turns.map((x) => (x > 4 ? 1 : x < 1 ? 8 : 1 / ((4 - x) / 24 + (x - 1) / 3)));
  shortFactor.forEach((factor, i) => expect(factor).toBeCloseTo(expected[i]!, 5));
});

it('an adapter is merged', async () => {
  const { config, folder, tensors } = ggufCase('llama');
  const lora: LoraConfig = {
    ...{ r: 2, alpha: 4, task: 'CAUSAL_LM', targets: ['q_proj', 'k_proj', 'down_proj'] },
  };
  const factors = randomFactors(config, lora);
  const { parameters } = layoutAdapter(config, lora);
  const weights = writeSafetensors(
    new Map(
      [...factors].map(([own, values]) => [own, { shape: parameters.get(own)!.shape, values }]),
    ),
  );
  const files = encodeAdapter(lora, weights);
  const adapter = droppedFolder(
    new Map([...files].map(([file, bytes]) => [`a/${file}`, new Blob([bytes as BlobPart])])),
  );
  const read = await exported(
    { base: folder, adapter: { folder: adapter, config: lora }, tokenizer: folder },
    'f16',
  );
  const found = await tensorsOf(read);
  for (const [own, values] of merged(tensors, factors, lora)) {
    if (!own.includes('norm')) expect(found.get(own), own).toEqual(inHalves(values));
  }
});

describe('quantised types', () => {
  const { quantised } = JSON.parse(
    readFileSync(join(import.meta.dirname, 'gguf.json'), 'utf8'),
  ) as { quantised: Record<'values' | 'Q8_0' | 'Q4_0', string> };
  const bytes = (text: string): Uint8Array<ArrayBuffer> =>
    new Uint8Array(Buffer.from(text, 'base64'));

  it.each([
    ['q8_0', 'Q8_0'],
    ['q4_0', 'Q4_0'],
  ] as const)('%s has the bytes of the package gguf', (outtype, name) => {
    const values = new Float32Array(bytes(quantised.values).buffer);
    const type = matrixType(outtype, 'blk.0.attn_q.weight', 32);
    expect(type.encode(values)).toEqual(bytes(quantised[name]));
  });

  it('tables have 8 bits at least, and rows that are no whole blocks 16', () => {
    const bytesOf = (name: string, length: number) => matrixType('q4_0', name, length).bytes;
    expect(bytesOf('token_embd.weight', 64)).toBe(34);
    expect(bytesOf('blk.0.ffn_up.weight', 64)).toBe(18);
    expect(bytesOf('blk.0.ffn_up.weight', 48)).toBe(2);
  });

  it.each(['q8_0', 'q4_0'] as const)('a model in %s is read back near to it', async (outtype) => {
    const { folder, tensors } = ggufCase('qwen3');
    const found = await tensorsOf(await exported({ base: folder, tokenizer: folder }, outtype));
    for (const [own, values] of tensors) {
      const largest = Math.max(...values.map(Math.abs));
      const step = largest / (outtype === 'q8_0' ? 127 : 8);
      const error = Math.max(...values.map((x, i) => Math.abs(x - found.get(own)![i]!)));
      // Half a step, or a whole one at the far side of the 16; and the rounding to float16.
      expect(error, own).toBeLessThan(step * 1.01 + 1e-3);
    }
  });
});

describe('is refused before anything is written', () => {
  const refusal = async (
    name: string,
    changed: Record<string, unknown>,
    tokenizer: Record<string, unknown> = {},
  ): Promise<string> => {
    const { files } = ggufCase(name, changed);
    const json = JSON.parse(await files.get('tokenizer.json')!.text()) as Record<string, unknown>;
    const changedFiles = new Map([...files].map(([file, blob]) => [`m/${file}`, blob]));
    changedFiles.set('m/tokenizer.json', new Blob([JSON.stringify({ ...json, ...tokenizer })]));
    const folder = droppedFolder(changedFiles);
    const error: unknown = await openGguf({ base: folder, tokenizer: folder }, 'f16').catch(
      (e: unknown) => e,
    );
    expect(error).toBeInstanceOf(CheckpointError);
    return (error as CheckpointError).message;
  };

  const words = { type: 'WordLevel', vocab: { a: 0, b: 1 }, unk_token: 'a' };
  it.each([
    [
      'llama',
      { hidden_act: 'gelu_pytorch_tanh' },
      {},
      'm has the activation gelu_tanh, which llama',
    ],
    [
      'llama',
      { rope_scaling: { rope_type: 'dynamic', factor: 2 } },
      {},
      'scales positions by dynamic',
    ],
    ['smollm3', { no_rope_layers: [1, 0, 1, 1] }, {}, 'rotates other layers than three of four'],
    [
      'gemma3',
      { sliding_window_pattern: 3, layer_types: null },
      {},
      'other sliding layers than five',
    ],
    ['gemma3', { query_pre_attn_scalar: 64 }, {}, 'has query_pre_attn_scalar 64'],
    ['olmo3', { rope_parameters: null }, {}, 'has another rope_theta in sliding layers'],
    ['olmo2', { head_dim: 8 }, {}, 'has heads of 8 where hidden_size 64 and 4 heads'],
    [
      'llama',
      { eos_token_id: [1, 2, 3, 4] },
      {},
      'the model has 5 end tokens, and a GGUF file names',
    ],
    ['llama', {}, { model: words, added_tokens: [] }, 'its vocabulary is of kind WordLevel'],
    [
      'llama',
      {},
      { pre_tokenizer: { type: 'Whitespace' } },
      'it cuts texts into words in another way',
    ],
    ['llama', {}, { normalizer: { type: 'Lowercase' } }, 'it normalises texts (Lowercase)'],
  ])('%s with %j %j', async (name, changed, tokenizer, sentence) => {
    expect(await refusal(name, changed, tokenizer)).toContain(sentence);
  });

  it('a reward model', async () => {
    const changed = { architectures: ['LlamaForSequenceClassification'], num_labels: 1 };
    expect(await refusal('llama', { ...changed, tie_word_embeddings: true })).toBe(
      'm is a reward model, which llama.cpp does not compute for llama; save it as a ' +
        'folder (--to hf, an adapter --to merged)',
    );
  });
});
