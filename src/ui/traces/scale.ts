/** How a number becomes a shade and the height of a bar. */
export interface Scale {
  /** Signed quantities diverge around zero; others grow from it. */
  kind: 'diverging' | 'sequential';
  /** The size that gets the full shade; larger sizes get the same. */
  limit: number;
}

/** Share of values that must fit below the limit: one outlier must not make all others pale. */
const WITHIN = 0.98;

export function scaleOf(kind: Scale['kind'], values: readonly number[]): Scale {
  const sizes = values
    .map(Math.abs)
    .filter(Number.isFinite)
    .sort((a, b) => a - b);
  const limit = sizes[Math.min(sizes.length - 1, Math.ceil(WITHIN * sizes.length))] ?? 0;
  return { kind, limit: limit || (sizes.at(-1) ?? 0) };
}

/** From -1 to 1 on a diverging scale, from 0 to 1 on a sequential one. */
export function shareOf(value: number, { kind, limit }: Scale): number {
  if (!Number.isFinite(value) || limit === 0) return 0;
  const share = Math.min(1, Math.abs(value) / limit);
  return kind === 'diverging' && value < 0 ? -share : share;
}
