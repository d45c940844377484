/** Where the operands and the result of a matrix product lie in their buffers. */
import type { Bindable, Dyn } from '../kernel.ts';
import type { Storage } from '../storage.ts';
import type { Operand } from './matmul-prelude.ts';

/** A part of a larger matrix: the index of its first element, and the elements from row to row. */
export interface Slice {
  of: Bindable;
  offset: number;
  stride: number;
}

/** A plain buffer is a dense matrix; its row length follows from the sizes of the launch. */
export type Matrix = Bindable | Slice;

export interface Placed<D> {
  of: Bindable;
  offset: number;
  stride: Dyn<D>;
}

export function placed<D>(matrix: Matrix, width: Dyn<D>): Placed<D> {
  return 'of' in matrix ? matrix : { of: matrix, offset: 0, stride: width };
}

/** Rows of f32 that the buffer has memory for. */
export function mostRows<D>({ of, offset, stride }: Placed<D>): number {
  return typeof stride === 'number' ? Math.ceil((of.byteLength / 4 - offset) / stride) : Infinity;
}

export function storageOf(of: Bindable): Storage {
  return ('storage' in of && of.storage) || 'f32';
}

export function operand<D>(place: Placed<D>, kMajor: boolean, width: Dyn<D>): Operand {
  const storage = storageOf(place.of);
  // A size that is a function may have any value. The rows of storages other than f32 always are
  // multiples of four.
  const aligned = storage !== 'f32' || (fours(width) && inFours(place));
  return { kMajor, aligned, storage };
}

export function inFours<D>({ offset, stride }: Placed<D>): boolean {
  return fours(offset) && fours(stride);
}

export function inTwos<D>({ offset, stride }: Placed<D>): boolean {
  return offset % 2 === 0 && typeof stride === 'number' && stride % 2 === 0;
}

export function halfOf<D>(n: Dyn<D>): Dyn<D> {
  return typeof n === 'number' ? n / 2 : (d) => n(d) / 2;
}

export function fours<D>(size: Dyn<D>): boolean {
  return typeof size === 'number' && size % 4 === 0;
}
