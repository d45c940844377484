import { describe, expect, it } from 'vitest';
import { readSafetensors, writeSafetensors } from '../../tests/safetensors.ts';
import { decode } from '../gpu/storage.ts';
import { CheckpointError } from './errors.ts';
import { blobSource } from './files.ts';
import { SafetensorsFile } from './safetensors.ts';

type Bytes = Uint8Array<ArrayBuffer>;

/** A file with this header text (or object) and `dataBytes` bytes of data. */
function file(header: unknown, dataBytes = 0): Bytes {
  const text = typeof header === 'string' ? header : JSON.stringify(header);
  const json = new TextEncoder().encode(text);
  const bytes = new Uint8Array(8 + json.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
}

const tensor = (start: number, end: number, shape = [(end - start) / 4], dtype = 'F32') => ({
  dtype,
  shape,
  data_offsets: [start, end],
});

async function refusal(bytes: Bytes): Promise<string> {
  const error: unknown = await readSafetensors(bytes, 'm/model.safetensors').then(
    () => new Error('accepted'),
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(CheckpointError);
  return (error as CheckpointError).message;
}

describe('writing and reading', () => {
  const tensors = new Map([
    ['b.weight', { shape: [2, 3], values: Float32Array.of(1, -2, 3.5, 0, -0, 1e-30) }],
    ['a.bias', { shape: [1], values: Float32Array.of(7) }],
    ['empty', { shape: [0, 4], values: new Float32Array(0) }],
    ['scalar', { shape: [], values: Float32Array.of(0.1) }],
  ]);

  it('gives the same tensors back', async () => {
    const back = await readSafetensors(writeSafetensors(tensors), 'x');
    expect([...back.keys()].sort()).toEqual([...tensors.keys()].sort());
    for (const [name, { values }] of tensors) expect(back.get(name)).toEqual(values);
  });

  it('aligns the data to 8 bytes and says that it is from PyTorch', () => {
    const bytes = writeSafetensors(tensors);
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    expect(length % 8).toBe(0);
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))) as object;
    expect(header).toMatchObject({
      __metadata__: { format: 'pt' },
      'b.weight': { dtype: 'F32', shape: [2, 3], data_offsets: [0, 24] },
      'a.bias': { dtype: 'F32', shape: [1], data_offsets: [24, 28] },
    });
    expect(bytes.length).toBe(8 + length + 32);
  });

  it('reads one tensor without touching the others', async () => {
    const bytes = writeSafetensors(tensors);
    const reads: [number, number][] = [];
    const opened = await SafetensorsFile.open({
      path: 'x',
      size: bytes.length,
      read: (start = 0, end = bytes.length) => {
        reads.push([start, end]);
        return Promise.resolve(bytes.slice(start, end));
      },
    });
    expect(opened.tensors.get('b.weight')?.shape).toEqual([2, 3]);
    reads.length = 0;
    expect([...(await opened.read('a.bias'))]).toEqual([7]);
    expect(reads).toEqual([[bytes.length - 8, bytes.length - 4]]);
    await expect(opened.read('c')).rejects.toThrow(/x has no tensor c; choose/);
  });

  it('says so when the file shrinks after it was opened', async () => {
    const bytes = writeSafetensors(tensors);
    const source = { path: 'x', size: bytes.length, end: bytes.length };
    const opened = await SafetensorsFile.open({
      ...source,
      read: (start = 0, end = bytes.length) =>
        Promise.resolve(bytes.slice(start, Math.min(end, source.end))),
    });
    source.end = bytes.length - 6;
    await expect(opened.read('a.bias')).rejects.toThrow(/changed while tensor a\.bias was read/);
  });
});

describe('half precision', () => {
  const read = async (dtype: string, bits: number[]) => {
    const bytes = file({ w: tensor(0, 2 * bits.length, [bits.length], dtype) }, 2 * bits.length);
    const data = new DataView(bytes.buffer, bytes.length - 2 * bits.length);
    bits.forEach((b, i) => data.setUint16(2 * i, b, true));
    return [...(await readSafetensors(bytes, 'x')).get('w')!];
  };

  it('F16: normal, subnormal, signed zero', async () => {
    const bits = [0x3c00, 0xc000, 0x3555, 0x7bff, 0x0400, 0x0001, 0x83ff, 0x8000];
    expect(await read('F16', bits)).toEqual([
      1,
      -2,
      0.333251953125,
      65504,
      2 ** -14,
      2 ** -24,
      -1023 * 2 ** -24,
      -0,
    ]);
  });

  it('BF16', async () => {
    const bits = [0x3f80, 0xc000, 0x4049, 0x8000, 0x7f7f, 0x0001];
    const want = [1, -2, 3.140625, -0, 255 * 2 ** 120, 2 ** -133];
    expect(await read('BF16', bits)).toEqual(want);
  });

  it('decodes what is not finite too', () => {
    const decoded = (storage: 'f16' | 'bf16', bits: number[]) => [
      ...decode(storage, Uint16Array.from(bits).buffer),
    ];
    expect(decoded('f16', [0xfc00, 0x7e00])).toEqual([-Infinity, NaN]);
    expect(decoded('bf16', [0xff80, 0x7fc0])).toEqual([-Infinity, NaN]);
  });
});

describe('a number that is not finite', () => {
  /** A file of one tensor [rows, 2] of zeros, with `bits` as its last number but `after`. */
  const fileOf = (dtype: 'F32' | 'F16' | 'BF16', rows: number, bits: number, after: number) => {
    const width = dtype === 'F32' ? 4 : 2;
    const size = 2 * rows * width;
    const bytes = file({ w: tensor(0, size, [rows, 2], dtype) }, size);
    const data = new DataView(bytes.buffer);
    const at = bytes.length - (after + 1) * width;
    if (width === 4) data.setUint32(at, bits, true);
    else data.setUint16(at, bits, true);
    return bytes;
  };
  const kinds = [
    ['F32', 'NaN', 0x7fc00000],
    ['F32', 'NaN', 0xff800001],
    ['F32', '-Infinity', 0xff800000],
    ['F16', 'NaN', 0x7c01],
    ['F16', '-Infinity', 0xfc00],
    ['BF16', 'NaN', 0xffff],
    ['BF16', 'Infinity', 0x7f80],
  ] as const;

  it.each(kinds)('is refused in %s: %s, with its tensor and row', async (dtype, value, bits) => {
    for (const [after, row] of [
      [0, 4],
      [1, 4],
      [7, 1],
    ] as const) {
      const opened = await SafetensorsFile.open(
        blobSource('x', new Blob([fileOf(dtype, 5, bits, after)])),
      );
      const sentence = `x: tensor w has ${value} in row ${row}, and every number must be finite; use`;
      await expect(opened.read('w')).rejects.toThrow(sentence);
      // In pieces of one row, and whole.
      for (const pieceBytes of [1, 1000]) {
        const read = async () => {
          for await (const part of opened.parts('w', pieceBytes)) expect(part.data).toBeDefined();
        };
        await expect(read()).rejects.toThrow(sentence);
      }
    }
  });

  it.each([
    ['F32', 0x7f7fffff],
    ['F16', 0xfbff],
    ['BF16', 0x7f7f],
  ] as const)('is not the largest that %s holds', async (dtype, bits) => {
    const bytes = fileOf(dtype, 5, bits, 3);
    const opened = await SafetensorsFile.open(blobSource('x', new Blob([bytes])));
    expect((await opened.read('w')).every(Number.isFinite)).toBe(true);
  });
});

describe('a broken file is refused in one sentence', () => {
  const whole = file({ a: tensor(0, 8), b: tensor(8, 12) }, 12);
  const prefixed = (length: bigint): Bytes => {
    const bytes = whole.slice();
    new DataView(bytes.buffer).setBigUint64(0, length, true);
    return bytes;
  };

  it('reads the whole one', async () => {
    expect((await readSafetensors(whole, 'x')).size).toBe(2);
  });

  it.each<[string, Bytes, string]>([
    ['empty', new Uint8Array(0), 'has only 0 bytes; download it again'],
    ['shorter than its prefix', whole.slice(0, 5), 'has only 5 bytes'],
    ['cut inside the header', whole.slice(0, 40), 'is cut off inside its header (40 bytes)'],
    ['cut inside the data', whole.slice(0, -1), 'is cut off: tensor b ends at byte'],
    ['longer than its tensors', file({ a: tensor(0, 8) }, 9), 'has 1 bytes after its last tensor'],
    ['with a header longer than the file', prefixed(99999n), 'is cut off inside its header'],
    ['with an absurd header length', prefixed(1n << 60n), 'so it is not a safetensors file'],
    ['whose header is not JSON', file('{"a": '), 'has a header that is not JSON'],
    ['whose header is empty', file(''), 'has a header that is not JSON'],
    ['whose header is not text', Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xfe), 'is not JSON'],
    ['whose header is a list', file([1]), 'has a header that lists no tensors'],
    ['whose tensor is null', file({ a: null }), 'tensor a has dtype (none)'],
    ['with overlapping tensors', file({ a: tensor(0, 8), b: tensor(4, 8) }, 8), 'b overlaps the'],
    ['with a gap', file({ a: tensor(0, 4), b: tensor(8, 12) }, 12), 'tensor b leaves a gap before'],
    ['with a gap at the start', file({ a: tensor(4, 8) }, 8), 'tensor a leaves a gap before it'],
    ['with offsets past its end', file({ a: tensor(0, 800) }, 8), 'is cut off: tensor a ends at'],
    ['with negative offsets', file({ a: tensor(-4, 4) }, 4), 'the impossible data_offsets [-4,4]'],
    ['with reversed offsets', file({ a: tensor(4, 0, [1]) }, 4), 'impossible data_offsets [4,0]'],
    [
      'without offsets',
      file({ a: { dtype: 'F32', shape: [1] } }, 4),
      'impossible data_offsets (none)',
    ],
    ['with too few bytes', file({ a: tensor(0, 8, [3]) }, 8), 'has 8 bytes, but shape [3] of F32'],
    ['with too many bytes', file({ a: tensor(0, 8, [3], 'F16') }, 8), 'shape [3] of F16 takes 6'],
    [
      'with an unknown dtype',
      file({ a: tensor(0, 8, [1], 'I64') }, 8),
      'dtype "I64", and only F32,',
    ],
    [
      'with a dtype of JavaScript',
      file({ a: tensor(0, 8, [1], 'toString') }, 8),
      'dtype "toString"',
    ],
    [
      'with an impossible shape',
      file({ a: tensor(0, 4, [-1, -1]) }, 4),
      'impossible shape [-1,-1]',
    ],
    [
      'with a tensor listed twice',
      file(`{"a":${JSON.stringify(tensor(0, 4))},"\\u0061":${JSON.stringify(tensor(0, 4))}}`, 4),
      'lists tensor a twice',
    ],
  ])('%s', async (_, bytes, sentence) => {
    const message = await refusal(bytes);
    expect(message).toContain(sentence);
    expect(message).toMatch(/^m\/model\.safetensors/);
    expect(message).toMatch(/; (download|convert|save) /);
    expect(message).not.toContain('\n');
  });
});

it('takes no metadata but a map of texts', async () => {
  for (const metadata of [null, {}, { format: 'pt' }]) {
    expect(await readSafetensors(file({ __metadata__: metadata }), 'x')).toEqual(new Map());
  }
  for (const metadata of [1, 'x', ['a'], { a: 1 }, { a: { b: 'c' } }]) {
    expect(await refusal(file({ __metadata__: metadata }))).toMatch(
      /^m\/model\.safetensors: __metadata__ is .*; it must be a map of texts, so save the file again/,
    );
  }
});

it('a header that is nested without end is refused', async () => {
  const deep = `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
  expect(await refusal(file(deep))).toMatch(/has a header that is not JSON; download it again/);
});
