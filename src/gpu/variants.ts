/** Which kernels a device runs. */

/** The variants of kernels that a device runs, chosen when it is opened. */
export interface KernelVariants {
  /**
   * blocked: for graphics cards, through workgroup memory. cpu: for adapters on the CPU; needs the
   * feature `subgroups`.
   */
  readonly matmul: 'blocked' | 'cpu';
  /**
   * own: each invocation loads its own data. shared: four neighbours share what they load, if the
   * head size allows it; for adapters on the CPU; needs the feature `subgroups`.
   */
  readonly attention: 'own' | 'shared';
}

export const KERNELS_FOR = {
  card: { matmul: 'blocked', attention: 'own' },
  cpu: { matmul: 'cpu', attention: 'shared' },
} as const satisfies Record<string, KernelVariants>;
