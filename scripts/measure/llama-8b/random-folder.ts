/**
 * A Hugging Face folder of a model with random weights that exists nowhere: each read makes the bytes that
 * it returns. So the loading of a large checkpoint can be measured without the checkpoint.
 */
import { configToJson, type ModelConfig } from '../../../src/model/config.ts';
import type { CheckpointFolder, FileSource } from '../../../src/model/files.ts';
import { layoutParameters } from '../../../src/model/parameters.ts';
import { safetensorsHeader } from '../../../src/model/safetensors.ts';
import { Random } from '../../../src/rl/random.ts';
import { worldTokenizerFiles } from '../../../src/rl/world/tokenizer-files.ts';
import { encodeHalves } from '../../../src/gpu/storage.ts';

/** As the weights of pretrained models. */
const STD = 0.02;
const ONE = 0x3f80;

export function randomFolder(name: string, config: ModelConfig): CheckpointFolder {
  const texts = new Map(
    Object.entries({
      'config.json': configToJson(config),
      ...tokenizerFiles(config.vocabSize),
    }).map(([file, json]) => [file, new TextEncoder().encode(JSON.stringify(json))]),
  );
  return {
    name,
    open(file) {
      if (file === 'model.safetensors') return Promise.resolve(randomWeights(name, config));
      const text = texts.get(file);
      const source = text && {
        path: `${name}/${file}`,
        size: text.length,
        read: (start = 0, end = text.length) => Promise.resolve(text.slice(start, end)),
      };
      return Promise.resolve(source);
    },
  };
}

/** A safetensors file in bf16: norms are ones, everything else is normal. */
export function randomWeights(name: string, config: ModelConfig): FileSource {
  const tensors = [...layoutParameters(config).parameters.values()].map((tensor) => ({
    ...{ name: tensor.name, shape: tensor.shape, dtype: 'BF16' as const },
    bytes: 2 * tensor.shape.reduce((product, n) => product * n, 1),
  }));
  const header = safetensorsHeader(tensors);
  const size = tensors.reduce((sum, { bytes }) => sum + bytes, header.length);
  const normal = new Random(0);
  const table = encodeHalves(
    'bf16',
    Float32Array.from({ length: 2 ** 16 }, () => STD * normal.normal()),
  );
  const isNorm = (at: number): boolean => {
    let end = header.length;
    for (const tensor of tensors) {
      end += tensor.bytes;
      if (at < end) return tensor.name.includes('norm');
    }
    return false;
  };
  return {
    path: `${name}/model.safetensors`,
    size,
    /** A part of the header, or of one tensor. */
    read(start = 0, end = size) {
      if (end <= header.length) return Promise.resolve(header.slice(start, end));
      const values = new Uint16Array((end - start) / 2);
      if (isNorm(start)) values.fill(ONE);
      else fillFrom(table, values, start);
      return Promise.resolve(new Uint8Array(values.buffer));
    },
  };
}

/** Draws from a table by a generator of 32 bits (Marsaglia's xorshift); two draws a number. */
function fillFrom(table: Uint16Array, values: Uint16Array, seed: number): void {
  let state = Math.imul(seed % 2 ** 31, 0x9e3779b1) | 1;
  for (let i = 0; i < values.length; i += 2) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    values[i] = table[state & 0xffff]!;
    values[i + 1] = table[state >>> 16]!;
  }
}

/** The world's tokenizer with a word for every further id. */
function tokenizerFiles(vocabSize: number): Record<string, object> {
  const files = worldTokenizerFiles();
  const json = files['tokenizer.json'] as { model: { vocab: Record<string, number> } };
  const { vocab } = json.model;
  const words = Array.from({ length: vocabSize }, (_, id) => [`w${id}`, id] as const);
  const all = { ...vocab, ...Object.fromEntries(words.slice(Object.keys(vocab).length)) };
  return { ...files, 'tokenizer.json': { ...json, model: { ...json.model, vocab: all } } };
}
