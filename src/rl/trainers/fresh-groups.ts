/**
 * Dynamic sampling (DAPO, arXiv 2503.14476, sec. 3.2): a group whose rewards are all equal teaches
 * nothing, so the group of a fresh prompt takes its place.
 */
import { fractionZeroStd } from '../objectives/advantages.ts';

/**
 * Fresh prompts are those of the source from here on, where no step takes its own. Their places follow
 * from the step alone, so a resumed run draws what a run draws that never stopped.
 */
const FIRST_FRESH = 2 ** 50;

export interface Fresh {
  /** Index of the prompt in the source. */
  index: number;
  /** Place of the group in the step. */
  slot: number;
}

export const isDead = ({ reward }: { reward: readonly number[] }): boolean =>
  fractionZeroStd([reward]) === 1;

/**
 * Replaces the dead groups of step `step` (0-based), at most `tries` times each.
 * @param write writes and scores a group for each prompt; `attempt` is 0-based
 * @returns the groups, of which some may still be dead, and the number of prompts that were drawn
 */
export async function replaceDead<G extends { reward: readonly number[] }>(
  groups: readonly G[],
  step: number,
  tries: number,
  write: (fresh: readonly Fresh[], attempt: number) => Promise<G[]>,
): Promise<{ groups: G[]; drawn: number }> {
  const alive = [...groups];
  let drawn = 0;
  for (let attempt = 0; attempt < tries; attempt++) {
    const dead = alive.flatMap((group, slot) => (isDead(group) ? [slot] : []));
    if (dead.length === 0) break;
    const first = FIRST_FRESH + (step * tries + attempt) * groups.length;
    const written = await write(
      dead.map((slot) => ({ index: first + slot, slot })),
      attempt,
    );
    dead.forEach((slot, i) => (alive[slot] = written[i]!));
    drawn += dead.length;
  }
  return { groups: alive, drawn };
}
