/**
 * A linear layer whose input is normalised first (RMSNorm). On graphics cards the product does both;
 * on the CPU, where each tile would repeat the norm and launches cost little, the norm is an op.
 */
import type { Bindable, Op } from '../kernel.ts';
import type { MatmulLaunch } from './matmul-launch.ts';
import { matmul } from './matmul.ts';
import { rmsNorm } from './rms-norm.ts';

/**
 * `matmul` in layout nt with a norm: c = norm(x) B^T, x [m, k] dense. `normed`: [m, k], scratch of
 * the op on the CPU.
 */
export function matmulNormed<D>(
  launch: Omit<MatmulLaunch<D>, 'layout' | 'a' | 'k' | 'plus' | 'norm'> & {
    x: Bindable;
    k: number;
    norm: { weight: Bindable; eps: number };
    normed: Bindable;
  },
): Op<D> {
  const { x, norm, normed, side, ...own } = launch;
  const shared = { ...own, layout: 'nt' } as const;
  const fused = matmul<D>({ ...shared, a: x, norm, ...(side && { side }) });
  const rows = { rows: own.m, cols: own.k };
  return {
    ...fused,
    lower: ({ matmul: kind }) =>
      kind !== 'blocked'
        ? [
            rmsNorm<D>({ x, y: normed, ...norm, ...rows }),
            ...(side ? [matmul<D>({ layout: 'nt', a: normed, m: own.m, k: own.k, ...side })] : []),
            matmul<D>({ ...shared, a: normed }),
          ]
        : [fused],
  };
}
