/**
 * Matrix products in the three layouts a linear layer needs forward and backward. There are kernels
 * for graphics cards, of which each replay picks one by its sizes, and two for adapters on the CPU.
 */
import { Activation } from '../activations.ts';
import { op, resolve, type Dyn, type Grid, type Kernel, type Op } from '../kernel.ts';
import type { CardRates } from '../variants.ts';
import {
  bytesOf,
  labelOf,
  operandsOf,
  plannedSizes,
  sizesOf,
  storedAs,
  type MatmulLaunch,
} from './matmul-launch.ts';
import { cpuBody, cpuTile, type CpuVariant } from './matmul-on-cpu.ts';
import { halfOf, placed } from './matmul-places.ts';
import { matmulPrelude, type MatmulMemory } from './matmul-prelude.ts';
import type { StoredMemory } from './matmul-store.ts';
import { sumOfParts } from './matmul-sum.ts';
import {
  cardVariant,
  cardVariants,
  mostPartialSums,
  pitchOf,
  sharesOfK,
  type SharesOfK,
  type Sizes,
} from './matmul-choice.ts';
import { STEP, stepOf, tileOf, variantBody, type CardVariant } from './matmul-variants.ts';

/** cpu needs the feature `subgroups`. */
export type MatmulVariant = CardVariant | CpuVariant;

/**
 * c[m,n] (+)= scale (A B (+ A' B')) (+ bias or residual), row-major, computed in f32.
 * nt: a[m,k] b[n,k]^T, a linear layer; nn: a[m,k] b[k,n], its input gradient;
 * tn: a[k,m]^T b[k,n], its weight gradient.
 * All sizes work in f32; fixed sizes (not functions) that are multiples of four are faster.
 */
export function matmul<D>(launch: MatmulLaunch<D>): Op<D> {
  return {
    ...matmulAs(['small'], launch),
    lower: ({ matmul: kind, card }) =>
      kind === 'blocked' ? matmulOnCard(launch, card) : [matmulAs([kind], launch)],
  };
}

/** A launch with k in one part, and two for the replays that cut it into several; not all may be needed. */
function matmulOnCard<D>(launch: MatmulLaunch<D>, card?: CardRates): Op<D>[] {
  const { layout, norm, side, gated } = launch;
  const sizes = plannedSizes(launch);
  const mayCut = !norm && !side && !gated;
  const { whole, inParts } = cardVariants(layout, sizes, card, mayCut);
  if (!mayCut) return [matmulAs(whole, launch, { card })];
  const shares = sharesOf(launch);
  if (inParts.length === 0) {
    return [matmulAs(whole, launch, { card, shares: (d) => ({ ...shares(d), parts: 1 }) })];
  }
  const parts = (d: D): number => shares(d).parts;
  return [
    ...(whole.length > 0 ? [matmulAs(whole, launch, { card, shares })] : []),
    ...matmulInParts(inParts, launch, parts, mostPartialSums(layout, sizes), card),
  ];
}

/** How each replay shares out k; computed once for the sizes of a replay. */
function sharesOf<D>(launch: MatmulLaunch<D>): (d: D) => SharesOfK {
  let last: { sizes: Sizes; shares: SharesOfK } | undefined;
  return (d) => {
    const sizes = sizesOf(launch, d);
    const { m, n, k } = sizes;
    if (last?.sizes.m !== m || last.sizes.n !== n || last.sizes.k !== k) {
      last = { sizes, shares: sharesOfK(launch.layout, sizes) };
    }
    return last.shares;
  };
}

/**
 * The launches of replays that cut k into several parts: workgroups of their own compute the partial
 * sums of each part, then a second launch adds them up and does what belongs to the result.
 * @param most elements of the partial sums of any replay
 */
export function matmulInParts<D>(
  variants: readonly CardVariant[],
  launch: MatmulLaunch<D>,
  parts: (d: D) => number,
  most: number,
  card?: CardRates,
): Op<D>[] {
  const partials = new Activation('partial sums', most);
  const { m, n, bias, residual, scale } = launch;
  const c = placed(launch.c, n);
  return [
    matmulAs(variants, launch, { card, shares: (d) => ({ parts: parts(d) }), partials }),
    sumOfParts<D>(storedAs(launch, c), {
      label: `${labelOf(launch)} sum`,
      bindings: [residual ?? bias ?? partials, c.of, partials],
      params: { m, n, cOffset: c.offset, cStride: c.stride, scale: scale ?? 1, parts },
    }),
  ];
}

interface CardChoice<D> {
  /** Absent: a table's. */
  card?: CardRates | undefined;
  /** Only some replays run the launch: those with several parts if it has `partials`, else those with one. */
  shares?: (d: D) => SharesOfK;
  /** Takes the partial sums in place of c. */
  partials?: Activation;
}

/** The same with the caller's choice of variants; each replay picks among them by its sizes. */
export function matmulAs<D>(
  variants: readonly MatmulVariant[],
  launch: MatmulLaunch<D>,
  { card, shares = () => ({ parts: 1 }), partials }: CardChoice<D> = {},
): Op<D> {
  const { layout, m, n, bias, residual, scale, norm, side, gated } = launch;
  const products = [launch, ...(launch.plus ? [launch.plus] : [])].map(({ a, b, k }) => ({
    a: placed(a, layout === 'tn' ? m : k),
    b: placed(b, layout === 'nt' ? k : n),
    k,
  }));
  const pitch = (d: D): number => pitchOf(resolve(n, d));
  const c = partials
    ? { of: partials, offset: 0, stride: pitch }
    : placed(launch.c, gated ? halfOf(n) : n);
  const sizes = plannedSizes(launch);
  const tiles = variants.map((variant) =>
    isCpu(variant) ? cpuTile(variant, sizes) : tileOf(variant),
  );
  const kernels = variants.map((variant, i) => {
    const { columns } = tiles[i]!;
    const wholeColumns = typeof n === 'number' && n % columns === 0 && n / columns <= MOST_GROUPS;
    const stored = partials ? PARTIAL_SUMS : { ...storedAs(launch, c), wholeColumns };
    const pack = variant === 'few' ? [] : (card?.packed ?? []);
    const step = isCpu(variant) ? STEP : stepOf(variant);
    const operands = operandsOf(launch, products, pack, step);
    const memory = { ...stored, ...operands, inParts: !!partials };
    return kernelFor(variant, memory, tiles[i]!);
  });
  const runs = (d: D): boolean => shares(d).parts > 1 === !!partials;
  const pick = (d: D): number =>
    variants.length === 1
      ? 0
      : cardVariant(variants as readonly CardVariant[], sizesOf(launch, d), shares(d), card);
  const places = products.map(({ a, b, k }) => [k, a.offset, a.stride, b.offset, b.stride]);
  const [first, second] = places as [Dyn<D>[], Dyn<D>[]?];
  const [kernel, ...others] = kernels as [Kernel<Params>, ...Kernel<Params>[]];
  return op<D, Params>(kernel, {
    label: labelOf(launch),
    bindings: [
      // Without an addend the binding still needs a buffer; read-only bindings may share one.
      (partials ? undefined : (residual ?? bias)) ?? products[0]!.b.of,
      c.of,
      ...products.flatMap(({ a, b }) => [a.of, b.of]),
      ...(norm ? [norm.weight] : []),
      ...(side ? [side.b, side.c] : []),
    ],
    params: {
      ...{ m, n, cOffset: c.offset, cStride: c.stride, scale: scale ?? 1 },
      ...named('0', first),
      ...(second && named('1', second)),
      ...(norm && { eps: norm.eps }),
      ...(side && { sideN: side.n, sideScale: side.scale }),
    },
    others,
    pick,
    grid: (d): Grid => {
      if (!runs(d)) return [0];
      const tile = tiles[pick(d)]!;
      const across = (width: number): number => Math.ceil(width / tile.columns);
      const columns = across(resolve(n, d)) + across(side?.n ?? 0);
      const rows = Math.ceil(resolve(m, d) / tile.rows);
      // Only the kernel for few rows has so small tiles, and it never cuts k into parts.
      const folds = Math.ceil(columns / MOST_GROUPS);
      return folds > 1
        ? [Math.ceil(columns / folds), rows, folds]
        : [columns, rows, shares(d).parts];
    },
    flops: (d) => {
      const sizes = sizesOf(launch, d);
      return runs(d) ? 2 * sizes.m * sizes.n * sizes.k : 0;
    },
    bytes: (d) => bytesOf(launch, d),
  });
}

/** Workgroups that one axis can hold. */
const MOST_GROUPS = 65535;

/** How partial sums are stored; see `storeInParts`. */
const PARTIAL_SUMS: StoredMemory = {
  alignedC: true,
  wholeColumns: false,
  addend: 'none',
  accumulate: false,
  scaled: false,
  gated: undefined,
};

const isCpu = (variant: MatmulVariant): variant is CpuVariant =>
  variant === 'cpu' || variant === 'wide';

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

const NORM = { eps: 'f32' } as const;
const SIDE = { sideN: 'u32', sideScale: 'f32' } as const;

type Params = Record<string, 'u32' | 'f32'>;

function named<D>(index: '0' | '1', values: Dyn<D>[]): Record<string, Dyn<D>> {
  const names = Object.keys(index === '0' ? FIRST : SECOND);
  return Object.fromEntries(names.map((name, i) => [name, values[i]!]));
}

const kernels = new Map<string, Kernel<Params>>();

/** One kernel object per text, since pipelines are cached by the kernel's name. */
function kernelFor(
  variant: MatmulVariant,
  memory: MatmulMemory,
  tile: { rows: number; columns: number },
): Kernel<Params> {
  const name = `matmul ${variant} ${tile.rows}x${tile.columns} ${JSON.stringify(memory)}`;
  let kernel = kernels.get(name);
  if (!kernel) {
    const two = memory.products.length === 2;
    const enable = variant === 'cpu' ? 'enable subgroups;\n' : '';
    const body = isCpu(variant) ? cpuBody(variant, memory, tile) : variantBody(variant, memory);
    kernel = {
      name,
      code: `${enable}${matmulPrelude(memory)}${body}`,
      bindings: [
        ...(['read', 'write', 'read', 'read'] as const),
        ...(two ? (['read', 'read'] as const) : []),
        ...(memory.normed ? (['read'] as const) : []),
        ...(memory.side ? (['read', 'write'] as const) : []),
      ],
      params: {
        ...{ ...SHARED, ...FIRST },
        ...(two && SECOND),
        ...(memory.normed && NORM),
        ...(memory.side && SIDE),
      },
      cut: ['y', 'x'],
    };
    kernels.set(name, kernel);
  }
  return kernel;
}
