/**
 * A linear layer whose input is normalised first (RMSNorm). On graphics cards the product does both,
 * and on the CPU, too, if its weights are few and no second matrix is beside it.
 */
import type { Bindable, Op } from '../kernel.ts';
import type { MatmulLaunch } from './matmul-launch.ts';
import { matmul } from './matmul.ts';
import { rmsNorm } from './rms-norm.ts';

/** On the CPU each tile repeats the norm: of 128 rows and more weights, that takes longer than a launch. */
const MOST_FUSED_ON_CPU = 2 ** 14;

/**
 * `matmul` in layout nt with a norm: c = norm(x) B^T, x [m, k] dense. `normed`: [m, k], scratch of
 * the op on the CPU.
 */
export function matmulNormed<D>(
  launch: Omit<MatmulLaunch<D>, 'layout' | 'a' | 'n' | 'k' | 'plus' | 'norm'> & {
    x: Bindable;
    n: number;
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
      kind !== 'blocked' && (side || own.n * own.k > MOST_FUSED_ON_CPU)
        ? [
            rmsNorm<D>({ x, y: normed, ...norm, ...rows }),
            ...(side ? [matmul<D>({ layout: 'nt', a: normed, m: own.m, k: own.k, ...side })] : []),
            matmul<D>({ ...shared, a: normed }),
          ]
        : [fused],
  };
}
