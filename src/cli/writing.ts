/**
 * How the completions that are judged are written: as in the run that a checkpoint is of, unless the
 * command line says otherwise.
 */
import { keysOf } from '../rl/recipe/keys.ts';
import type { RecipeKeys } from '../rl/recipe/spec.ts';
import type { Writing } from '../rl/rollout/rollout.ts';
import type { Policy } from './run-files.ts';

/** Where neither a run nor the command line says anything. */
const DEFAULTS: Writing = {
  thinking: true,
  system_prompt: undefined,
  malformed: 'lenient',
  temperature: 1,
  top_p: 1,
  top_k: 0,
  min_p: 0,
  max_completion_length: 128,
};
const KEYS = Object.keys(DEFAULTS) as (keyof Writing)[];

export const writingOptions = {
  thinking: { type: 'flag', optional: true, help: 'Whether a thought comes first.' },
  system_prompt: {
    type: 'text',
    optional: true,
    help: 'A system turn for the policy; with thinking in place of the built-in request to think.',
  },
  malformed: {
    type: 'choice',
    choices: ['lenient', 'strict'],
    optional: true,
    help: 'What is judged when the delimiter is missing: the whole text, or an empty answer.',
  },
  temperature: { type: 'number', optional: true, above: 0, max: 10, help: 'Of the sampling.' },
  top_p: {
    type: 'number',
    optional: true,
    above: 0,
    max: 1,
    help: 'Only the most probable tokens that together have this probability; 1 is off.',
  },
  top_k: {
    type: 'integer',
    optional: true,
    min: 0,
    help: 'Only this many of the most probable tokens; 0 is off.',
  },
  min_p: {
    type: 'number',
    optional: true,
    min: 0,
    max: 1,
    help: 'No token less probable than this share of the most probable one; 0 is off.',
  },
  max_completion_length: { type: 'integer', optional: true, min: 1, help: 'Tokens at most.' },
} as const satisfies RecipeKeys;

export const writingNotes =
  "A run's folder stands for its last checkpoint. A checkpoint inside a run is asked as the run's recipe " +
  `says where no option does; any other model with ${inWords(DEFAULTS)}.`;

/** Says on standard error what is taken from a run's recipe. */
export function writingOf(
  { path, of }: Policy,
  given: { readonly [K in keyof Writing]?: Writing[K] | undefined },
): Writing {
  const chosen = KEYS.filter((key) => given[key] !== undefined);
  const known = of ? keysOf(of.recipe.algorithm) : [];
  const taken = KEYS.filter((key) => known.includes(key) && !chosen.includes(key));
  const fromRun = pick(of?.recipe ?? {}, taken);
  if (of && taken.length > 0) {
    process.stderr.write(`${path} is asked as in the run ${of.run}: ${inWords(fromRun)}\n`);
  }
  return { ...DEFAULTS, ...fromRun, ...pick(given, chosen) };
}

function pick(values: Partial<Writing>, keys: readonly (keyof Writing)[]): Partial<Writing> {
  return Object.fromEntries(keys.map((key) => [key, values[key]]));
}

/** "thinking true, temperature 1". */
function inWords(values: Partial<Writing>): string {
  return Object.entries<unknown>(values)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key} ${JSON.stringify(value)}`)
    .join(', ');
}
