/** Which prompts of a file are kept out of training, for evaluations and for judging blind. */
import { Random } from '../../rl/random.ts';

/** One prompt in this many is held out; none of a file with fewer different prompts. */
export const ONE_IN = 10;

/** Always the same for the same rows; a prompt that comes twice stays on one side. */
export function holdOut<T extends { prompt: string }>(
  rows: readonly T[],
): { train: T[]; heldOut: T[] } {
  const different = [...new Set(rows.map(({ prompt }) => prompt))];
  const count = Math.floor(different.length / ONE_IN);
  const chosen = new Set(new Random(0, 'held-out prompts').shuffle(different).slice(0, count));
  return {
    train: rows.filter(({ prompt }) => !chosen.has(prompt)),
    heldOut: rows.filter(({ prompt }) => chosen.has(prompt)),
  };
}
