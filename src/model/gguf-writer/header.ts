/** The header of a GGUF file: see ../gguf-header.ts, which reads it. */

import { MAGIC } from '../gguf-header.ts';

export type Written =
  | { readonly kind: 'uint32' | 'float32'; readonly value: number }
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'int32s' | 'float32s'; readonly values: ArrayLike<number> }
  | { readonly kind: 'bools'; readonly values: readonly boolean[] }
  | { readonly kind: 'texts'; readonly values: readonly string[] };

export const uint32 = (value: number): Written => ({ kind: 'uint32', value });
export const float32 = (value: number): Written => ({ kind: 'float32', value });
export const bool = (value: boolean): Written => ({ kind: 'bool', value });
export const text = (value: string): Written => ({ kind: 'text', value });

interface PlacedTensor {
  readonly name: string;
  /** As in PyTorch; the file has it the other way round. */
  readonly shape: readonly number[];
  readonly type: number;
  /** From the end of the header. */
  readonly offset: number;
}

/** Tensors and the end of the header lie at multiples of it. */
const ALIGNMENT = 32;
export const aligned = (at: number): number => Math.ceil(at / ALIGNMENT) * ALIGNMENT;

/** The numbers of kinds of values in the format. */
const KINDS = { uint32: 4, int32: 5, float32: 6, bool: 7, text: 8, list: 9 } as const;

export function encodeHeader(
  values: ReadonlyMap<string, Written>,
  tensors: readonly PlacedTensor[],
): Uint8Array<ArrayBuffer> {
  const out = new Bytes();
  out.uint32(MAGIC);
  out.uint32(3);
  out.uint64(tensors.length);
  out.uint64(values.size);
  for (const [key, value] of values) {
    out.text(key);
    writeValue(out, value);
  }
  for (const { name, shape, type, offset } of tensors) {
    out.text(name);
    out.uint32(shape.length);
    for (const size of shape.toReversed()) out.uint64(size);
    out.uint32(type);
    out.uint64(offset);
  }
  return out.padded();
}

function writeValue(out: Bytes, written: Written): void {
  const list = (of: number, count: number): void => {
    out.uint32(KINDS.list);
    out.uint32(of);
    out.uint64(count);
  };
  switch (written.kind) {
    case 'uint32':
    case 'float32':
      out.uint32(KINDS[written.kind]);
      out[written.kind](written.value);
      return;
    case 'bool':
      out.uint32(KINDS.bool);
      out.byte(Number(written.value));
      return;
    case 'text':
      out.uint32(KINDS.text);
      out.text(written.value);
      return;
    case 'texts':
      list(KINDS.text, written.values.length);
      for (const value of written.values) out.text(value);
      return;
    case 'bools':
      list(KINDS.bool, written.values.length);
      for (const value of written.values) out.byte(Number(value));
      return;
    case 'int32s':
    case 'float32s': {
      const of = written.kind === 'int32s' ? 'int32' : 'float32';
      list(KINDS[of], written.values.length);
      for (const value of Array.from(written.values)) out[of](value);
    }
  }
}

/** Bytes that grow. */
class Bytes {
  private bytes = new Uint8Array(2 ** 16);
  private view = new DataView(this.bytes.buffer);
  private length = 0;
  private readonly utf8 = new TextEncoder();

  private take(count: number): number {
    const start = this.length;
    this.length += count;
    if (this.length > this.bytes.length) {
      const grown = new Uint8Array(2 * this.length);
      grown.set(this.bytes);
      this.bytes = grown;
      this.view = new DataView(grown.buffer);
    }
    return start;
  }

  byte(value: number): void {
    const at = this.take(1);
    this.view.setUint8(at, value);
  }

  uint32(value: number): void {
    const at = this.take(4);
    this.view.setUint32(at, value, true);
  }

  int32(value: number): void {
    const at = this.take(4);
    this.view.setInt32(at, value, true);
  }

  float32(value: number): void {
    const at = this.take(4);
    this.view.setFloat32(at, value, true);
  }

  uint64(value: number): void {
    const at = this.take(8);
    this.view.setBigUint64(at, BigInt(value), true);
  }

  text(value: string): void {
    const bytes = this.utf8.encode(value);
    this.uint64(bytes.length);
    const at = this.take(bytes.length);
    this.bytes.set(bytes, at);
  }

  padded(): Uint8Array<ArrayBuffer> {
    this.take(aligned(this.length) - this.length);
    return this.bytes.slice(0, this.length);
  }
}
