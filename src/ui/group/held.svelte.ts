import type { StepReport } from '../../rl/report.ts';

/** Long enough to read a line or two. */
const HOLD_MS = 2600;

/**
 * The report whose group is shown. While the playhead runs by itself a group is held for a moment,
 * since nobody can read eight tries in a tenth of a second; otherwise it is the current one at once.
 */
export class Held {
  report = $state.raw<StepReport>();

  /** Follows `current`; call it while a component is set up. */
  constructor(current: () => StepReport | undefined, isRunning: () => boolean) {
    let shownAt = -Infinity;
    $effect(() => {
      const next = current();
      const show = (): void => {
        this.report = next;
        shownAt = performance.now();
      };
      const wait = isRunning() && next ? shownAt + HOLD_MS - performance.now() : 0;
      if (wait <= 0) {
        show();
        return;
      }
      const timer = setTimeout(show, wait);
      return () => clearTimeout(timer);
    });
  }
}
