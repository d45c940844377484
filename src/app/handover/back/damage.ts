/** Files of an output that cannot be read, or not whole: the rest of the run opens, and each of these is named. */

export interface Damage {
  path: string;
  /** What is wrong, as a clause: "it is empty". */
  reason: string;
  /** What the run is without because of it, as a clause: "step 7 has no completions". */
  lost: string;
}

/** A full disk can damage every file of a long run. */
const NAMED = 8;

/** One sentence for each file. Of many files, the first are named. */
export function damageSentences(damages: readonly Damage[]): string[] {
  const sentences = damages
    .slice(0, NAMED)
    .map(
      ({ path, reason, lost }) =>
        `${path} is damaged (${reason}), so ${lost}; copy it again if the original is whole.`,
    );
  const more = damages.slice(NAMED);
  if (more.length === 0) return sentences;
  const [first, last] = [more[0]!.path, more.at(-1)!.path];
  const which =
    more.length === 1 ? `${first} is` : `${more.length} more files, ${first} to ${last}, are`;
  return [...sentences, `${which} damaged too; copy the folder again.`];
}

/** What is wrong with a file of lines, as a clause; undefined if nothing is. */
export function lineProblem(damaged: number, cut: boolean): string | undefined {
  if (damaged === 0) return cut ? 'its last line is cut off' : undefined;
  const lines = damaged + Number(cut);
  return `${lines} of its lines ${lines === 1 ? 'is' : 'are'} unreadable`;
}
