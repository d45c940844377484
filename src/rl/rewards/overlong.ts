/** The name of TRL's get_soft_overlong_punishment in metrics. */
export const SOFT_OVERLONG = 'soft_overlong_punishment_reward';

/**
 * DAPO's soft overlong punishment (arXiv 2503.14476, eq. 13), from 0 to -1: 0 up to `longest` - `cache`
 * tokens, then falling evenly to -1 at `longest`. All lengths are in tokens; `cache` is above 0.
 */
export function softOverlongPunishment(length: number, longest: number, cache: number): number {
  return Math.max(-1, Math.min(0, (longest - cache - length) / cache));
}
