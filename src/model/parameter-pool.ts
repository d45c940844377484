/** The buffers of one parameter layout: a model's weights, an adapter, gradients or moments. */
import type { Gpu } from '../gpu/device.ts';
import type { Lifetime, Memory, View } from '../gpu/memory.ts';
import { decode, encode, storageBytes } from '../gpu/storage.ts';
import type { Block, Parameter, ParameterLayout } from './parameters.ts';
import type { StoredRows } from './safetensors.ts';
import { elementCount } from './safetensors-header.ts';

/** Hugging Face name -> values, row-major. */
export type TensorMap = ReadonlyMap<string, Float32Array>;

/** Rows [firstRow, firstRow + rows) of a block. */
interface PoolPiece {
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

  /** Where a tensor's numbers lie, row-major, from its first row to its last. */
  views(name: string): View[] {
    const { block, row, shape } = this.parameterOf(name);
    const { cols } = this.blockOf(block);
    return this.rowsOf(block, row, row + elementCount(shape) / cols);
  }

  /**
   * Uploads one tensor, or its rows from `firstRow` on; the caller has compared names and shapes with
   * the checkpoint.
   */
  setTensor(name: string, values: Float32Array, firstRow = 0): void {
    const { block } = this.parameterOf(name);
    this.put(name, encode(this.blockOf(block).storage, values), firstRow);
  }

  /** Uploads rows as a file stores them; bytes of the pool's own type are not converted. */
  setRows(name: string, { storage, data, firstRow }: StoredRows): void {
    const { block } = this.parameterOf(name);
    if (this.blockOf(block).storage === storage) this.put(name, new Uint32Array(data), firstRow);
    else this.setTensor(name, decode(storage, data), firstRow);
  }

  setTensors(tensors: TensorMap): void {
    for (const [name, values] of tensors) this.setTensor(name, values);
  }

  /** @param words whole rows as they lie on the card */
  private put(name: string, words: Float32Array | Uint32Array, firstRow: number): void {
    const { block, row } = this.parameterOf(name);
    const { storage, cols } = this.blockOf(block);
    const from = row + firstRow;
    const to = from + words.byteLength / storageBytes(storage, cols);
    let at = 0;
    for (const view of this.rowsOf(block, from, to)) {
      const end = at + view.byteLength / words.BYTES_PER_ELEMENT;
      this.memory.upload(view, words.subarray(at, end));
      at = end;
    }
  }

  /** All tensors by name, read back at once: for a pool that fits into the host's memory. */
  async read(gpu: Gpu): Promise<Map<string, Float32Array>> {
    const tensors = new Map<string, Float32Array>();
    for (const { name, shape, block } of this.layout.parameters.values()) {
      const { storage } = this.blockOf(block);
      const values = new Float32Array(elementCount(shape));
      let at = 0;
      for (const bytes of await gpu.read(...this.views(name))) {
        const part = decode(storage, bytes);
        values.set(part, at);
        at += part.length;
      }
      tensors.set(name, values);
    }
    return tensors;
  }

  /** Copies the tensors that both pools have; both layouts start with them. */
  copyFrom(other: ParameterPool, gpu: Gpu): void {
    const encoder = gpu.device.createCommandEncoder();
    for (const name of this.layout.parameters.keys()) {
      if (!other.layout.parameters.has(name)) continue;
      const from = other.views(name);
      this.views(name).forEach((to, i) => {
        const { buffer, byteOffset } = from[i]!;
        encoder.copyBufferToBuffer(buffer, byteOffset, to.buffer, to.byteOffset, to.byteLength);
      });
    }
    gpu.submit(encoder);
  }

  destroy(): void {
    for (const page of this.pages) this.memory.release(this.lifetime, page);
  }

  /** The ranges of rows `from` to `to` of a block. */
  private rowsOf(key: string, from: number, to: number): View[] {
    const { storage, cols } = this.blockOf(key);
    const bytes = (rows: number): number => storageBytes(storage, rows * cols);
    return this.pieces(key).flatMap(({ view, firstRow, rows }) => {
      const first = Math.max(from, firstRow);
      const last = Math.min(to, firstRow + rows);
      if (first >= last) return [];
      const byteOffset = view.byteOffset + bytes(first - firstRow);
      return [{ ...view, byteOffset, byteLength: bytes(last - first) }];
    });
  }

  private parameterOf(name: string): Parameter {
    const parameter = this.layout.parameters.get(name);
    if (!parameter) throw new Error(`there is no tensor called ${name}`);
    return parameter;
  }

  private blockOf(key: string): Block {
    const block = this.layout.blocks.get(key);
    if (!block) throw new Error(`the model has no ${key}`);
    return block;
  }
}
