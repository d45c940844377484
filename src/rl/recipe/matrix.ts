/** The runs of a recipe with a matrix. */
import { readArgument, RecipeError } from './check.ts';
import { recipeKeys, type RecipeKey } from './keys.ts';
import { readMatrix } from './matrix-key.ts';
import { parseRecipe, type ParsedRecipe } from './recipe.ts';
import { readYaml } from './yaml-keys.ts';

export interface MatrixRun extends ParsedRecipe {
  /** Of its folder: "seed-0_thinking-true". */
  readonly name: string;
  /** What makes the recipe that of this run: keys and values as on the command line. */
  readonly overrides: Readonly<Record<string, string>>;
}

/** More runs are a mistake in the matrix. */
const MOST_RUNS = 10_000;

/**
 * All combinations; the last key changes fastest.
 * @param given keys from the command line; they win over the matrix
 * @throws RecipeError also if the recipe of one run cannot be used
 */
export function matrixRuns(
  text: string,
  fileName: string,
  given: Readonly<Record<string, string>>,
): MatrixRun[] {
  const axes = [...readMatrix(readYaml(text, fileName))].filter(
    ([key]) => !Object.hasOwn(given, key),
  );
  if (axes.length === 0) {
    throw new RecipeError(
      `${fileName} has no matrix; write one, such as matrix: {seed: [0, 1, 2]}, or leave out --matrix.`,
    );
  }
  const count = axes.reduce((product, [, values]) => product * values.length, 1);
  if (count > MOST_RUNS) {
    throw new RecipeError(`${fileName}: matrix makes ${count} runs; ${MOST_RUNS} is the most.`);
  }
  let runs: [string, unknown][][] = [[]];
  for (const [key, values] of axes) {
    runs = runs.flatMap((run) =>
      values.map((value): [string, unknown][] => [...run, [key, value]]),
    );
  }
  const names = runs.map((run) => run.map(([key, value]) => `${key}-${label(value)}`).join('_'));
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) {
    throw new RecipeError(
      `${fileName}: two runs of matrix would have the folder ${twice}; remove a value that is there twice, or ` +
        'name files and folders differently.',
    );
  }
  return runs.map((run, i) => {
    const own = Object.fromEntries(run.map(([key, value]) => [key, argument(key, value)]));
    const overrides = { ...own, ...given };
    return { name: names[i]!, overrides, ...parseRecipe(text, fileName, overrides) };
  });
}

/** A value in the name of a folder: of a path its last part. */
function label(value: unknown): string {
  if (Array.isArray(value)) return value.map(label).join('+');
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const last = text.replace(/[/\\]+$/, '').replace(/^.*[/\\]/, '');
  return last.replace(/[^\p{L}\p{N}._+-]+/gu, '-').slice(0, 60);
}

/** A value as `readArgument` reads it. */
function argument(key: string, value: unknown): string {
  const spec = Object.hasOwn(recipeKeys, key) ? recipeKeys[key as RecipeKey] : undefined;
  if (typeof value !== 'string') return JSON.stringify(value);
  // One text may stand for a list of one.
  const read = [readArgument(spec, value)].flat();
  return read.length === 1 && read[0] === value ? value : JSON.stringify(value);
}
