/** How a number becomes a shade and the height of a bar. */
export interface Scale {
  /** Signed quantities diverge around zero; others grow from it. */
  kind: 'diverging' | 'sequential';
  /** The size that gets the full shade; larger sizes get the same. */
  limit: number;
}

/** Share of the loud values that must fit below the limit: one outlier must not make all others pale. */
const WITHIN = 0.98;
/** A value is loud if it has at least this share of the third largest one. */
const LOUD = 0.05;

/**
 * Most tokens are quiet: the model had no choice, and nothing changed. They do not set the scale,
 * however many they are. A value below `quiet` is one that is printed as zero.
 */
export function scaleOf(kind: Scale['kind'], values: readonly number[], quiet = 0): Scale {
  const sizes = values
    .map(Math.abs)
    .filter((size) => Number.isFinite(size) && size >= quiet)
    .sort((a, b) => a - b);
  const third = sizes.at(-Math.min(3, sizes.length)) ?? 0;
  const loud = sizes.filter((size) => size >= LOUD * third);
  const limit = loud[Math.min(loud.length - 1, Math.ceil(WITHIN * loud.length))] ?? 0;
  return { kind, limit: limit || (loud.at(-1) ?? 0) };
}

/** The smallest size that is not printed as zero with so many decimals. */
export const printable = (digits: number): number => 0.5 * 10 ** -digits;

/** From -1 to 1 on a diverging scale, from 0 to 1 on a sequential one. */
export function shareOf(value: number, { kind, limit }: Scale): number {
  if (!Number.isFinite(value) || limit === 0) return 0;
  const share = Math.min(1, Math.abs(value) / limit);
  return kind === 'diverging' && value < 0 ? -share : share;
}
