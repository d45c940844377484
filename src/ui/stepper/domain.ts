/** Where bars lie between the ends of their track. */

/** Ends that hold all the values, and zero. */
export function domainOf(values: readonly (number | null)[]): readonly [number, number] {
  const known = values.filter((value): value is number => Number.isFinite(value));
  const low = Math.min(0, ...known);
  const high = Math.max(0, ...known);
  return low === high ? [-1, 1] : [low, high];
}

/** In per cent of the track. */
export function place(value: number, [low, high]: readonly [number, number]): number {
  return ((value - low) / (high - low)) * 100;
}
