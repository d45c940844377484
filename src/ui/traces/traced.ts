import type { Group } from '../../rl/report.ts';

/** The way to the nearest step with numbers for single tokens, if some steps of the run have none. */
export interface Detour {
  step: number;
  go: () => void;
  /** The step on view has none. If it has, the place of the note is kept, so that nothing moves. */
  needed: boolean;
}

/** Whether the group has numbers for single tokens. */
export const isTraced = (group: Group | undefined): boolean =>
  group?.samples.some(({ trace }) => trace) ?? false;

/** Index of the traced group nearest to `index`, the earlier of two; -1 if there is none. */
export function nearestTraced(groups: readonly (Group | undefined)[], index: number): number {
  for (let away = 0; away <= groups.length; away++) {
    for (const i of [index - away, index + away]) if (isTraced(groups[i])) return i;
  }
  return -1;
}
