/** GGUF files against the Python package gguf: see make_gguf.py. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { decode } from '../../src/gpu/storage.ts';
import { readConfig } from '../../src/model/checkpoint.ts';
import { CheckpointError } from '../../src/model/errors.ts';
import { blobSource, droppedFolder, type CheckpointFolder } from '../../src/model/files.ts';
import { blockStorage, dequantise, toStorage, typeOf } from '../../src/model/gguf-blocks.ts';
import { ggufModel } from '../../src/model/gguf-config.ts';
import { ggufFolder, orGguf } from '../../src/model/gguf-folder.ts';
import { readGgufHeader } from '../../src/model/gguf-header.ts';
import { ggufTokenizer } from '../../src/model/gguf-tokenizer.ts';
import { openWeights, weightStorage } from '../../src/model/open-weights.ts';
import { SafetensorsFile } from '../../src/model/safetensors.ts';
import { Tokenizer } from '../../src/model/tokenizer.ts';

interface Golden {
  blocks: Record<string, [type: number, bytes: string, values: string]>;
  models: Record<string, { file: string; tensors: Record<string, string> }>;
}

const { blocks, models } = JSON.parse(
  readFileSync(join(import.meta.dirname, 'gguf.json'), 'utf8'),
) as Golden;

const bytesOf = (text: string): Uint8Array<ArrayBuffer> =>
  new Uint8Array(Buffer.from(text, 'base64'));
/** Without the sign of zeros. */
const plain = (values: Float32Array): Float32Array => values.map((value) => value + 0);
const hash = (values: Float32Array): string =>
  createHash('sha256')
    .update(new Uint8Array(plain(values).buffer))
    .digest('hex')
    .slice(0, 12);

describe.each(Object.entries(blocks))('a block of %s', (_, [number, bytes, values]) => {
  const type = typeOf(number)!;
  if ('plain' in type) throw new Error('a quantised type is needed');
  const expected = new Float32Array(bytesOf(values).buffer);

  it('has the numbers that the package gguf gives', () => {
    expect(plain(dequantise(type, bytesOf(bytes)))).toEqual(expected);
  });

  it('loses what is said on its way to the GPU', () => {
    const storage = blockStorage(type, 256)!;
    const stored = decode(storage, toStorage(type, bytesOf(bytes), storage).buffer as ArrayBuffer);
    for (let first = 0; first < expected.length; first += 32) {
      const group = expected.subarray(first, first + 32);
      const largest = Math.max(...group.map(Math.abs));
      const range = Math.max(...group) - Math.min(...group);
      // Blocks of 32 are as they were, but K types round step and minimum to 11 bits.
      const isExact = !type.name.endsWith('K');
      const bound = isExact
        ? 0
        : type.group === 32
          ? 2 ** -9 * largest
          : range / 500 + largest / 1000;
      group.forEach((value, i) => {
        expect(Math.abs(stored[first + i]! - value)).toBeLessThanOrEqual(bound);
      });
    }
  });
});

const fileOf = (name: string, bytes: Uint8Array<ArrayBuffer>) =>
  blobSource(name, new Blob([bytes]));
const open = (name: string): Promise<CheckpointFolder> =>
  ggufFolder(fileOf('m.gguf', bytesOf(models[name]!.file)));

describe.each(Object.entries(models))('a file of %s', (name, { tensors }) => {
  it('has the config and the tensors of transformers', async () => {
    const folder = await open(name);
    const config = await readConfig(folder);
    const isLlama = name === 'llama';
    expect(config).toMatchObject({
      ...{ family: name, hiddenSize: 32, intermediateSize: 64, layers: 1, heads: 4, kvHeads: 2 },
      ...{ headDim: 8, vocabSize: 13, ropeTheta: 50000, rmsNormEps: 1e-6, maxPositions: 128 },
      ...{ tieWordEmbeddings: isLlama, eosTokenIds: [isLlama ? 2 : 7] },
    });
    const opened = (await openWeights(folder, config)).tensors;
    expect(opened.map((tensor) => tensor.name).sort()).toEqual(Object.keys(tensors).sort());
    for (const tensor of opened) {
      expect(hash(await tensor.file.read(tensor.name)), tensor.name).toBe(tensors[tensor.name]);
    }
    expect(weightStorage(opened)).toEqual({ layers: 'int8', tables: 'f16' });
  });

  it('gives a safetensors file that others can read, in whatever pieces', async () => {
    const folder = await open(name);
    const source = (await folder.open('model.safetensors'))!;
    const file = await SafetensorsFile.open(source);
    for (const { dtype } of file.tensors.values()) expect(['F32', 'F16']).toContain(dtype);
    const whole = await source.read();
    const pieces: number[] = [];
    for (let at = 0; at < source.size; at += 1009) {
      pieces.push(...(await source.read(at, Math.min(source.size, at + 1009))));
    }
    expect(Uint8Array.from(pieces)).toEqual(whole);
  });
});

describe('the vocabulary of a GGUF file', () => {
  it('of byte pairs', async () => {
    const tokenizer = await Tokenizer.load(await open('qwen2'));
    expect(tokenizer.encode('ab ab<eos>c\n1!</think>')).toEqual([5, 6, 7, 2, 10, 4, 11, 9]);
    expect(tokenizer.decode([5, 6, 7, 9], { skipSpecial: true })).toBe('ab ab</think>');
    expect(tokenizer.eosTokenId).toBe(7);
    const turns = [{ role: 'user', content: 'ab' }] as const;
    expect(tokenizer.applyChatTemplate(turns)).toBe('ab<eos>');
  });

  it('keeps templates for other uses apart from the one that is used', async () => {
    const { file } = models.qwen2!;
    const header = await readGgufHeader(fileOf('m.gguf', bytesOf(file)));
    const values = new Map([...header.values, ['tokenizer.chat_template.rag', 'r'] as const]);
    const { template, config } = ggufTokenizer({ ...header, values }, 'm.gguf');
    expect(template).toBe('{{ messages[0].content }}<eos>');
    expect(config['chat_template']).toEqual({ rag: 'r' });
    expect(ggufTokenizer(header, 'm.gguf').config).not.toHaveProperty('chat_template');
  });

  it('of SentencePiece, where the highest score is put together first', async () => {
    const tokenizer = await Tokenizer.load(await open('llama'));
    // "▁aab": ab (-2) before ▁a (-3), then aab (-1), and nothing joins that to the mark.
    expect(tokenizer.encodePrompt('aab')).toEqual([1, 4, 10]);
    expect(tokenizer.encode('ab\nc')).toEqual([9, 3, 11]);
    expect(tokenizer.decode([9, 3, 11])).toBe('ab\nc');
    // A byte-order mark is a part of its token.
    expect(tokenizer.encode('ca')).toEqual([4, 11, 5]);
    expect(tokenizer.decode([12])).toBe('\ufeffa');
  });
});

async function refusal(run: () => Promise<unknown>): Promise<string> {
  const error: unknown = await run().catch((e: unknown) => e);
  expect(error).toBeInstanceOf(CheckpointError);
  return (error as CheckpointError).message;
}

describe('a broken GGUF file is refused', () => {
  const good = bytesOf(models.llama!.file);
  const changed = (at: number, ...bytes: number[]) => {
    const copy = good.slice();
    copy.set(bytes, at);
    return () => ggufFolder(fileOf('m.gguf', copy));
  };
  const replaced = (text: string, by: string) =>
    changed(Buffer.from(good).indexOf(text), ...Buffer.from(by));

  it.each([
    ['another format', changed(0, 80, 75), /does not begin with GGUF.*download it again/],
    ['version 1', changed(4, 1), /has version 1 of the format, and only 2 and 3 are read/],
    ['big-endian', changed(4, 0, 0, 0, 3), /is big-endian, and only little-endian/],
    ['absurdly many tensors', changed(8, 255, 255, 255, 255), /impossible number in its counts/],
    [
      'absurdly many keys',
      changed(16, 0, 0, 0, 0, 0, 0, 0, 127),
      /impossible number in its counts/,
    ],
    [
      'an unknown architecture',
      replaced('llama', 'lmama'),
      /has the architecture lmama, and of GGUF/,
    ],
    [
      'no width',
      replaced('embedding_length', 'embedding_lengtx'),
      /has no number llama\.embedding_len/,
    ],
  ])('%s', async (_, run, sentence) => {
    expect(await refusal(run)).toMatch(sentence);
  });

  it.each([
    ['4', 4, /impossible number in the place of output_norm\.weight; download it again/],
    ['0', 0, /tensor \S+ begins inside another tensor; download it again/],
  ])('with a tensor at byte %s, which is not its own', async (_, place, sentence) => {
    const name = 'output_norm.weight';
    // Behind the name: the number of dimensions, one dimension, and the type.
    const at = Buffer.from(good).indexOf(name) + name.length + 4 + 8 + 4;
    const load = async () => {
      const folder = await changed(at, place, 0, 0, 0, 0, 0, 0, 0)();
      await openWeights(folder, await readConfig(folder));
    };
    expect(await refusal(load)).toMatch(sentence);
  });

  it('with lists in lists, which would fill the stack', async () => {
    const u32 = (n: number) => [...new Uint8Array(new Uint32Array([n]).buffer)];
    const one = [1, 0, 0, 0, 0, 0, 0, 0];
    const none = one.map(() => 0);
    const head = [...good.slice(0, 4), ...u32(3), ...none, ...one, ...one, 97, ...u32(9)];
    const level = [...u32(9), ...one];
    const bytes = new Uint8Array([...head, ...Array.from({ length: 20_000 }, () => level).flat()]);
    expect(await refusal(() => ggufFolder(fileOf('m.gguf', bytes)))).toBe(
      'm.gguf has a list of lists, which no GGUF file has; download it again',
    );
  });

  it('that is cut off, at every length', async () => {
    for (let end = 0; end < good.length; end += 97) {
      const file = fileOf('m.gguf', good.slice(0, end));
      const load = async () => {
        const folder = await ggufFolder(file);
        await openWeights(folder, await readConfig(folder));
      };
      expect(await refusal(load)).toMatch(/cut off|does not begin with GGUF|impossible number/);
    }
  });

  it.each([
    ['general.type', 'adapter', /is a GGUF file of kind adapter, and only whole models are read/],
    ['general.architecture', 'qwen2moe', /has the architecture qwen2moe, .*; choose another model/],
    ['llama.expert_count', 8, /has llama\.expert_count 8 \(a mixture of experts\), which is not/],
    ['llama.attn_logit_softcapping', 50, /attn_logit_softcapping 50 \(bounded attention scores\)/],
    ['llama.attention.causal', false, /attention\.causal false \(tokens see later ones\)/],
    ['llama.attention.value_length', 4, /value_length 4, not the key_length 8/],
    [
      'llama.rope.dimension_count',
      4,
      /rope\.dimension_count 4, a part of the 8 elements of a head/,
    ],
  ])('with %s %s, which would give other numbers', async (key, value, sentence) => {
    const header = await readGgufHeader(fileOf('m.gguf', good));
    const values = new Map(header.values).set(key, value);
    expect(await refusal(() => ggufModel({ ...header, values }, 'm.gguf'))).toMatch(sentence);
    const usual = new Map(header.values).set('llama.expert_count', 0).set('general.type', 'model');
    await ggufModel({ ...header, values: usual }, 'm.gguf');
  });

  it('with a type that is not read', async () => {
    const at = Buffer.from(good).indexOf('blk.0.ffn_down.weight') + 21 + 4 + 16;
    const folder = await changed(at, 10)();
    const load = async () => openWeights(folder, await readConfig(folder));
    expect(await refusal(load)).toMatch(
      /tensor blk\.0\.ffn_down\.weight has type Q2_K, and only F32/,
    );
  });
});

it('a folder with one GGUF file is that file, unless it has a config.json', async () => {
  const gguf = new Blob([bytesOf(models.llama!.file)]);
  const folder = (files: Record<string, Blob>) => droppedFolder(new Map(Object.entries(files)));
  expect((await readConfig(await orGguf(folder({ 'm/a.gguf': gguf })))).family).toBe('llama');
  const two = folder({ 'm/a.gguf': gguf, 'm/b.gguf': gguf });
  expect(await refusal(async () => readConfig(await orGguf(two)))).toBe(
    'm holds 2 GGUF files (a.gguf, b.gguf); choose one of them',
  );
  const both = folder({ 'm/a.gguf': gguf, 'm/config.json': new Blob(['{}']) });
  expect(await orGguf(both)).toBe(both);
});
