/**
 * All sets of kernels, for tests of whole models: an adapter on the CPU runs those for graphics cards
 * as well, so that no card is needed to test them.
 */
import type { Gpu } from '../src/gpu/device.ts';
import { KERNELS_FOR, type KernelVariants } from '../src/gpu/variants.ts';

/** The wide kernels differ from those for the CPU in their products only. */
export const KERNELS = [
  { name: 'card', variants: KERNELS_FOR.card },
  { name: 'CPU', variants: KERNELS_FOR.cpu },
  { name: 'wide', variants: KERNELS_FOR.wide },
] as const satisfies { name: string; variants: KernelVariants }[];

/** A software adapter takes long to compile: the CPU's kernels run all cases, the others what these say. */
export type OtherKernels = Exclude<(typeof KERNELS)[number]['name'], 'CPU'>;

/** Skips a test of kernels that the adapter does not have the features for. */
export function skipUnableTo(
  { device }: Gpu,
  { matmul, attention, rows }: KernelVariants,
  skip: (note: string) => void,
): void {
  const needsSubgroups = matmul === 'cpu' || attention === 'shared' || rows === 'subgroups';
  if (needsSubgroups && !device.features.has('subgroups')) skip('the adapter has no subgroups');
}
