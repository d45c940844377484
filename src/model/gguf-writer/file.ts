/** A model as a GGUF file for llama.cpp, which is made while it is read. */
import type { Checkpoint } from '../adapted.ts';
import { readConfig } from '../checkpoint.ts';
import { CheckpointError } from '../errors.ts';
import { hasOneAdded, isPaired, nameInGguf, ROPE_FACTORS } from '../gguf-architectures.ts';
import { openMerged, type MergedTensor } from '../merge.ts';
import { aligned, encodeHeader, text, uint32 } from './header.ts';
import { ggufKeys } from './keys.ts';
import { F32, FILE_TYPE, largestIn, matrixType, type Outtype, type WrittenType } from './types.ts';
import { ggufVocabulary } from './vocabulary.ts';

type Bytes = Uint8Array<ArrayBuffer>;

interface GgufFile {
  /** In bytes. */
  readonly size: number;
  /** The file, in order. */
  readonly pieces: () => AsyncGenerator<Bytes>;
}

interface Written {
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: WrittenType;
  readonly bytes: number;
  readonly values: () => AsyncIterable<Float32Array> | Iterable<Float32Array>;
}

/**
 * A checkpoint with its adapter merged in, its tokenizer and its chat template.
 * @throws CheckpointError for a model or a tokenizer that llama.cpp does not compute as it is here
 */
export async function openGguf(checkpoint: Checkpoint, outtype: Outtype): Promise<GgufFile> {
  const { base, adapter, tokenizer } = checkpoint;
  const name = (adapter?.folder ?? base).name;
  // The end tokens are those of the tokenizer's folder, if it has any of its own.
  const { config, tensors } = await openMerged(checkpoint);
  const { architecture, values, ropeFactors } = ggufKeys(config, name);
  const own = tokenizer === base ? config : await withOwnEnds(config, checkpoint);
  const vocabulary = await ggufVocabulary(tokenizer, own);
  const keys = new Map([
    ...values,
    ['general.type', text('model')],
    ['general.name', text(name.replace(/^.*[/\\]/, ''))],
    ['general.file_type', uint32(FILE_TYPE[outtype])],
    ['general.quantization_version', uint32(2)],
    ...vocabulary,
  ]);
  const { headDim } = config;
  const written = tensors.flatMap((tensor): Written[] => {
    const own = nameInGguf(tensor.name, architecture);
    const isVector = tensor.shape.length === 1;
    const type = isVector ? F32 : matrixType(outtype, own, tensor.shape[1]!);
    const all = { shape: tensor.shape, type, bytes: bytesOf(tensor.shape, type) };
    const paired = isPaired(architecture, own);
    const one = {
      ...{ ...all, name: own },
      values: () =>
        paired
          ? pairedRows(tensor, headDim)
          : hasOneAdded(architecture, own)
            ? plusOne(tensor)
            : tensor.values(),
    };
    // llama.cpp ties no head of this family.
    const needsHead = config.tieWordEmbeddings && architecture.families.includes('olmo2');
    return own === 'token_embd.weight' && needsHead
      ? [one, { ...one, name: 'output.weight' }]
      : [one];
  });
  if (ropeFactors) {
    const shape = [ropeFactors.length];
    written.push({
      ...{ name: ROPE_FACTORS.all, shape, type: F32, bytes: bytesOf(shape, F32) },
      values: () => [ropeFactors],
    });
  }
  let end = 0;
  const placed = written.map(({ name: own, shape, type, bytes }) => {
    const offset = end;
    end += aligned(bytes);
    return { name: own, shape, type: type.number, offset };
  });
  const header = encodeHeader(keys, placed);
  return {
    size: header.length + end,
    async *pieces() {
      yield header;
      for (const tensor of written) yield* encoded(tensor, name);
    },
  };
}

/** generation_config.json beside an adapter's tokenizer. */
async function withOwnEnds(
  config: Awaited<ReturnType<typeof readConfig>>,
  { base, tokenizer }: Checkpoint,
): Promise<typeof config> {
  const folder = {
    ...base,
    open: async (file: string) =>
      file === 'config.json'
        ? base.open(file)
        : ((await tokenizer.open(file)) ?? (await base.open(file))),
  };
  return { ...config, eosTokenIds: (await readConfig(folder)).eosTokenIds };
}

const bytesOf = (shape: readonly number[], type: WrittenType): number =>
  (shape.reduce((a, b) => a * b, 1) / type.elements) * type.bytes;

async function* encoded(tensor: Written, model: string): AsyncGenerator<Bytes> {
  const largest = largestIn(tensor.type);
  for await (const values of tensor.values()) {
    const over = values.find((x) => !(Math.abs(x) <= largest));
    if (over !== undefined) {
      throw new CheckpointError(
        `${model}: tensor ${tensor.name} has ${over}, which is too large for 16 bits; ` +
          'save it as a folder (--to hf, an adapter --to merged)',
      );
    }
    yield tensor.type.encode(values);
  }
  const padding = aligned(tensor.bytes) - tensor.bytes;
  if (padding > 0) yield new Uint8Array(padding);
}

async function* plusOne(tensor: MergedTensor): AsyncGenerator<Float32Array> {
  for await (const values of tensor.values()) yield values.map((x) => x + 1);
}

/** llama.cpp's order: rows i and i + half of a head are rows 2 i and 2 i + 1. */
async function* pairedRows(tensor: MergedTensor, headDim: number): AsyncGenerator<Float32Array> {
  const width = tensor.shape[1] ?? 1;
  const head = new Float32Array(headDim * width);
  const half = headDim / 2;
  let row = 0;
  for await (const values of tensor.values()) {
    for (let at = 0; at < values.length; at += width, row = (row + 1) % headDim) {
      const to = row < half ? 2 * row : 2 * (row - half) + 1;
      head.set(values.subarray(at, at + width), to * width);
      if (row === headDim - 1) yield head.slice();
    }
  }
}
