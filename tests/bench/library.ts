/** What the benchmark wants of a library. */
import type { LibraryName, MatmulShape } from '../../src/cli/bench-result.ts';

export interface Library {
  readonly name: LibraryName;
  readonly device: GPUDevice;
  /** Takes the operands of a shape to the GPU. */
  prepare(shape: MatmulShape, a: Float32Array, b: Float32Array): Promise<Product>;
}

export interface Product {
  /** Computes the product `count` times, one after another, until the GPU has finished. */
  run(count: number): Promise<void>;
  /** The last product, [m, n]. */
  read(): Promise<Float32Array>;
  free(): void;
}

/** Products in one timing at most. */
export const MAX_COUNT = 64;
