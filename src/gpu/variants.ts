/** Which kernels a device runs, and how it is kept busy. */

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
   * The blocks of tokens that the decoder submits beyond the one that it waits for. One keeps a card
   * busy while the host reads. On the CPU nothing runs beside the host for free, and the block after
   * the last token would be computed for nothing.
   */
  readonly blocksAhead: 0 | 1;
}

export const KERNELS_FOR = {
  card: { matmul: 'blocked', attention: 'own', blocksAhead: 1 },
  cpu: { matmul: 'cpu', attention: 'shared', blocksAhead: 0 },
} as const satisfies Record<string, KernelVariants>;
