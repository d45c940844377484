/**
 * How the judged completions are sampled: as in the run of the checkpoint, unless the command line
 * sets it.
 */
import { keysOf } from '../rl/recipe/keys.ts';
import type { RecipeKeys } from '../rl/recipe/spec.ts';
import type { Writing } from '../rl/rollout/rollout.ts';
import type { PolicyFolder } from './run-files.ts';

/** The values that neither a run nor the command line sets. */
const DEFAULTS: Writing = {
  thinking: true,
  system_prompt: undefined,
  malformed: 'lenient',
  temperature: 1,
  top_p: 1,
  top_k: 0,
  min_p: 0,
  max_completion_length: 128,
  max_thought_length: 0,
};
const KEYS = Object.keys(DEFAULTS) as (keyof Writing)[];

export const writingOptions = {
  thinking: { type: 'flag', optional: true, help: 'Whether the model writes a thought first.' },
  system_prompt: {
    type: 'text',
    optional: true,
    help: 'A system message for the policy; with thinking it replaces the built-in request to think first.',
  },
  malformed: {
    type: 'choice',
    choices: ['lenient', 'strict'],
    optional: true,
    help: 'What is judged when the delimiter is missing: the whole text (lenient) or an empty response (strict).',
  },
  temperature: {
    type: 'number',
    optional: true,
    above: 0,
    max: 10,
    help: 'Temperature of the sampling.',
  },
  top_p: {
    type: 'number',
    optional: true,
    above: 0,
    max: 1,
    help: 'Samples only from the most probable tokens whose probabilities add up to this; 1 turns it off.',
  },
  top_k: {
    type: 'integer',
    optional: true,
    min: 0,
    help: 'Samples only from this many of the most probable tokens; 0 turns it off.',
  },
  min_p: {
    type: 'number',
    optional: true,
    min: 0,
    max: 1,
    help: 'Never samples a token whose probability is below this share of the most probable token; 0 turns it off.',
  },
  max_completion_length: {
    type: 'integer',
    optional: true,
    min: 1,
    help: 'Longest completion, in tokens.',
  },
  max_thought_length: {
    type: 'integer',
    optional: true,
    min: 0,
    help: 'Longest thought, in tokens: then </think> is written for the model; 0 never does that.',
  },
} as const satisfies RecipeKeys;

export const writingNotes =
  "A run's folder means its last checkpoint. A checkpoint inside a run is asked with the settings of the " +
  `run's recipe, unless an option sets them; any other model with ${inWords(DEFAULTS)}.`;

/** Prints on standard error which settings come from a run's recipe. */
export function writingOf(
  { path, of }: PolicyFolder,
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
