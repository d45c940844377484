import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { CONFIGS, randomModel, randomTensors } from '../../tests/random-model.ts';
import { writeSafetensors } from '../../tests/safetensors.ts';
import type { Gpu } from '../gpu/device.ts';
import { openNodeGpu } from '../gpu/node.ts';
import { LanguageModel } from './language-model.ts';
import { SafetensorsFile, safetensorsHeader } from './safetensors.ts';
import { loadTensors, placesOf, saveTensors } from './weight-transfer.ts';

type Bytes = Uint8Array<ArrayBuffer>;

const config = CONFIGS['llama, untied, llama3 rope scaling']!;
/** Less than the embedding, more than most tensors. */
const PIECE = 3000;

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openNodeGpu();
});
afterAll(() => gpu.close());

/** What a file of these tensors is, in the order of the layout. */
function fileOf({ weights }: LanguageModel, tensors: ReadonlyMap<string, Float32Array>): Bytes {
  const { parameters } = weights.layout;
  const stored = [...parameters].map(
    ([name, { shape }]) => [name, { shape, values: tensors.get(name)! }] as const,
  );
  return writeSafetensors(new Map(stored));
}

function open(file: Bytes, onRead?: (bytes: number) => void): Promise<SafetensorsFile> {
  return SafetensorsFile.open({
    path: 'model.safetensors',
    size: file.length,
    read: (start = 0, end = file.length) => {
      onRead?.(end - start);
      return Promise.resolve(file.slice(start, end));
    },
  });
}

describe('less than two pieces of a model are on the host', () => {
  it('while it is saved, and the file has every byte in its place', async () => {
    const { model, tensors } = randomModel(gpu, config);
    const places = placesOf(model.weights);
    const create = vi.spyOn(gpu.device, 'createBuffer');
    const pieces: Bytes[] = [];
    for await (const bytes of saveTensors(gpu, places, PIECE)) pieces.push(bytes.slice());
    const staged = create.mock.calls.map(([{ size }]) => size);
    create.mockRestore();
    model.destroy();
    const [header, ...rest] = pieces;
    expect(header).toEqual(
      safetensorsHeader(
        places.map(({ name }) => ({
          name,
          shape: model.weights.layout.parameters.get(name)!.shape,
          dtype: 'F32',
        })),
      ),
    );
    // All that is written passes through one buffer, in full pieces.
    expect(staged).toEqual([PIECE]);
    expect(rest.slice(0, -1).every(({ length }) => length === PIECE)).toBe(true);
    expect(rest.length).toBeGreaterThan(10);
    expect(Buffer.concat(pieces).equals(fileOf(model, tensors))).toBe(true);
  });

  it('while it is loaded, and every number comes to its place', async () => {
    const model = LanguageModel.allocate(gpu, config);
    const tensors = randomTensors(config, 2);
    /** Read last; uploaded, and not known to have arrived. */
    const host = { read: 0, waiting: 0, most: 0 };
    const note = (change: Partial<typeof host>): void => {
      Object.assign(host, change);
      host.most = Math.max(host.most, host.read + host.waiting);
    };
    const file = await open(fileOf(model, tensors), (read) => note({ read }));
    Object.assign(host, { read: 0, most: 0 });
    const upload = gpu.upload.bind(gpu);
    const uploads = vi.spyOn(gpu, 'upload').mockImplementation((view, data) => {
      note({ waiting: host.waiting + data.byteLength });
      upload(view, data);
    });
    const idle = gpu.idle.bind(gpu);
    const waits = vi.spyOn(gpu, 'idle').mockImplementation(async () => {
      await idle();
      note({ waiting: 0 });
    });
    const shares: number[] = [];
    const places = placesOf(model.weights).map((place) => ({ ...place, file }));
    await loadTensors(gpu, places, (share) => shares.push(share), PIECE);
    for (const spy of [uploads, waits]) spy.mockRestore();
    expect(host.most).toBeGreaterThan(PIECE);
    expect(host.most).toBeLessThanOrEqual(2 * PIECE);
    expect(shares.length).toBe(tensors.size);
    expect(shares.at(-1)).toBe(1);
    expect(await model.weights.read(gpu)).toEqual(tensors);
    model.destroy();
  });
});

describe.each(['f16', 'bf16'] as const)('a file of %s', (storage) => {
  it('reaches weights of that type bit by bit, in pieces; norms are widened', async () => {
    const model = LanguageModel.allocate(gpu, config, {
      storage: { layers: storage, tables: storage },
    });
    const dtype = storage === 'f16' ? 'F16' : 'BF16';
    const entries = [...model.weights.layout.parameters.values()].map(({ name, shape }) => ({
      ...({ name, shape, dtype } as const),
    }));
    const header = safetensorsHeader(entries);
    const total = entries.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
    // Every finite bit pattern in turn.
    const exponent = storage === 'f16' ? 0x7c00 : 0x7f80;
    const bits = Uint16Array.from({ length: total }, (_, i) => {
      const pattern = (i * 40503) & 0xffff;
      return (pattern & exponent) === exponent ? pattern & ~0x4000 : pattern;
    });
    const file = await open(new Uint8Array(Buffer.concat([header, new Uint8Array(bits.buffer)])));
    const places = placesOf(model.weights).map((place) => ({ ...place, file }));
    await loadTensors(gpu, places, undefined, 1000);
    let at = 0;
    for (const { name, shape } of entries) {
      const end = at + shape.reduce((a, b) => a * b, 1);
      const onCard = await gpu.read(...model.weights.views(name));
      if (name.includes('norm')) {
        expect(new Float32Array(onCard[0]!), name).toEqual(await file.read(name));
      } else {
        const bytes = Buffer.concat(onCard.map((part) => new Uint8Array(part)));
        const read = new Uint16Array(new Uint8Array(bytes).buffer);
        expect(read, name).toEqual(bits.slice(at, end));
      }
      at = end;
    }
    model.destroy();
  });
});
