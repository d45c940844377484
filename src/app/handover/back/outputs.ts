/** Where among files an output of TRL or verl may be; whether it is one, open.ts finds out. */

/** A path in an output, and the folder of the output. */
const OUTPUT =
  /^(.*?)(?:(?:checkpoint-\d+\/)?trainer_state\.json|completions\/completions_\d+\.parquet|\d+\.jsonl)$/;

/** Folders that may be such an output, each with a slash at its end; '' for the files themselves. */
export function outputsAmong(paths: Iterable<string>): string[] {
  const tops = [...paths].flatMap((path) => OUTPUT.exec(path)?.[1] ?? []);
  // A checkpoint of Ponder has a trainer_state.json of its own.
  return [...new Set(tops)].filter((top) => !/(^|\/)checkpoints\/step-\d+\/$/.test(top));
}
