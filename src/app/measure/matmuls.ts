/** The matrix products: which, and how one is timed. */
import type { Gpu } from '../../gpu/device.ts';
import { matmul } from '../../gpu/kernels/matmul.ts';
import { decode, encode, storageBytes, type Storage } from '../../gpu/storage.ts';
import { largestError, median, pattern, type ProductShape } from './arithmetic.ts';
import type { Bench, Library, Product } from './bench.ts';
import type { OtherResult, Row } from './measurement.ts';
import { opsWork, timeInTurn } from './timing.ts';

/** nt: a linear layer; nn: its input gradient; tn: its weight gradient. */
export interface MatmulShape extends ProductShape {
  readonly name: string;
  /** How b is stored, if not in f32. */
  readonly storage?: Storage;
}

const square = (size: number): MatmulShape => ({
  name: `square ${size}`,
  layout: 'nn',
  m: size,
  n: size,
  k: size,
});

export const squares: readonly MatmulShape[] = [256, 512, 1024, 2048, 4096].map(square);

const linear = (name: string, rows: number, input: number, output: number): MatmulShape => ({
  name,
  layout: 'nt',
  m: rows,
  n: output,
  k: input,
});

/** The linear layers of the default model on the rows of one update. */
const defaultModel = [
  linear('default qkv', 3300, 48, 144),
  linear('default attention output', 3300, 48, 48),
  linear('default gate and up', 3300, 48, 192),
  linear('default down', 3300, 96, 48),
  linear('default logits', 3300, 48, 73),
];

/** Those of SmolLM2-135M on 128 rows. */
const smol = [
  linear('135M qkv', 128, 576, 960),
  linear('135M attention output', 128, 576, 576),
  linear('135M gate and up', 128, 576, 3072),
  linear('135M down', 128, 1536, 576),
  linear('135M logits', 128, 576, 49152),
];

const gateUp = (rows: number, storage?: Storage): MatmulShape => ({
  ...linear(`135M gate and up, ${storage ?? 'f32'}, ${rows} rows`, rows, 576, 3072),
  ...(storage && { storage }),
});
const inputGradient = (rows: number, storage?: Storage): MatmulShape => ({
  name: `135M gate and up, ${storage ?? 'f32'}, ${rows} rows, input gradient`,
  ...{ layout: 'nn', m: rows, n: 576, k: 3072 },
  ...(storage && { storage }),
});
const weightGradient = (rows: number): MatmulShape => ({
  name: `135M gate and up, f32, ${rows} rows, weight gradient`,
  ...{ layout: 'tn', m: 3072, n: 576, k: rows },
});

/** Frozen weights in fewer bits: many rows, as an update has them, and few, as decoding has them. */
const stored = (['f32', 'f16', 'int8', 'int4'] as const).flatMap((storage) => {
  const kept = storage === 'f32' ? undefined : storage;
  return [gateUp(1, kept), gateUp(8, kept), gateUp(512, kept), inputGradient(512, kept)];
});

export const matmulShapes: readonly MatmulShape[] = [
  ...squares,
  ...defaultModel,
  ...smol,
  ...stored,
  weightGradient(512),
  gateUp(4096),
];

function sizesOf({ layout, m, n, k }: ProductShape): string {
  const [a, b] = [layout === 'tn' ? `(${k} x ${m})^T` : `${m} x ${k}`, `${k} x ${n}`];
  return `${a} by ${layout === 'nt' ? `(${n} x ${k})^T` : b}`;
}

export const productFlops = ({ m, n, k }: ProductShape): number => 2 * m * n * k;

/** float32 sums of some thousand products stay below 1e-5 of the largest element. */
const TOLERANCE = 5e-5;
const SAMPLES = 200;

/** Checks and times one product, ours and those of other libraries, in turn. */
export async function matmulRow(bench: Bench, shape: MatmulShape): Promise<Row> {
  const { m, n, k, storage = 'f32' } = shape;
  const flops = productFlops(shape);
  const base = { group: 'matmul', name: shape.name, sizes: sizesOf(shape) } as const;
  const tooLong = bench.tooLong('ponder', flops);
  if (tooLong) return { ...base, skipped: tooLong };
  const { a, b, words } = operands(shape);
  const others: Record<string, OtherResult> = {};
  const products: { name: string; product: Product; error: number }[] = [];
  const enter = async (name: string, product: Product): Promise<void> => {
    await product.run(1);
    const error = largestError(shape, a, b, await product.read(), SAMPLES);
    if (!(error <= TOLERANCE)) {
      throw new Error(`${name} gets ${shape.name} wrong: relative error ${error}`);
    }
    products.push({ name, product, error });
  };
  await enter('ponder', await prepare(bench.gpu, shape, a, words));
  for (const library of libraries(bench, shape)) {
    const skipped = bench.tooLong(library.name, flops);
    if (skipped) others[library.name] = { skipped };
    else await enter(library.name, await library.product(shape, a, b));
  }
  const timed = await timeInTurn(
    products.map(({ product }) => product),
    bench.budget,
  );
  timed.forEach(({ seconds: all }, i) => {
    const { name } = products[i]!;
    const seconds = median(all);
    bench.setRate(name, flops / seconds);
    if (i > 0) others[name] = { seconds, timings: all.length };
  });
  const bytes = 4 * (m * k + m * n) + storageBytes(storage, k * n);
  const row: Row = {
    ...base,
    ...(await bench.numbers(timed[0]!, flops, bytes)),
    error: products[0]!.error,
    ...(Object.keys(others).length > 0 && { others }),
  };
  for (const { product } of products) product.free();
  return row;
}

/** The other libraries compute f32 products of a linear layer, forward. */
function libraries(bench: Bench, { layout, storage }: MatmulShape): readonly Library[] {
  return storage === undefined && layout !== 'tn' ? bench.libraries : [];
}

function operands({ m, n, k, storage = 'f32' }: MatmulShape) {
  const drawn = pattern(k * n, 2);
  const words = encode(storage, drawn);
  return {
    a: pattern(m * k, 1),
    /** As the storage rounds it. */
    b: storage === 'f32' ? drawn : decode(storage, words.buffer as ArrayBuffer),
    /** The contents of its buffer. */
    words,
  };
}

/** Our product of a shape. */
export function openProduct(gpu: Gpu, shape: MatmulShape): Promise<Product> {
  const { a, words } = operands(shape);
  return prepare(gpu, shape, a, words);
}

async function prepare(
  gpu: Gpu,
  { layout, m, n, k, storage = 'f32' }: MatmulShape,
  a: Float32Array,
  b: Float32Array | Uint32Array,
): Promise<Product> {
  const views = [
    gpu.allocate('io', 4 * m * k, 'a'),
    { ...gpu.allocate('io', storageBytes(storage, k * n), 'b'), storage },
    gpu.allocate('io', 4 * m * n, 'c'),
  ] as const;
  const [left, right, c] = views;
  gpu.upload(left, a);
  gpu.upload(right, b);
  const work = await opsWork(gpu, [matmul<null>({ layout, a: left, b: right, c, m, n, k })]);
  return {
    run: (count) => work.run(count),
    read: () => gpu.readFloats(c),
    free() {
      work.free();
      for (const view of views) gpu.release('io', view);
    },
  };
}
