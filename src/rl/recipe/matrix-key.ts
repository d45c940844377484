/**
 * A recipe for many runs has a block `matrix`, as a workflow of GitHub Actions does: each of its keys has a
 * list of values, and each combination is a run.
 *   matrix:
 *     seed: [0, 1, 2]
 *     thinking: [true, false]
 * The block keeps apart the keys whose one value is a list by nature, such as reward_funcs.
 */
import { RecipeError } from './check.ts';
import type { Given } from './yaml-keys.ts';

export const MATRIX = 'matrix';

/**
 * The lists of the block, empty without one.
 * @throws RecipeError
 */
export function readMatrix(given: ReadonlyMap<string, Given>): Map<string, readonly unknown[]> {
  const entry = given.get(MATRIX);
  if (!entry) return new Map();
  const { value, place } = entry;
  const refuse = (problem: string): never => {
    throw new RecipeError(`${place}: ${problem}`);
  };
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return refuse('matrix must have keys with lists of values, such as seed: [0, 1, 2].');
  }
  const axes = Object.entries(value as Record<string, unknown>);
  for (const [key, values] of axes) {
    if (!Array.isArray(values) || values.length === 0) {
      refuse(`${key} in matrix must be a list of values, such as [0, 1, 2].`);
    }
    if (given.has(key)) refuse(`${key} is in the recipe and in matrix; remove one of them.`);
  }
  return new Map(axes as [string, readonly unknown[]][]);
}

/** One run has one value of each key. */
export function refuseOpenMatrix(
  given: ReadonlyMap<string, Given>,
  overrides: Readonly<Record<string, string>>,
): void {
  const open = [...readMatrix(given).keys()].filter((key) => !Object.hasOwn(overrides, key));
  if (open.length === 0) return;
  const place = given.get(MATRIX)!.place;
  const values = open.map((key) => `--${key} VALUE`).join(' ');
  throw new RecipeError(
    `${place}: matrix has lists for many runs; train all of them with \`ponder train --matrix\`, or one with ${values}.`,
  );
}
