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
  /**
   * How a team, the invocations that share a row, reduces it. subgroups: large teams use subgroup
   * operations, which the device must have. memory: all use workgroup memory. alone: a short row has
   * a single invocation, which needs no barrier; for adapters on the CPU.
   */
  readonly rows: 'subgroups' | 'memory' | 'alone';
}

export const KERNELS_FOR = {
  card: { matmul: 'blocked', attention: 'own', rows: 'subgroups' },
  cpu: { matmul: 'cpu', attention: 'shared', rows: 'alone' },
} as const satisfies Record<string, KernelVariants>;
