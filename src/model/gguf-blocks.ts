/**
 * The types of numbers in GGUF files. A block of a quantised type has groups of neighbours that share a
 * step and a minimum: a number is step x code + minimum. Layouts: ggml-quants.c and ggml-common.h.
 */
import { affineWord, BLOCK, encode, fromHalf, type Storage } from '../gpu/storage.ts';

interface PlainType {
  readonly name: string;
  readonly plain: 'f32' | 'f16' | 'bf16';
}

interface BlockType {
  readonly name: string;
  /** Numbers of a block, its bytes, and the numbers that share a step. */
  readonly elements: number;
  readonly bytes: number;
  readonly group: number;
  /** Codes are below 2^bits. */
  readonly bits: number;
  readonly unpack: (block: DataView, out: Unpacked) => void;
}

export type GgufType = PlainType | BlockType;

/** One block: its codes, and a step and a minimum for each group. */
interface Unpacked {
  readonly codes: Uint8Array;
  readonly steps: Float32Array;
  readonly minima: Float32Array;
}

const half = (block: DataView, at: number): number => fromHalf(block.getUint16(at, true));

/** 16 bytes with two codes each: the lower halves are the first 16 numbers. */
function nibbles(block: DataView, at: number, codes: Uint8Array): void {
  for (let i = 0; i < 16; i++) {
    const byte = block.getUint8(at + i);
    codes[i] = byte & 15;
    codes[i + 16] = byte >> 4;
  }
}

/** The fifth bits of 32 codes. */
function fifthBits(block: DataView, at: number, codes: Uint8Array): void {
  const bits = block.getUint32(at, true);
  for (let i = 0; i < 32; i++) codes[i]! |= ((bits >>> i) & 1) << 4;
}

/** Eight scales and eight minima of 6 bits in 12 bytes (get_scale_min_k4). */
function scalesOf(block: DataView, { steps, minima }: Unpacked): void {
  const byte = (i: number): number => block.getUint8(4 + i);
  const [d, least] = [half(block, 0), half(block, 2)];
  for (let j = 0; j < 8; j++) {
    const low = j < 4;
    const scale = low ? byte(j) & 63 : (byte(j + 4) & 15) | ((byte(j - 4) >> 6) << 4);
    const minimum = low ? byte(j + 4) & 63 : (byte(j + 4) >> 4) | ((byte(j) >> 6) << 4);
    steps[j] = d * scale;
    minima[j] = -least * minimum;
  }
}

/** 64 numbers of a K block share 32 bytes: the lower halves are the first 32. */
function pairedNibbles(block: DataView, at: number, codes: Uint8Array): void {
  for (let j = 0; j < 4; j++) {
    for (let i = 0; i < 32; i++) {
      const byte = block.getUint8(at + 32 * j + i);
      codes[64 * j + i] = byte & 15;
      codes[64 * j + 32 + i] = byte >> 4;
    }
  }
}

const small = { elements: 32, group: 32 };
const large = { elements: 256, group: 32 };

/** By their numbers in ggml. */
const TYPES: ReadonlyMap<number, GgufType> = new Map<number, GgufType>([
  [0, { name: 'F32', plain: 'f32' }],
  [1, { name: 'F16', plain: 'f16' }],
  [30, { name: 'BF16', plain: 'bf16' }],
  [
    2,
    {
      ...{ name: 'Q4_0', ...small, bytes: 18, bits: 4 },
      unpack(block, { codes, steps, minima }) {
        steps[0] = half(block, 0);
        minima[0] = -8 * steps[0];
        nibbles(block, 2, codes);
      },
    },
  ],
  [
    3,
    {
      ...{ name: 'Q4_1', ...small, bytes: 20, bits: 4 },
      unpack(block, { codes, steps, minima }) {
        steps[0] = half(block, 0);
        minima[0] = half(block, 2);
        nibbles(block, 4, codes);
      },
    },
  ],
  [
    6,
    {
      ...{ name: 'Q5_0', ...small, bytes: 22, bits: 5 },
      unpack(block, { codes, steps, minima }) {
        steps[0] = half(block, 0);
        minima[0] = -16 * steps[0];
        nibbles(block, 6, codes);
        fifthBits(block, 2, codes);
      },
    },
  ],
  [
    7,
    {
      ...{ name: 'Q5_1', ...small, bytes: 24, bits: 5 },
      unpack(block, { codes, steps, minima }) {
        steps[0] = half(block, 0);
        minima[0] = half(block, 2);
        nibbles(block, 8, codes);
        fifthBits(block, 4, codes);
      },
    },
  ],
  [
    8,
    {
      ...{ name: 'Q8_0', ...small, bytes: 34, bits: 8 },
      unpack(block, { codes, steps, minima }) {
        steps[0] = half(block, 0);
        minima[0] = -128 * steps[0];
        for (let i = 0; i < 32; i++) codes[i] = block.getInt8(2 + i) + 128;
      },
    },
  ],
  [
    12,
    {
      ...{ name: 'Q4_K', ...large, bytes: 144, bits: 4 },
      unpack(block, out) {
        scalesOf(block, out);
        pairedNibbles(block, 16, out.codes);
      },
    },
  ],
  [
    13,
    {
      ...{ name: 'Q5_K', ...large, bytes: 176, bits: 5 },
      unpack(block, out) {
        scalesOf(block, out);
        pairedNibbles(block, 48, out.codes);
        for (let i = 0; i < 256; i++) {
          out.codes[i]! |= ((block.getUint8(16 + (i % 32)) >> (i >> 5)) & 1) << 4;
        }
      },
    },
  ],
  [
    14,
    {
      ...{ name: 'Q6_K', elements: 256, group: 16, bytes: 210, bits: 6 },
      unpack(block, { codes, steps, minima }) {
        const d = half(block, 208);
        for (let i = 0; i < 16; i++) {
          steps[i] = d * block.getInt8(192 + i);
          minima[i] = -32 * steps[i]!;
        }
        for (let i = 0; i < 256; i++) {
          const [side, at] = [i >> 7, i & 127];
          const low = block.getUint8(64 * side + (at & 63));
          const high = block.getUint8(128 + 32 * side + (at & 31)) >> (2 * (at >> 5));
          codes[i] = (at < 64 ? low & 15 : low >> 4) | ((high & 3) << 4);
        }
      },
    },
  ],
]);

/** Names of types that are not read, for messages. */
const OTHERS: Record<number, string> = {
  ...{ 9: 'Q8_1', 10: 'Q2_K', 11: 'Q3_K', 15: 'Q8_K', 16: 'IQ2_XXS', 17: 'IQ2_XS', 18: 'IQ3_XXS' },
  ...{ 19: 'IQ1_S', 20: 'IQ4_NL', 21: 'IQ3_S', 22: 'IQ2_S', 23: 'IQ4_XS', 24: 'I8', 25: 'I16' },
  ...{ 26: 'I32', 27: 'I64', 28: 'F64', 29: 'IQ1_M', 34: 'TQ1_0', 35: 'TQ2_0', 39: 'MXFP4' },
};

export const typeOf = (type: number): GgufType | undefined => TYPES.get(type);
export const typeNames = (): string => [...TYPES.values()].map(({ name }) => name).join(', ');
export const nameOfType = (type: number): string =>
  TYPES.get(type)?.name ?? OTHERS[type] ?? `number ${type}`;

const PLAIN_BYTES = { f32: 4, f16: 2, bf16: 2 } as const;

/** The bytes of a row; undefined when its length is no whole number of blocks. */
export function rowBytes(type: GgufType, length: number): number | undefined {
  if ('plain' in type) return PLAIN_BYTES[type.plain] * length;
  return length % type.elements === 0 ? (length / type.elements) * type.bytes : undefined;
}

/** The fewest bits on the GPU that hold what the type holds; undefined where no quantised storage does. */
export function blockStorage(type: GgufType, length: number): 'int4' | 'int8' | undefined {
  if ('plain' in type || length % BLOCK !== 0) return undefined;
  return type.bits <= 4 ? 'int4' : 'int8';
}

/** Calls `take` with every block of some rows, unpacked. */
function eachBlock(
  type: BlockType,
  bytes: Uint8Array<ArrayBuffer>,
  take: (block: Unpacked, index: number) => void,
): void {
  const groups = type.elements / type.group;
  const out: Unpacked = {
    codes: new Uint8Array(type.elements),
    steps: new Float32Array(groups),
    minima: new Float32Array(groups),
  };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let i = 0; (i + 1) * type.bytes <= bytes.length; i++) {
    type.unpack(new DataView(view.buffer, view.byteOffset + i * type.bytes, type.bytes), out);
    take(out, i);
  }
}

/** The numbers of some rows, in float32 as ggml computes them. */
export function dequantise(type: BlockType, bytes: Uint8Array<ArrayBuffer>): Float32Array {
  const values = new Float32Array((bytes.length / type.bytes) * type.elements);
  eachBlock(type, bytes, ({ codes, steps, minima }, index) => {
    for (let i = 0; i < type.elements; i++) {
      const group = Math.floor(i / type.group);
      values[index * type.elements + i] = steps[group]! * codes[i]! + minima[group]!;
    }
  });
  return values;
}

/**
 * Some rows in the GPU's storage. Where a group is a block of the storage, its codes stay as they are, and
 * step and minimum are rounded to float16: they are float16 already, but for K types. Other types are
 * quantised anew to 8 bits: a number moves by at most 1/510 of its block's range.
 * @throws RangeError when a step or minimum is not finite, or far too large for weights
 */
export function toStorage(
  type: BlockType,
  bytes: Uint8Array<ArrayBuffer>,
  storage: Extract<Storage, 'int4' | 'int8'>,
): Uint32Array {
  if (type.group !== BLOCK) return encode(storage, dequantise(type, bytes)) as Uint32Array;
  const bits = storage === 'int4' ? 4 : 8;
  const perWord = 32 / bits;
  const wordsOfBlock = 1 + BLOCK / perWord;
  const blocks = ((bytes.length / type.bytes) * type.elements) / BLOCK;
  const words = new Uint32Array(blocks * wordsOfBlock);
  let at = 0;
  eachBlock(type, bytes, ({ codes, steps, minima }) => {
    for (let group = 0; group < steps.length; group++) {
      words[at++] = affineWord(storage, steps[group]!, minima[group]!);
      for (let i = 0; i < BLOCK; i += perWord) {
        let word = 0;
        for (let j = 0; j < perWord; j++) word |= codes[group * BLOCK + i + j]! << (j * bits);
        words[at++] = word;
      }
    }
  });
  return words;
}
