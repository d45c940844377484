/** Adds up the partial sums of a matrix product whose k was cut into parts. */
import { op, resolve, type Bindable, type Dyn, type Kernel, type Op } from '../kernel.ts';
import { storePrelude, type StoredMemory } from './matmul-store.ts';
import sum from './matmul-sum.wgsl?raw';

const PARAMS = {
  m: 'u32',
  n: 'u32',
  cOffset: 'u32',
  cStride: 'u32',
  scale: 'f32',
  parts: 'u32',
} as const;

/**
 * c[m,n] (+)= scale * the sum of partials[parts, m, n rounded up to a multiple of four] (+ bias or
 * residual). Replays with one part do not run it.
 */
export function sumOfParts<D>(
  stored: StoredMemory,
  launch: {
    label: string;
    /** The addend, or any buffer that is only read; c; the partial sums. */
    bindings: readonly [Bindable, Bindable, Bindable];
    params: Record<keyof typeof PARAMS, Dyn<D>>;
  },
): Op<D> {
  const { m, n, parts } = launch.params;
  return op(kernelFor(stored), {
    ...launch,
    grid: (d) => {
      if (resolve(parts, d) === 1) return [0];
      return [Math.ceil((resolve(m, d) * Math.ceil(resolve(n, d) / 4)) / 64)];
    },
  });
}

const kernels = new Map<string, Kernel<typeof PARAMS>>();

function kernelFor(stored: StoredMemory): Kernel<typeof PARAMS> {
  const name = `matmul-sum ${JSON.stringify(stored)}`;
  let kernel = kernels.get(name);
  if (!kernel) {
    kernel = {
      name,
      code: `
struct Params { m: u32, n: u32, c_offset: u32, c_stride: u32, scale: f32, parts: u32 }
@group(0) @binding(2) var<storage, read> partials: array<vec4f>;
@group(1) @binding(0) var<uniform> p: Params;
${storePrelude(stored)}
${sum}`,
      bindings: ['read', 'write', 'read'],
      params: PARAMS,
    };
    kernels.set(name, kernel);
  }
  return kernel;
}
