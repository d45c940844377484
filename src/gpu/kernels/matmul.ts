/**
 * Matrix products in the three layouts a linear layer needs forward and backward. There is one
 * kernel for graphics cards and one for adapters on the CPU; the device chooses when a program is
 * compiled.
 */
import {
  op,
  resolve,
  type Bindable,
  type Dyn,
  type Grid,
  type Kernel,
  type KernelVariants,
  type Op,
} from '../kernel.ts';
import type { Storage } from '../storage.ts';
import { matmulPrelude, type MatmulMemory, type Operand, type Product } from './matmul-prelude.ts';
import cpu from './matmul-cpu.wgsl?raw';
import tiled from './matmul-tiled.wgsl?raw';
import { unroll } from './unroll.ts';

/** How the operands of C = A B lie in memory; t marks the one that is stored transposed. */
export type MatmulLayout = 'nt' | 'nn' | 'tn';

export type MatmulVariant = KernelVariants['matmul'];

/** Part of a larger matrix: the place of its first number, and the numbers from row to row. */
export interface Slice {
  of: Bindable;
  offset: number;
  stride: number;
}

/** A matrix by itself has rows as long as the launch says. */
export type Matrix = Bindable | Slice;

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
  /** [n], added to every row; of a slice c it is read where c's columns lie. */
  bias?: Bindable;
  /** [m, n], lying as c does, added to the product; takes the place of a bias. */
  residual?: Bindable;
  /** Add to what c holds instead of overwriting it. */
  accumulate?: boolean;
  label?: string;
}

/**
 * c[m,n] (+)= scale (A B (+ A' B')) (+ bias or residual), row-major, computed in f32.
 * nt: a[m,k] b[n,k]^T, a linear layer; nn: a[m,k] b[k,n], its input gradient;
 * tn: a[k,m]^T b[k,n], its weight gradient.
 * Any sizes work in f32; multiples of four that are known beforehand are faster.
 */
export function matmul<D>(launch: MatmulLaunch<D>): Op<D> {
  return {
    ...matmulAs('tiled', launch),
    adapt: ({ matmul: variant }) => matmulAs(variant, launch),
  };
}

/** The same with a variant of the caller's choice. */
export function matmulAs<D>(variant: MatmulVariant, launch: MatmulLaunch<D>): Op<D> {
  const { layout, m, n, bias, residual, scale, accumulate = false } = launch;
  const products = [launch, ...(launch.plus ? [launch.plus] : [])].map(({ a, b, k }) => ({
    a: placed(a, layout === 'tn' ? m : k),
    b: placed(b, layout === 'nt' ? k : n),
    k,
  }));
  const c = placed(launch.c, n);
  const blocks = variant === 'cpu' ? cpuBlocks(n) : 1;
  const tile = variant === 'cpu' ? { rows: 16, columns: 16 * blocks } : TILED;
  const memory: MatmulMemory = {
    products: products.map((product): Product => ({
      a: operand(product.a, layout === 'tn', layout === 'tn' ? m : product.k),
      b: operand(product.b, layout !== 'nt', layout === 'nt' ? product.k : n),
      evenK: fours(product.k),
    })),
    alignedC: fours(n) && inFours(c),
    wholeColumns: typeof n === 'number' && n % tile.columns === 0,
    addend: residual ? 'matrix' : bias ? 'row' : 'none',
    accumulate,
    scaled: scale !== undefined,
  };
  const places = products.map(({ a, b, k }) => [k, a.offset, a.stride, b.offset, b.stride]);
  const [first, second] = places as [Dyn<D>[], Dyn<D>[]?];
  return op<D, Params>(kernelFor(variant, memory, blocks), {
    label: launch.label ?? `matmul ${layout}`,
    bindings: [
      // With nothing to add the binding still wants a buffer; read-only bindings may share one.
      residual ?? bias ?? products[0]!.b.of,
      c.of,
      ...products.flatMap(({ a, b }) => [a.of, b.of]),
    ],
    params: {
      ...{ m, n, cOffset: c.offset, cStride: c.stride, scale: scale ?? 1 },
      ...named('0', first),
      ...(second && named('1', second)),
    },
    grid: (d): Grid => [
      Math.ceil(resolve(n, d) / tile.columns),
      Math.ceil(resolve(m, d) / tile.rows),
    ],
    flops: (d) => {
      const k = products.reduce((sum, product) => sum + resolve(product.k, d), 0);
      return 2 * resolve(m, d) * resolve(n, d) * k;
    },
  });
}

/** Elements of c that a workgroup computes. */
const TILED = { rows: 32, columns: 32 };

/**
 * Blocks of 16 columns side by side in a tile of matmul-cpu. Three take 1.5 times the speed of
 * one and half again as long to compile; four are hardly faster than three.
 */
function cpuBlocks<D>(n: Dyn<D>): number {
  return [3, 2].find((blocks) => typeof n === 'number' && n % (16 * blocks) === 0) ?? 1;
}

interface Placed<D> {
  of: Bindable;
  offset: number;
  stride: Dyn<D>;
}

function placed<D>(matrix: Matrix, width: Dyn<D>): Placed<D> {
  return 'of' in matrix ? matrix : { of: matrix, offset: 0, stride: width };
}

function operand<D>(place: Placed<D>, kMajor: boolean, width: Dyn<D>): Operand {
  const storage: Storage = ('storage' in place.of && place.of.storage) || 'f32';
  // Only what is known when the program is written down can be relied on; rows of a stored number
  // format always are in fours.
  const aligned = storage !== 'f32' || (fours(width) && inFours(place));
  return { kMajor, aligned, storage };
}

function inFours<D>({ offset, stride }: Placed<D>): boolean {
  return fours(offset) && fours(stride);
}

function fours<D>(size: Dyn<D>): boolean {
  return typeof size === 'number' && size % 4 === 0;
}

const SHARED = { m: 'u32', n: 'u32', cOffset: 'u32', cStride: 'u32', scale: 'f32' } as const;
const FIRST = {
  k0: 'u32',
  a0Offset: 'u32',
  a0Stride: 'u32',
  b0Offset: 'u32',
  b0Stride: 'u32',
} as const;
const SECOND = {
  k1: 'u32',
  a1Offset: 'u32',
  a1Stride: 'u32',
  b1Offset: 'u32',
  b1Stride: 'u32',
} as const;

type Params = Record<string, 'u32' | 'f32'>;

function named<D>(index: '0' | '1', values: Dyn<D>[]): Record<string, Dyn<D>> {
  const names = Object.keys(index === '0' ? FIRST : SECOND);
  return Object.fromEntries(names.map((name, i) => [name, values[i]!]));
}

const kernels = new Map<string, Kernel<Params>>();

/** One kernel object per text, since pipelines are cached by the kernel's name. */
function kernelFor(variant: MatmulVariant, memory: MatmulMemory, blocks: number): Kernel<Params> {
  const name = `matmul ${variant} ${blocks} ${JSON.stringify(memory)}`;
  let kernel = kernels.get(name);
  if (!kernel) {
    const two = memory.products.length === 2;
    const counts = { PRODUCTS: memory.products.length, BLOCKS: blocks };
    const body = unroll(variant === 'cpu' ? cpu : tiled, counts);
    // `enable` must come first.
    const header = variant === 'cpu' ? `enable subgroups;\nconst BLOCKS = ${blocks}u;` : '';
    kernel = {
      name,
      code: `${header}${matmulPrelude(memory)}${body}`,
      bindings: ['read', 'write', 'read', 'read', ...(two ? (['read', 'read'] as const) : [])],
      params: { ...SHARED, ...FIRST, ...(two && SECOND) },
    };
    kernels.set(name, kernel);
  }
  return kernel;
}
