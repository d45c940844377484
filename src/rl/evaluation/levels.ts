/**
 * WildBench's score of a policy against a baseline (WB-Reward; Lin et al. 2024, arXiv 2406.04770,
 * sec. 4.1, and its src/view_wb_eval.py): verdicts have five levels worth 1, 0.5, 0, -0.5 and -1, and a
 * slight win of a response that is more than K characters longer counts as a tie. The score is the mean
 * on a scale of -100 to 100.
 */
import { mean, std } from '../statistics.ts';

/** From "much better" to "much worse" than the baseline. */
export type Level = 1 | 0.5 | 0 | -0.5 | -1;

interface LevelVerdict {
  level: Level;
  /** In characters. */
  length: number;
  baselineLength: number;
}

/** The paper's K, for responses of thousands of characters; shorter responses need a smaller one. */
export const LENGTH_MARGIN = 500;

/** `k` is the length margin in characters; Infinity switches the length rule off. */
export function wildBenchScore(rows: readonly LevelVerdict[], k = LENGTH_MARGIN): number {
  return (
    100 *
    mean(
      rows.map(({ level, length, baselineLength }) => {
        if (level === 0.5 && length > baselineLength + k) return 0;
        if (level === -0.5 && baselineLength > length + k) return 0;
        return level;
      }),
    )
  );
}

/** In standard deviations of the scores: differences up to `tie` are ties, above `much` they are "much" better. */
export const LEVEL_MARGINS = { tie: 0.05, much: 1 } as const;

/** Levels from scores; the margins are shares of the standard deviation of all scores compared. */
export function levelsFromScores(
  ours: readonly number[],
  theirs: readonly number[],
  margins: { tie: number; much: number } = LEVEL_MARGINS,
): Level[] {
  if (ours.length !== theirs.length) throw new RangeError('levels compare the same prompts');
  const scale = std([...ours, ...theirs]);
  return ours.map((own, i): Level => {
    const difference = own - theirs[i]!;
    const size = Math.abs(difference);
    if (size <= margins.tie * scale) return 0;
    const much = size > margins.much * scale;
    if (difference > 0) return much ? 1 : 0.5;
    return much ? -1 : -0.5;
  });
}
