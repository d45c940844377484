import { drawnOnly } from '../../model/sequences.ts';
import type { Group, TokenTrace } from '../../rl/report.ts';

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

/** Whether token t was written for the policy (max_thought_length). */
export const isForced = ({ forced }: TokenTrace, t: number): boolean =>
  forced !== undefined && t >= forced[0] && t < forced[1];

/** The group as its loss reads it: without the tokens that the policy did not choose. */
export function drawnGroup(group: Group): Group {
  return {
    ...group,
    samples: group.samples.map((s) => (s.trace ? { ...s, trace: drawn(s.trace) } : s)),
  };
}

function drawn({ forced, ...columns }: TokenTrace): TokenTrace {
  const kept = Object.entries(columns).map(([name, values]) => [
    name,
    drawnOnly<string | number>(values, forced),
  ]);
  return Object.fromEntries(kept) as TokenTrace;
}
