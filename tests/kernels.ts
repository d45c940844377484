/**
 * Both sets of kernels, for tests of whole models: an adapter on the CPU runs those for graphics cards
 * as well, so that no card is needed to test them.
 */
import type { Gpu } from '../src/gpu/device.ts';
import { KERNELS_FOR, type KernelVariants } from '../src/gpu/variants.ts';

export const KERNELS: readonly { name: string; variants: KernelVariants }[] = [
  { name: 'card', variants: KERNELS_FOR.card },
  { name: 'CPU', variants: KERNELS_FOR.cpu },
];

/** Skips a test of kernels that the adapter does not have the features for. */
export function skipUnableTo(
  { device }: Gpu,
  { matmul, attention, rows }: KernelVariants,
  skip: (note: string) => void,
): void {
  const needsSubgroups = matmul === 'cpu' || attention === 'shared' || rows === 'subgroups';
  if (needsSubgroups && !device.features.has('subgroups')) skip('the adapter has no subgroups');
}
