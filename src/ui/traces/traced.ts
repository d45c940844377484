import type { StepReport } from '../../rl/report.ts';

/** The way to the nearest step with numbers of single tokens, in a run where some steps have none. */
export interface Detour {
  step: number;
  go: () => void;
  /** The step on view has none. Otherwise the place of the note is kept, so that nothing moves. */
  needed: boolean;
}

/** Whether the report has numbers of single tokens. */
export const isTraced = (report: StepReport | undefined): boolean =>
  report?.group?.samples.some(({ trace }) => trace) ?? false;

/** Index of the traced report nearest to the one at `index`; the earlier of two. -1: there is none. */
export function nearestTraced(reports: readonly StepReport[], index: number): number {
  for (let away = 0; away <= reports.length; away++) {
    for (const i of [index - away, index + away]) if (isTraced(reports[i])) return i;
  }
  return -1;
}
