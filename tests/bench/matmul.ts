/** One line of the matmul table: all libraries checked, then timed in turn. */
import {
  libraryNames,
  type LibraryName,
  type LibraryResult,
  type MatmulResult,
  type MatmulShape,
} from '../../src/cli/bench-result.ts';
import { Random } from '../../src/rl/random.ts';
import { MAX_COUNT, type Library, type Product } from './library.ts';
import { largestError, median } from './statistics.ts';

const square = (size: number): MatmulShape => ({
  name: `square ${size}`,
  m: size,
  n: size,
  k: size,
  transposed: false,
});

export const squares: readonly MatmulShape[] = [256, 512, 1024, 2048].map(square);

const linear = (name: string, rows: number, input: number, output: number): MatmulShape => ({
  name,
  m: rows,
  n: output,
  k: input,
  transposed: true,
});

/** The linear layers of the default model on the rows of one update. */
const defaultModel = [
  linear('default qkv', 3300, 48, 144),
  linear('default attention output', 3300, 48, 48),
  linear('default gate and up', 3300, 48, 192),
  linear('default down', 3300, 96, 48),
  linear('default logits', 3300, 48, 73),
];

/** Those of SmolLM2-135M; few rows, so that a software adapter gets through. */
const smol = [
  linear('135M qkv', 128, 576, 960),
  linear('135M attention output', 128, 576, 576),
  linear('135M gate and up', 128, 576, 3072),
  linear('135M down', 128, 1536, 576),
  linear('135M logits', 128, 576, 49152),
];

export const shapes: readonly MatmulShape[] = [...squares, ...defaultModel, ...smol];

/** Seconds of one timing, reached by several products where one is short. */
const TIMING = 0.15;
/** Seconds in which a library is timed again and again. */
const BUDGET = 1.5;
const MAX_TIMINGS = 9;
/** A product that takes longer than this is timed once; one that would take longer is skipped. */
const LONG = 4;
const TOO_LONG = 60;
/** Relative to the largest element; float32 sums of 2048 products stay below 1e-5. */
const TOLERANCE = 5e-5;
const SAMPLES = 200;

/** Rates of the last shape, from which the time of a long product is known beforehand. */
const lastRates = new Map<LibraryName, number>();

interface Entrant {
  name: LibraryName;
  product: Product;
  error: number;
  /** Products per timing. */
  count: number;
  /** Seconds per product. */
  seconds: number[];
  spent: number;
}

export async function compareMatmul(
  libraries: readonly Library[],
  shape: MatmulShape,
): Promise<MatmulResult> {
  const { m, n, k } = shape;
  const flops = 2 * m * n * k;
  const [a, b] = operands(shape);
  const results = new Map<LibraryName, LibraryResult>();
  const entrants: Entrant[] = [];
  for (const library of libraries) {
    const expected = flops / (lastRates.get(library.name) ?? Infinity);
    if (expected > TOO_LONG) {
      results.set(library.name, { rate: null, timings: 0, error: null, expected });
    } else {
      entrants.push(await enter(library, shape, a, b));
    }
  }
  for (let round = 0; round < MAX_TIMINGS; round++) {
    for (const entrant of entrants) if (entrant.spent < BUDGET) await time(entrant);
  }
  for (const { name, product, error, seconds } of entrants) {
    product.free();
    const rate = flops / median(seconds);
    lastRates.set(name, rate);
    results.set(name, { rate, timings: seconds.length, error });
  }
  const ordered = libraryNames.map((name) => [name, results.get(name)] as const);
  return { ...shape, libraries: Object.fromEntries(ordered) as MatmulResult['libraries'] };
}

/** Warms a library up and checks its product. */
async function enter(
  library: Library,
  shape: MatmulShape,
  a: Float32Array,
  b: Float32Array,
): Promise<Entrant> {
  const { name } = library;
  const product = await library.prepare(shape, a, b);
  const entrant: Entrant = { name, product, error: 0, count: 1, seconds: [], spent: 0 };
  await time(entrant);
  entrant.error = largestError(shape, a, b, await product.read(), SAMPLES);
  if (!(entrant.error <= TOLERANCE)) {
    throw new Error(`${name} gets ${shape.name} wrong: relative error ${entrant.error}`);
  }
  // The first run compiled and uploaded, which only a long one can hide.
  if (entrant.spent > LONG) return { ...entrant, spent: Infinity };
  entrant.seconds = [];
  await time(entrant);
  entrant.count = Math.ceil(Math.min(MAX_COUNT, TIMING / entrant.seconds[0]!));
  return { ...entrant, seconds: [], spent: 0 };
}

async function time(entrant: Entrant): Promise<void> {
  const started = performance.now();
  await entrant.product.run(entrant.count);
  const seconds = (performance.now() - started) / 1000;
  entrant.seconds.push(seconds / entrant.count);
  entrant.spent += seconds;
}

export function operands({ m, n, k, name }: MatmulShape): [a: Float32Array, b: Float32Array] {
  const uniform = (count: number, stream: string): Float32Array => {
    const random = new Random(0, stream);
    return Float32Array.from({ length: count }, () => 2 * random.uniform() - 1);
  };
  return [uniform(m * k, `${name} a`), uniform(k * n, `${name} b`)];
}
