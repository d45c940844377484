/** A library that the benchmark compares with, opened. */
import type { Library } from '../../src/app/measure/bench.ts';

export interface OpenLibrary extends Library {
  /** All libraries must run on the same adapter. */
  readonly device: GPUDevice;
}
