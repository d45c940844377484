/** A cache that holds no more of a sequence than a window sees; see attention-ring.wgsl. */

export interface Ring {
  /** A token sees so many tokens, itself included. */
  window: number;
  /** Cache rows of the prompts, which come first. */
  firstOwn: number;
  /** Rows of a sequence in a whole cache. */
  ownRows: number;
}

export const ringParamTypes = {
  window: 'u32',
  firstOwn: 'u32',
  ownRows: 'u32',
  ring: 'u32',
} as const;

/** Rows of a sequence in its cache. */
export const ringRows = ({ window, ownRows }: Pick<Ring, 'window' | 'ownRows'>): number =>
  Math.min(window, ownRows);

export const ringParams = (ring: Ring) => ({ ...ring, ring: ringRows(ring) });
