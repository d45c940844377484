/**
 * The allocation of buffers. A device (device.ts) allocates real ones. `MemoryPlan` only counts
 * bytes, so that the code that allocates for a run can also compute beforehand what the run needs.
 */
import type { Storage } from './storage.ts';
import { KERNELS_FOR, type KernelVariants } from './variants.ts';

/** A range of a GPU buffer. Offsets are multiples of 256 bytes, the WebGPU binding alignment. */
export interface View {
  readonly buffer: GPUBuffer;
  readonly byteOffset: number;
  readonly byteLength: number;
  /** How its numbers are stored; f32 if absent. */
  readonly storage?: Storage;
}

/** What a buffer is for; the ledger keeps its bytes under this name. */
export type Lifetime = 'weights' | 'gradients' | 'moments' | 'activations' | 'kv' | 'io';

export interface Memory {
  /** Bytes of live buffers by lifetime. */
  readonly ledger: Record<Lifetime, number>;
  /** The largest buffer a kernel can see, in bytes. */
  readonly maxBinding: number;
  /** The kernels that will use the buffers. */
  readonly variants: KernelVariants;
  /** Returns a zeroed buffer of at least `bytes` bytes and counts it in the ledger. */
  allocate(lifetime: Lifetime, bytes: number, label: string): View;
  /** Destroys a whole buffer that `allocate` returned. */
  release(lifetime: Lifetime, view: View): void;
  upload(view: View, data: Float32Array | Uint32Array | Int32Array): void;
}

export function emptyLedger(): Record<Lifetime, number> {
  return { weights: 0, gradients: 0, moments: 0, activations: 0, kv: 0, io: 0 };
}

export function heldBytes(ledger: Readonly<Record<Lifetime, number>>): number {
  return Object.values(ledger).reduce((sum, bytes) => sum + bytes, 0);
}

/** The size of a buffer is a multiple of this many bytes. */
const UNIT = 16;

export function bufferBytes(bytes: number): number {
  return Math.max(UNIT, Math.ceil(bytes / UNIT) * UNIT);
}

export class MemoryPlan implements Memory {
  readonly ledger = emptyLedger();
  /** The bytes of the largest single buffer. */
  largest = 0;
  readonly maxBinding: number;
  readonly variants: KernelVariants;

  /** @param variants those for graphics cards, unless others are given, which need less memory */
  constructor(maxBinding: number, variants: KernelVariants = KERNELS_FOR.card) {
    this.maxBinding = maxBinding;
    this.variants = variants;
  }

  get total(): number {
    return heldBytes(this.ledger);
  }

  allocate(lifetime: Lifetime, bytes: number): View {
    const size = bufferBytes(bytes);
    this.ledger[lifetime] += size;
    this.largest = Math.max(this.largest, size);
    // The size is all that is read of a planned buffer.
    return { buffer: { size } as GPUBuffer, byteOffset: 0, byteLength: size };
  }

  release(lifetime: Lifetime, view: View): void {
    this.ledger[lifetime] -= view.buffer.size;
  }

  upload(): void {
    // A planned buffer has no contents.
  }
}
