/** The way of data from the device to the host: through staging buffers, which are used again. */
import type { View } from './memory.ts';

/** Larger staging buffers are destroyed after use: few reads need them. */
const LARGEST_KEPT = 2 ** 22;

const SMALLEST = 2 ** 10;

/** Of the device. */
interface Buffers {
  createBuffer(descriptor: GPUBufferDescriptor): GPUBuffer;
  destroyBuffer(buffer: GPUBuffer): void;
}

export class Staging {
  private readonly free: GPUBuffer[] = [];

  constructor(private readonly device: Buffers) {}

  /**
   * Appends copies of `views` to `encoder`. Returns what reads them, to be called once the encoder
   * is submitted; each result is memory of its own.
   */
  copy(encoder: GPUCommandEncoder, views: readonly View[]): (wait: Wait) => Promise<ArrayBuffer[]> {
    const buffer = this.take(views.reduce((sum, { byteLength }) => sum + byteLength, 0));
    let at = 0;
    for (const view of views) {
      encoder.copyBufferToBuffer(view.buffer, view.byteOffset, buffer, at, view.byteLength);
      at += view.byteLength;
    }
    return async (wait) => {
      try {
        await wait(buffer.mapAsync(GPUMapMode.READ, 0, at));
      } catch (error) {
        this.device.destroyBuffer(buffer);
        throw error;
      }
      const mapped = buffer.getMappedRange(0, at);
      let start = 0;
      const data = views.map(({ byteLength }) => {
        start += byteLength;
        return mapped.slice(start - byteLength, start);
      });
      buffer.unmap();
      if (buffer.size > LARGEST_KEPT) this.device.destroyBuffer(buffer);
      else this.free.push(buffer);
      return data;
    };
  }

  /** A free buffer of at least `bytes` bytes; one that is too small makes way for a larger one. */
  private take(bytes: number): GPUBuffer {
    const fits = this.free.findIndex(({ size }) => size >= bytes);
    if (fits >= 0) return this.free.splice(fits, 1)[0]!;
    const small = this.free.pop();
    if (small) this.device.destroyBuffer(small);
    return this.device.createBuffer({
      label: 'readback',
      size: bytes > LARGEST_KEPT ? bytes : Math.max(SMALLEST, 2 ** Math.ceil(Math.log2(bytes))),
      usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ,
    });
  }
}

type Wait = <T>(pending: Promise<T>) => Promise<T>;
