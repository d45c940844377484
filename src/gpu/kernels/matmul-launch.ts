/** One matrix product: what a caller says of it, its sizes, and how its matrices lie in memory. */
import { resolve, type Bindable, type Dyn } from '../kernel.ts';
import { storageBytes, type Halves } from '../storage.ts';
import type { Gate } from './gate.ts';
import {
  fours,
  halfOf,
  inFours,
  inTwos,
  mostRows,
  operand,
  placed,
  storageOf,
  type Matrix,
  type Placed,
} from './matmul-places.ts';
import type { MatmulLayout, MatmulMemory } from './matmul-prelude.ts';
import type { StoredMemory } from './matmul-store.ts';
import type { PlannedSize, PlannedSizes, Sizes } from './matmul-choice.ts';

export interface ProductLaunch<D> {
  /** [m, k], or [k, m] in layout tn; f32. */
  a: Matrix;
  /** [k, n], or [n, k] in layout nt; of any storage. */
  b: Matrix;
  k: Dyn<D>;
}

export interface MatmulLaunch<D> extends ProductLaunch<D> {
  layout: MatmulLayout;
  /** A second product of the same layout, added to the first. */
  plus?: ProductLaunch<D>;
  /** [m, n], f32 */
  c: Matrix;
  m: Dyn<D>;
  n: Dyn<D>;
  /** The products are multiplied by this. */
  scale?: number;
  /** [n], added to every row. If c is a slice, its column j gets element c.offset + j. */
  bias?: Bindable;
  /** [m, n] in the layout of c, added to the product; a bias beside it is not added. */
  residual?: Bindable;
  /** Add to what c holds instead of overwriting it. */
  accumulate?: boolean;
  /**
   * Multiplies by y = a * rsqrt(mean(a^2) + eps) * weight, the RMSNorm of the rows of a, in place of
   * a. weight: [k]. Only for layout nt and one product, as the next two are.
   */
  norm?: { weight: Bindable; eps: number };
  /** A second matrix: c'[m,n'] = scale' A B'^T, dense and f32. Its scale and n are its own. */
  side?: { b: Bindable; c: Bindable; n: number; scale: number };
  /** c is [m, n / 2]: gate(g) * up of the product, whose row is g | up. Nothing is added. */
  gated?: Gate;
  label?: string;
}

export const labelOf = <D>({ label, layout }: MatmulLaunch<D>): string =>
  label ?? `matmul ${layout}`;

/** Columns of both matrices together. */
function columnsOf<D>({ n, side }: MatmulLaunch<D>): Dyn<D> {
  if (!side) return n;
  return typeof n === 'number' ? n + side.n : (d) => n(d) + side.n;
}

export function sizesOf<D>(launch: MatmulLaunch<D>, d: D): Sizes {
  const { m, k, plus } = launch;
  const sum = resolve(k, d) + (plus ? resolve(plus.k, d) : 0);
  return { m: resolve(m, d), n: resolve(columnsOf(launch), d), k: sum };
}

/** About the bytes that a launch moves: each matrix once. */
export function bytesOf<D>(launch: MatmulLaunch<D>, d: D): number {
  const { plus, side } = launch;
  const { m, n } = sizesOf(launch, d);
  const products = [launch, ...(plus ? [plus] : [])].map(({ b, k }) => {
    const depth = resolve(k, d);
    const weights = storageBytes(storageOf(placed(b, k).of), resolve(launch.n, d) * depth);
    return 4 * m * depth + weights;
  });
  const beside = side ? 4 * side.n * resolve(launch.k, d) : 0;
  return products.reduce((sum, bytes) => sum + bytes, beside + 4 * m * n);
}

/** The sizes of every replay: the matrices have no more rows than memory. */
export function plannedSizes<D>(launch: MatmulLaunch<D>): PlannedSizes {
  const { layout, a, c, m, n, k, plus, gated } = launch;
  const planned = (size: Dyn<D>, most: number): PlannedSize =>
    typeof size === 'number' ? size : { most };
  const first = planned(k, layout === 'tn' ? mostRows(placed(a, m)) : Infinity);
  const both = !plus
    ? first
    : typeof first === 'number' && typeof plus.k === 'number'
      ? first + plus.k
      : { most: Infinity };
  return {
    m: planned(m, mostRows(placed(c, gated ? halfOf(n) : n))),
    n: planned(columnsOf(launch), Infinity),
    k: both,
  };
}

/** How c is stored by a kernel whose tiles may reach beyond column n. */
export function storedAs<D>(
  { n, bias, residual, scale, accumulate = false, gated }: MatmulLaunch<D>,
  c: Placed<D>,
): StoredMemory {
  return {
    alignedC: fours(n) && (gated ? inTwos(c) : inFours(c)),
    wholeColumns: false,
    addend: residual ? 'matrix' : bias ? 'row' : 'none',
    accumulate,
    scaled: scale !== undefined,
    gated,
  };
}

/**
 * How the operands lie in memory.
 * @param pack matrices B in these stay packed while they are copied, if nothing is done to them
 * @param step values of k that the kernel takes at once
 */
export function operandsOf<D>(
  { layout, m, n, norm, side }: MatmulLaunch<D>,
  products: readonly { a: Placed<D>; b: Placed<D>; k: Dyn<D> }[],
  pack: readonly Halves[],
  step: number,
): Pick<MatmulMemory, 'products' | 'normed' | 'side'> {
  const k = products[0]!.k;
  return {
    products: products.map((product) => {
      const b = operand(product.b, layout !== 'nt', layout === 'nt' ? product.k : n);
      const packed = norm || side ? undefined : pack.find((halves) => halves === b.storage);
      return {
        a: operand(product.a, layout === 'tn', layout === 'tn' ? m : product.k),
        b,
        evenK: fours(product.k),
        wholeSteps: typeof product.k === 'number' && product.k % step === 0,
        ...(packed && { packed }),
      };
    }),
    normed: norm !== undefined,
    ...(side && {
      side: { b: operand(placed(side.b, k), false, k), alignedC: fours(side.n) },
    }),
  };
}
