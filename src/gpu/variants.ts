/** Which kernels a device runs, and how much the decoder reads at a time. */
import type { Halves } from './storage.ts';

/** The tiles of matrix products on graphics cards; see kernels/matmul-variants.ts for their shapes. */
export type TileName = 'large' | 'medium' | 'narrow' | 'small';

/** Multiply-adds a second, by tile. */
export type TileRates = Readonly<Record<TileName, number>>;

/** What the choice of a product's kernel needs to know about a card. */
export interface CardRates {
  /** The whole card, busy with workgroups of this tile. */
  readonly full: TileRates;
  /** A single workgroup that has the card for itself. */
  readonly alone: TileRates;
  /** Weights in these stay packed in workgroup memory: it is faster on this card. */
  readonly packed: readonly Halves[];
}

/** The variants of kernels that a device runs, chosen when it is opened. */
export interface KernelVariants {
  /**
   * blocked: for graphics cards, through workgroup memory. cpu: for adapters on the CPU; needs the
   * feature `subgroups`. wide: for those of them that load only once what a whole workgroup reads.
   */
  readonly matmul: 'blocked' | 'cpu' | 'wide';
  /**
   * blocked: for graphics cards, through workgroup memory (heads of up to 16 excepted). shared: four
   * neighbours share what they load, if the head size allows it; for adapters on the CPU; needs the
   * feature `subgroups`.
   */
  readonly attention: 'blocked' | 'shared';
  /**
   * How a team, the invocations that share a row, reduces it. subgroups: large teams use subgroup
   * operations, which the device must have. memory: all use workgroup memory. alone: a short row has
   * a single invocation, which needs no barrier; for adapters on the CPU.
   */
  readonly rows: 'subgroups' | 'memory' | 'alone';
  /**
   * Decoding steps of a block, whose tokens are read together. Each reading costs a submit, which on
   * the CPU is little; in shorter blocks fewer sequences are computed beyond their end.
   */
  readonly tokensPerBlock: number;
  /** What was measured on the card (tuning.ts); absent: the values of a table are used. */
  readonly card?: CardRates;
}

export const KERNELS_FOR = {
  card: { matmul: 'blocked', attention: 'blocked', rows: 'subgroups', tokensPerBlock: 8 },
  cpu: { matmul: 'cpu', attention: 'shared', rows: 'alone', tokensPerBlock: 4 },
  wide: { matmul: 'wide', attention: 'shared', rows: 'alone', tokensPerBlock: 4 },
} as const satisfies Record<string, KernelVariants>;
