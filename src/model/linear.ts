/**
 * A linear layer, y = x W^T (+ bias), with or without a LoRA adapter, forward and backward.
 * N token rows; R: the ranks of the layer's adapted projections together. With an adapter,
 *   h = scale x A^T [N, R],  y = x W^T + h B^T in one matmul per projection,
 * and backwards dB += dy^T h, dh = scale dy B, dA += dh^T x, dx = dy W + dh A in one matmul. Where the
 * whole output has a factor, so have dB, dA, dx and dW, but not h and dh.
 */
import type { Bindable, Dyn, Op } from '../gpu/kernel.ts';
import { matmulNormed } from '../gpu/kernels/matmul-normed.ts';
import { matmul } from '../gpu/kernels/matmul.ts';
import type { Slice } from '../gpu/kernels/matmul-places.ts';
import { rmsNorm } from '../gpu/kernels/rms-norm.ts';
import { swigluAdapted, type Factors } from '../gpu/kernels/swiglu-adapted.ts';
import type { Gate } from '../gpu/kernels/gate.ts';
import { swiglu } from '../gpu/kernels/swiglu.ts';
import type { View } from '../gpu/memory.ts';
import type { LinearAdapter } from './lora.ts';

export interface Linear {
  /** [out, in], of any storage. */
  weight: View;
  in: number;
  out: number;
  /** The output, adapter included and before a residual is added, is multiplied by it; absent: 1. */
  scale?: number;
  adapter?: LinearAdapter;
}

/** The buffers to which gradients are added; absent for frozen weights. */
export interface LinearGradients {
  weight?: View | undefined;
  a?: View | undefined;
  b?: View | undefined;
}

interface Shared<D> {
  linear: Linear;
  rows: Dyn<D>;
  /** [N, in] */
  x: Bindable;
  /** [N, R], where there is an adapter. */
  h?: Bindable | undefined;
}

/** h = scale x A^T, which the output and the backward pass read; no op without an adapter. */
export function adapterForward<D>({ linear, rows, x, h, label }: Shared<D> & Labelled): Op<D>[] {
  const { adapter } = linear;
  if (!adapter || !h) return [];
  const n = adapter.parts.length * adapter.rank;
  return [
    matmul<D>({
      layout: 'nt',
      ...{ a: x, b: adapter.a, c: h },
      ...{ m: rows, n, k: linear.in, scale: adapter.scale },
      label: `${label} adapter`,
    }),
  ];
}

interface Labelled {
  label: string;
}

type Output<D> = Shared<D> &
  Labelled & {
    /** [N, out] */
    y: Bindable;
    bias?: View;
    /** [N, out], added. */
    residual?: Bindable;
  };

/** y, when h has been computed. */
export function linearOutput<D>(launch: Output<D>): Op<D>[] {
  const { linear, rows, x, h, y, bias, residual, label } = launch;
  const { adapter, weight, scale } = linear;
  const scaled = scale !== undefined && { scale };
  const shared = { layout: 'nt', a: x, m: rows, k: linear.in, label, ...scaled } as const;
  const epilogue = { ...(bias && { bias }), ...(residual && { residual }) };
  if (!adapter || !h) {
    return [matmul<D>({ ...shared, ...epilogue, b: weight, c: y, n: linear.out })];
  }
  const { rank, parts } = adapter;
  const width = parts.length * rank;
  const output = (row: number, count: number, part?: number): Op<D> =>
    matmul<D>({
      ...shared,
      ...epilogue,
      b: { of: weight, offset: row * linear.in, stride: linear.in },
      c: { of: y, offset: row, stride: linear.out },
      n: count,
      ...(part !== undefined && {
        plus: { a: column(h, part * rank, width), b: factorRows(adapter, part), k: rank },
      }),
    });
  const ops: Op<D>[] = [];
  let done = 0;
  parts.forEach(({ row, rows: count }, part) => {
    if (row > done) ops.push(output(done, row - done));
    ops.push(output(row, count, part));
    done = row + count;
  });
  if (done < linear.out) ops.push(output(done, linear.out - done));
  return ops;
}

/** h, then y. */
export function linearForward<D>(launch: Output<D>): Op<D>[] {
  return [...adapterForward(launch), ...linearOutput(launch)];
}

/** An RMSNorm of the input of a linear layer. */
export interface InputNorm {
  /** [in] */
  weight: View;
  eps: number;
  /** [N, in], scratch. */
  normed: Bindable;
}

type NormedOutput<D> = Omit<Output<D>, 'residual'> & { norm?: InputNorm | undefined };

/**
 * y = norm(x) W^T (+ bias) and h = scale norm(x) A^T. y lacks h B^T, which a later op adds. Without a
 * norm x is taken as it is.
 */
export function linearNormed<D>(launch: NormedOutput<D> & { gated?: Gate }): Op<D>[] {
  const { linear, norm, rows, x, h, y, label, bias, gated } = launch;
  const { adapter, weight } = linear;
  if (!norm) {
    const base = { weight, in: linear.in, out: linear.out };
    return [...adapterForward(launch), ...linearOutput({ ...launch, linear: base })];
  }
  const { normed, ...weightAndEps } = norm;
  const product = matmulNormed<D>({
    ...{ x, b: weight, c: y, norm: weightAndEps, normed, label },
    ...{ m: rows, n: linear.out, k: linear.in },
    ...(bias && { bias }),
    ...(gated && { gated }),
    ...(adapter &&
      h && {
        side: { b: adapter.a, c: h, n: adapter.parts.length * adapter.rank, scale: adapter.scale },
      }),
  });
  return [product];
}

/**
 * y [N, out / 2] = gate(g) * up of g | up = norm(x) W^T (+ h B^T); gateUp [N, out]: scratch. With an
 * adapter these are two launches, on the CPU those of packed rows.
 */
export function linearNormedGated<D>({
  gateUp,
  gate = 'silu',
  ...launch
}: Omit<NormedOutput<D>, 'bias'> & { gateUp: Bindable; gate?: Gate | undefined }): Op<D>[] {
  const { linear, norm, x, h, y, rows } = launch;
  const { adapter } = linear;
  const width = linear.out / 2;
  if (!norm) {
    return [
      ...linearForward({ ...launch, y: gateUp }),
      swiglu<D>({ gateUp, y, rows, width, gate }),
    ];
  }
  if (!adapter || !h) return linearNormed<D>({ ...launch, gated: gate });
  const { b, rank, parts } = adapter;
  const factors = (first: number): Factors | undefined => {
    const part = parts.findIndex(({ row, rows: n }) => row <= first && first < row + n);
    if (part < 0) return undefined;
    const { row, bRow } = parts[part]!;
    return { column: part * rank, row: bRow + first - row };
  };
  const [product] = linearNormed<D>({ ...launch, y: gateUp });
  const { weight, eps, normed } = norm;
  return [
    {
      ...product!,
      lower: ({ matmul: kind }) =>
        kind !== 'blocked'
          ? [
              rmsNorm<D>({ x, weight, y: normed, rows, cols: linear.in, eps }),
              ...linearForward<D>({ ...launch, x: normed, y: gateUp }),
              swiglu<D>({ gateUp, y, rows, width, gate }),
            ]
          : [
              product!,
              swigluAdapted<D>({
                ...{ gateUp, h, hWidth: parts.length * rank, b, rank },
                ...{ gate: factors(0), up: factors(width), kind: gate, y, rows, width },
              }),
            ],
    },
  ];
}

/** Writes dx, or adds to it, and adds to the gradients. */
export function linearBackward<D>(
  launch: Shared<D> & {
    gradients: LinearGradients;
    /** [N, out] */
    dy: Bindable;
    /** [N, in] */
    dx: Bindable;
    /** Add to dx instead of overwriting it. */
    accumulate?: boolean;
    /** [N, R], scratch; where there is an adapter. */
    dh?: Bindable | undefined;
  },
): Op<D>[] {
  const { linear, gradients, rows, x, h, dy, dx, dh, accumulate = false } = launch;
  const { adapter, weight } = linear;
  const scaled = linear.scale !== undefined && { scale: linear.scale };
  const input = {
    layout: 'nn',
    a: dy,
    b: weight,
    c: dx,
    m: rows,
    n: linear.in,
    accumulate,
    ...scaled,
  } as const;
  const sum = { layout: 'tn', k: rows, accumulate: true, label: 'd-weight', ...scaled } as const;
  if (!adapter || !h || !dh) {
    const own = matmul<D>({ ...input, k: linear.out, label: 'd-input' });
    if (!gradients.weight) return [own];
    const c = gradients.weight;
    return [own, matmul<D>({ ...sum, a: dy, b: x, c, m: linear.out, n: linear.in })];
  }
  const { rank, scale, parts, a } = adapter;
  const width = parts.length * rank;
  const ops = parts.flatMap(({ row, rows: count, bRow }, part) => {
    const dyPart = column(dy, row, linear.out);
    const dhPart = column(dh, part * rank, width);
    return [
      matmul<D>({
        layout: 'nn',
        ...{ a: dyPart, b: factorRows(adapter, part), c: dhPart },
        ...{ m: rows, n: rank, k: count, scale },
        label: 'd-lora-a-output',
      }),
      ...(gradients.b
        ? [
            matmul<D>({
              ...sum,
              ...{ a: dyPart, b: column(h, part * rank, width) },
              c: { of: gradients.b, offset: bRow * rank, stride: rank },
              ...{ m: count, n: rank },
            }),
          ]
        : []),
    ];
  });
  if (gradients.a) {
    ops.push(matmul<D>({ ...sum, a: dh, b: x, c: gradients.a, m: width, n: linear.in }));
  }
  const plus = { a: dh, b: a, k: width };
  return [...ops, matmul<D>({ ...input, k: linear.out, plus, label: 'd-input' })];
}

const column = (of: Bindable, offset: number, stride: number): Slice => ({ of, offset, stride });

const factorRows = ({ b, parts, rank }: LinearAdapter, part: number): Slice => ({
  of: b,
  offset: parts[part]!.bRow * rank,
  stride: rank,
});
