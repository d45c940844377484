/**
 * The types of numbers in which GGUF files are written: rows of a matrix as llama.cpp quantises them
 * (quantize_row_q8_0_ref and quantize_row_q4_0_ref in ggml-quants.c), in float32 as it computes.
 */
import { encodeHalves, fromHalf, toHalf } from '../../gpu/storage.ts';

/** How matrices are stored, as llama.cpp's converter calls it. */
export const OUTTYPES = ['f16', 'q8_0', 'q4_0'] as const;
export type Outtype = (typeof OUTTYPES)[number];

export interface WrittenType {
  /** Its number in ggml. */
  readonly number: number;
  /** Rows must be whole blocks. */
  readonly elements: number;
  readonly bytes: number;
  readonly encode: (values: Float32Array) => Uint8Array<ArrayBuffer>;
}

const bytesOf = (data: Float32Array | Uint16Array): Uint8Array<ArrayBuffer> =>
  new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);

const BLOCK = 32;

/** @param write the codes of one block of numbers; returns their step */
const inBlocks =
  (bytes: number, write: (block: Float32Array, codes: Uint8Array) => number) =>
  (values: Float32Array): Uint8Array<ArrayBuffer> => {
    const out = new Uint8Array((values.length / BLOCK) * bytes);
    const view = new DataView(out.buffer);
    for (let i = 0; i * BLOCK < values.length; i++) {
      const codes = out.subarray(i * bytes + 2, (i + 1) * bytes);
      const step = write(values.subarray(i * BLOCK, (i + 1) * BLOCK), codes);
      view.setUint16(i * bytes, toHalf(step), true);
    }
    return out;
  };

/** Half away from zero, as C rounds. */
const round = (x: number): number => Math.sign(x) * Math.floor(Math.abs(x) + 0.5);

function writeQ8(block: Float32Array, codes: Uint8Array): number {
  const largest = block.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  const step = Math.fround(largest / 127);
  const inverse = step === 0 ? 0 : Math.fround(1 / step);
  block.forEach((x, i) => {
    codes[i] = round(Math.fround(x * inverse));
  });
  return step;
}

/** The number that is farthest from zero has code 0, that is -8 steps. */
function writeQ4(block: Float32Array, codes: Uint8Array): number {
  const farthest = block.reduce((most, x) => (Math.abs(x) > Math.abs(most) ? x : most), 0);
  const step = Math.fround(farthest / -8);
  const inverse = step === 0 ? 0 : Math.fround(1 / step);
  const code = (x: number): number =>
    Math.min(15, Math.trunc(Math.fround(Math.fround(x * inverse) + 8.5)));
  for (let i = 0; i < 16; i++) codes[i] = code(block[i]!) | (code(block[i + 16]!) << 4);
  return step;
}

export const F32: WrittenType = { number: 0, elements: 1, bytes: 4, encode: bytesOf };

const F16: WrittenType = {
  ...{ number: 1, elements: 1, bytes: 2 },
  encode: (values) => bytesOf(encodeHalves('f16', values)),
};
const Q8_0: WrittenType = {
  ...{ number: 8, elements: BLOCK, bytes: 34 },
  encode: inBlocks(34, writeQ8),
};
const Q4_0: WrittenType = {
  ...{ number: 2, elements: BLOCK, bytes: 18 },
  encode: inBlocks(18, writeQ4),
};

/** `general.file_type` in llama.cpp. */
export const FILE_TYPE: Readonly<Record<Outtype, number>> = { f16: 1, q4_0: 2, q8_0: 7 };

/** Matrices whose rows are no whole blocks stay in float16, and tables have 8 bits at least. */
export function matrixType(outtype: Outtype, name: string, length: number): WrittenType {
  if (outtype === 'f16' || length % BLOCK !== 0) return F16;
  const isTable = name === 'token_embd.weight' || name === 'output.weight';
  return outtype === 'q8_0' || isTable ? Q8_0 : Q4_0;
}

/** The largest number that the type can hold, for a row with it. */
export const largestIn = ({ number }: WrittenType): number => {
  const half = fromHalf(0x7bff);
  if (number === F32.number) return Infinity;
  return number === Q8_0.number ? 127 * half : number === Q4_0.number ? 8 * half : half;
};
