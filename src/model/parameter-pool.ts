/** The buffers of one parameter layout: a model's weights, an adapter, gradients or moments. */
import type { Gpu } from '../gpu/device.ts';
import type { Lifetime, Memory, View } from '../gpu/memory.ts';
import { decode, encode, storageBytes } from '../gpu/storage.ts';
import type { Block, ParameterLayout } from './parameters.ts';

/** Hugging Face name -> values, row-major. */
export type TensorMap = ReadonlyMap<string, Float32Array>;

/** Rows [firstRow, firstRow + rows) of a block. */
export interface PoolPiece {
  readonly view: View;
  readonly firstRow: number;
  readonly rows: number;
}

export class ParameterPool {
  readonly pages: readonly View[];

  constructor(
    private readonly memory: Memory,
    readonly layout: ParameterLayout,
    private readonly lifetime: Lifetime,
    label: string,
  ) {
    this.pages = layout.pages.map(({ bytes }, i) =>
      memory.allocate(lifetime, bytes, `${label} ${i}`),
    );
  }

  has(key: string): boolean {
    return this.layout.blocks.has(key);
  }

  /** A whole block, or undefined when the layout has no such block. */
  find(key: string): View | undefined {
    return this.has(key) ? this.block(key) : undefined;
  }

  /** A whole block, which must lie in one piece. */
  block(key: string): View {
    const [piece, ...more] = this.pieces(key);
    if (!piece || more.length > 0) {
      throw new Error(`${key} lies in ${more.length + 1} pieces where one is needed`);
    }
    return piece.view;
  }

  pieces(key: string): PoolPiece[] {
    const block = this.blockOf(key);
    const { storage, cols } = block;
    return block.pieces.map(({ page, byteOffset, firstRow, rows }) => ({
      view: {
        buffer: this.pages[page]!.buffer,
        byteOffset,
        byteLength: storageBytes(storage, rows * cols),
        storage,
      },
      firstRow,
      rows,
    }));
  }

  /**
   * Puts one tensor, or rows of it from `firstRow` on, in its place; checkpoint.ts has compared
   * names and shapes before.
   */
  setTensor(name: string, values: Float32Array, firstRow = 0): void {
    const parameter = this.layout.parameters.get(name);
    if (!parameter) throw new Error(`there is no tensor called ${name}`);
    const { storage, cols } = this.blockOf(parameter.block);
    const from = parameter.row + firstRow;
    const to = from + values.length / cols;
    for (const piece of this.pieces(parameter.block)) {
      const start = Math.max(from, piece.firstRow);
      const end = Math.min(to, piece.firstRow + piece.rows);
      if (start >= end) continue;
      const part = values.subarray((start - from) * cols, (end - from) * cols);
      const data = encode(storage, part);
      const skipped = storageBytes(storage, (start - piece.firstRow) * cols);
      const byteOffset = piece.view.byteOffset + skipped;
      this.memory.upload({ ...piece.view, byteOffset, byteLength: data.byteLength }, data);
    }
  }

  setTensors(tensors: TensorMap): void {
    for (const [name, values] of tensors) this.setTensor(name, values);
  }

  /** All tensors by name, read back page by page. */
  async read(gpu: Gpu): Promise<Map<string, Float32Array>> {
    const pages: ArrayBuffer[] = [];
    for (const page of this.pages) pages.push(...(await gpu.read(page)));
    const tensors = new Map<string, Float32Array>();
    for (const { name, shape, block, row } of this.layout.parameters.values()) {
      const { storage, cols, pieces } = this.blockOf(block);
      const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
      const end = row + values.length / cols;
      for (const piece of pieces) {
        const from = Math.max(row, piece.firstRow);
        const to = Math.min(end, piece.firstRow + piece.rows);
        if (from >= to) continue;
        const start = piece.byteOffset + storageBytes(storage, (from - piece.firstRow) * cols);
        const bytes = storageBytes(storage, (to - from) * cols);
        const part = pages[piece.page]!.slice(start, start + bytes);
        values.set(decode(storage, part), (from - row) * cols);
      }
      tensors.set(name, values);
    }
    return tensors;
  }

  /** Takes over what a pool of the same layout holds. */
  copyFrom(other: ParameterPool, gpu: Gpu): void {
    const encoder = gpu.device.createCommandEncoder();
    this.pages.forEach(({ buffer, byteLength }, i) => {
      encoder.copyBufferToBuffer(other.pages[i]!.buffer, 0, buffer, 0, byteLength);
    });
    gpu.submit(encoder);
  }

  destroy(): void {
    for (const page of this.pages) this.memory.release(this.lifetime, page);
  }

  private blockOf(key: string): Block {
    const block = this.layout.blocks.get(key);
    if (!block) throw new Error(`the model has no ${key}`);
    return block;
  }
}
