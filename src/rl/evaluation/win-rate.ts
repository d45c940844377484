/**
 * Verdicts on two responses to the same prompt, and how often one side wins. Judges here give scores; a
 * verdict is the sign of their difference, or a tie if it is within a margin.
 */
import { mean, std } from '../statistics.ts';

/** 1: ours is better, 0: theirs, 0.5: a tie. */
export type Verdict = 0 | 0.5 | 1;

/** `margin` is in the judge's own unit: differences up to it are ties. */
export function verdict(ours: number, theirs: number, margin = 0): Verdict {
  const difference = ours - theirs;
  if (Math.abs(difference) <= margin) return 0.5;
  return difference > 0 ? 1 : 0;
}

export function verdicts(
  ours: readonly number[],
  theirs: readonly number[],
  margin = 0,
): Verdict[] {
  if (ours.length !== theirs.length) throw new RangeError('win rates compare the same prompts');
  return ours.map((own, i) => verdict(own, theirs[i]!, margin));
}

/** Share of prompts on which `ours` is better; ties count half. */
export function winRate(ours: readonly number[], theirs: readonly number[], margin = 0): number {
  return mean(verdicts(ours, theirs, margin));
}

/** Differences up to this share of the standard deviation of all scores compared are ties. */
export const TIE_SHARE = 0.05;

/** A tie margin in the judge's own unit, for a judge whose scale is arbitrary. */
export function tieMargin(ours: readonly number[], theirs: readonly number[]): number {
  return TIE_SHARE * std([...ours, ...theirs]);
}
