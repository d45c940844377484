/**
 * Moves weights between files and the card in pieces: whatever the model's size, the host holds at most
 * two pieces at a time.
 */
import type { Gpu } from '../gpu/device.ts';
import { firstNotFinite } from '../gpu/finite.ts';
import type { View } from '../gpu/memory.ts';
import { decode } from '../gpu/storage.ts';
import { CheckpointError, NotFiniteError } from './errors.ts';
import { PIECE_BYTES } from './files.ts';
import type { ParameterPool } from './parameter-pool.ts';
import { safetensorsHeader, type SafetensorsFile, type StoredRows } from './safetensors.ts';
import { elementCount } from './safetensors-header.ts';

/** A tensor on the card, and its name in a file. */
export interface Place {
  readonly name: string;
  readonly pool: ParameterPool;
  /** Its name in the pool's layout. */
  readonly tensor: string;
  /** The file has it less 1. */
  readonly addOne?: boolean;
}

/** Every tensor of a pool, under its own name or the name that `nameOf` gives it. */
export function placesOf(pool: ParameterPool, nameOf = (tensor: string) => tensor): Place[] {
  const tensors = [...pool.layout.parameters.keys()];
  return tensors.map((tensor) => ({ name: nameOf(tensor), pool, tensor }));
}

/** The weights of a model, as its checkpoint has them. */
export function weightPlaces(pool: ParameterPool): Place[] {
  const { parameters } = pool.layout;
  return placesOf(pool).map((place) => ({
    ...place,
    addOne: parameters.get(place.tensor)!.addOne,
  }));
}

/**
 * Loads every place from the file that holds its tensor; the caller has compared the shapes.
 * @param onProgress called with the share that has reached the card, 0 to 1
 */
export async function loadTensors(
  gpu: Gpu,
  places: readonly (Place & { readonly file: SafetensorsFile })[],
  onProgress?: (share: number) => void,
  pieceBytes = PIECE_BYTES,
): Promise<void> {
  const total = places.reduce((sum, place) => sum + numbersOf(place), 0);
  let done = 0;
  // Uploads wait in memory until the card has taken them.
  let waiting = 0;
  for (const place of places) {
    for await (const rows of place.file.parts(place.name, pieceBytes)) {
      const { byteLength } = rows.data;
      if (waiting + byteLength > pieceBytes) {
        await gpu.idle();
        waiting = 0;
      }
      store(place, rows);
      waiting += byteLength;
    }
    done += numbersOf(place);
    onProgress?.(done / total);
  }
}

function store({ name, pool, tensor, addOne }: Place, rows: StoredRows): void {
  try {
    if (addOne) {
      const values = decode(rows.storage, rows.data).map((x) => x + 1);
      pool.setTensor(tensor, values, rows.firstRow);
    } else pool.setRows(tensor, rows);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new CheckpointError(
      `tensor ${name} is too large for its storage (${error.message}); set load_in_4bit and ` +
        'load_in_8bit to false',
    );
  }
}

/**
 * A safetensors file of float32 tensors in this order, read back from the card as it is written. Each
 * yielded array is mapped device memory: it is valid until the next one is requested.
 * @throws NotFiniteError when a number is not finite; the file is then incomplete
 */
export async function* saveTensors(
  gpu: Gpu,
  places: readonly Place[],
  pieceBytes = PIECE_BYTES,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  yield safetensorsHeader(
    places.map((place) => ({ name: place.name, shape: shapeOf(place), dtype: 'F32' })),
  );
  const views = places.flatMap(({ pool, tensor, addOne }) =>
    pool.views(tensor).map((view): SavedView => ({ ...view, addOne: addOne === true })),
  );
  const bytes = views.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const staging = gpu.createBuffer({
    label: 'checkpoint readback',
    size: Math.min(pieceBytes, bytes),
    usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ,
  });
  try {
    for (const batch of batches(views, pieceBytes)) {
      const encoder = gpu.device.createCommandEncoder();
      let end = 0;
      for (const { buffer, byteOffset, byteLength } of batch) {
        encoder.copyBufferToBuffer(buffer, byteOffset, staging, end, byteLength);
        end += byteLength;
      }
      gpu.submit(encoder);
      await gpu.idle();
      await staging.mapAsync(GPUMapMode.READ, 0, end);
      const data = staging.getMappedRange(0, end);
      takeOne(batch, data);
      if (firstNotFinite('f32', data) >= 0) {
        throw new NotFiniteError('A number of the checkpoint is NaN or infinite');
      }
      yield new Uint8Array(data);
      staging.unmap();
    }
  } finally {
    gpu.destroyBuffer(staging);
    // A lost device rejects the map; its own report says more than the map's error does.
    gpu.throwIfFailed();
  }
}

type SavedView = View & { readonly addOne: boolean };

/** Subtracts 1 where `addOne`, in the f32 data of a batch. */
function takeOne(batch: readonly SavedView[], data: ArrayBuffer): void {
  let at = 0;
  for (const { byteLength, addOne } of batch) {
    if (addOne) {
      const values = new Float32Array(data, at, byteLength / 4);
      for (let i = 0; i < values.length; i++) values[i]! -= 1;
    }
    at += byteLength;
  }
}

/** Cuts and groups ranges into batches of `batchBytes`, a multiple of 4. */
function* batches(views: readonly SavedView[], batchBytes: number): Generator<SavedView[]> {
  let batch: SavedView[] = [];
  let room = batchBytes;
  for (const { buffer, byteOffset, byteLength, addOne } of views) {
    for (let at = 0; at < byteLength;) {
      const bytes = Math.min(room, byteLength - at);
      batch.push({ buffer, byteOffset: byteOffset + at, byteLength: bytes, addOne });
      at += bytes;
      room -= bytes;
      if (room > 0) continue;
      yield batch;
      batch = [];
      room = batchBytes;
    }
  }
  if (batch.length > 0) yield batch;
}

const shapeOf = ({ pool, tensor }: Place): readonly number[] =>
  pool.layout.parameters.get(tensor)!.shape;

const numbersOf = (place: Place): number => elementCount(shapeOf(place));
