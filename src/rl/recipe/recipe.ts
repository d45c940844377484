/**
 * Reads a recipe: flat YAML with TRL's key names. Every value is checked before training starts. An
 * error message gives the place, the value, and what to write.
 */
import { stringify } from 'yaml';
import type { AdamWOptions } from '../../model/adamw.ts';
import type { BatchLimits } from '../../model/batch-runner.ts';
import type { LoraConfig } from '../../model/peft.ts';
import { nearest } from './nearest.ts';
import { checkValue, placed, readArgument, RecipeError } from './check.ts';
import { checkTogether, warnings } from './check-together.ts';
import { keysOf, recipeKeys, type Recipe, type RecipeKey } from './keys.ts';
import { otherKey, otherNames } from './other-keys.ts';
import { MATRIX, refuseOpenMatrix } from './matrix-key.ts';
import { algorithms, defaultOf, type Algorithm, type RecipeKeySpec } from './spec.ts';
import { otherDefaultsNotice } from './trl-defaults.ts';
import { trlKeys } from './trl-keys.ts';
import { readYaml, short, type Given } from './yaml-keys.ts';

export { RecipeError } from './check.ts';
export { hasRewards } from './reward-names.ts';
export type { Recipe, RecipeKey } from './keys.ts';
export type { Algorithm, Dataset } from './spec.ts';

export interface ParsedRecipe {
  readonly recipe: Recipe;
  /**
   * About the keys that mean nothing here, the keys of a TRL recipe with another default, and each value that
   * is probably a mistake.
   */
  readonly notices: readonly string[];
}

/**
 * @param text YAML
 * @param fileName for messages
 * @param overrides further keys, as texts from a command line; they win over the file
 * @throws RecipeError
 */
export function parseRecipe(
  text: string,
  fileName: string,
  overrides: Readonly<Record<string, string>> = {},
): ParsedRecipe {
  const given = readYaml(text, fileName);
  refuseOpenMatrix(given, overrides);
  given.delete(MATRIX);
  const left = leaveOut(given, overrides['algorithm']);
  for (const [key, value] of Object.entries(overrides)) {
    given.set(key, { value: readArgument(specOf(key), value), place: `--${key}` });
  }
  const { recipe, notices } = assemble(given, fileName);
  if (left.length === 0) return { recipe, notices };
  const notice = `not used, because algorithm is ${recipe.algorithm}: ${left.join(', ')}.`;
  return { recipe, notices: [`${fileName}: ${notice}`, ...notices] };
}

/** Removes the keys of a file that mean nothing for another algorithm than its own. @returns their names */
function leaveOut(given: Map<string, Given>, algorithm: string | undefined): string[] {
  const own = given.get('algorithm')?.value ?? recipeKeys.algorithm.default;
  const other = algorithms.find((name) => name === algorithm);
  if (other === undefined || other === own) return [];
  const meant: readonly string[] = keysOf(other);
  const left = [...given.keys()].filter((key) => specOf(key) && !meant.includes(key));
  for (const key of left) given.delete(key);
  return left;
}

/**
 * Checks values that are not YAML text, such as the page's settings.
 * @throws RecipeError; the message begins with the key
 */
export function makeRecipe(values: Readonly<Record<string, unknown>>): Recipe {
  const given = Object.entries(values).map(([key, value]) => [key, { value, place: '' }] as const);
  return assemble(new Map(given), '').recipe;
}

/** The recipe as YAML with every key of its algorithm, so that a later change of defaults cannot alter it. */
export function recipeYaml(recipe: Recipe): string {
  const keys = keysOf(recipe.algorithm).filter((key) => recipe[key] !== undefined);
  return stringify(Object.fromEntries(keys.map((key) => [key, recipe[key]])));
}

function assemble(given: ReadonlyMap<string, Given>, source: string): ParsedRecipe {
  const algorithm = readAlgorithm(given);
  const values: Record<string, unknown> = {};
  for (const [key, spec] of Object.entries<RecipeKeySpec>(recipeKeys)) {
    values[key] = defaultOf(spec, algorithm);
  }
  const unused: string[] = [];
  const problems: string[] = [];
  for (const key of given.keys()) {
    try {
      const read = readKey(key, given, algorithm);
      if ('reason' in read) unused.push(read.reason ? `${key} (${read.reason})` : key);
      else values[key] = read.value;
    } catch (error) {
      if (!(error instanceof RecipeError)) throw error;
      problems.push(error.message);
    }
  }
  refuseAll(problems, source);
  const recipe = values as unknown as Recipe;
  checkTogether(recipe, source);
  const notices = [
    ...(unused.length > 0 ? [`not used here: ${unused.join(', ')}.`] : []),
    ...otherDefaultsNotice(recipe, given),
    ...warnings(recipe),
  ].map((notice) => `${source}: ${notice}`);
  return { recipe, notices };
}

/** A message with more problems than this is not read. */
const MOST_SHOWN = 20;

/** All problems in one message. @param problems sentences that begin with their place */
function refuseAll(problems: readonly string[], source: string): void {
  const [only, ...more] = problems;
  if (only === undefined) return;
  if (more.length === 0) throw new RecipeError(only);
  const short = problems.map((problem) => problem.replace(`${source}, `, '').replace(/\.$/, ''));
  const left = short.length - MOST_SHOWN;
  if (left > 0) short.splice(MOST_SHOWN, left, `and ${left} more`);
  const list = source === '' ? short.join('. ') : short.join('; ');
  throw new RecipeError(placed(source, `${problems.length} keys must change: ${list}.`));
}

/** The value of a key of this algorithm, or why a key is not used. */
function readKey(
  key: string,
  given: ReadonlyMap<string, Given>,
  algorithm: Algorithm,
): { value: unknown } | { reason: string } {
  const { value, place } = given.get(key)!;
  const keys: readonly string[] = keysOf(algorithm);
  const spec = specOf(key);
  if (spec && keys.includes(key)) return { value: checkValue(key, spec, value, place) };
  const other = otherKey(key, value, given, algorithm);
  if (other?.use === 'none') return { reason: other.reason ?? '' };
  if (spec) {
    throw new RecipeError(
      placed(place, `${key} has no meaning when algorithm is ${algorithm}; remove it.`),
    );
  }
  if (other) {
    const advice = other.advice === undefined ? '' : ` (${other.advice})`;
    throw new RecipeError(
      placed(place, `${key} would change the result and is not available${advice}; remove it.`),
    );
  }
  const meant = nearest(key, keys) ?? nearest(key, otherNames);
  const hint = meant ? `did you mean ${meant}?` : '`ponder train --help` lists the keys.';
  throw new RecipeError(placed(place, `unknown key ${short(key)}; ${hint}`));
}

function readAlgorithm(given: ReadonlyMap<string, Given>): Algorithm {
  const entry = given.get('algorithm');
  if (!entry) return recipeKeys.algorithm.default;
  const { value, place } = entry;
  return checkValue('algorithm', recipeKeys.algorithm, value, place) as Algorithm;
}

function specOf(key: string): RecipeKeySpec | undefined {
  return Object.hasOwn(recipeKeys, key) ? recipeKeys[key as RecipeKey] : undefined;
}

/** Flags whose default TRL computes. */
const FLAGS_OF_TRL = ['bf16', 'tf32'];

/** Whether a key, also one that only TRL has, is true or false. */
export const isFlag = (key: string): boolean =>
  specOf(key)?.type === 'flag' || typeof trlKeys[key] === 'boolean' || FLAGS_OF_TRL.includes(key);

export function adamwOptions(recipe: Recipe): AdamWOptions {
  return {
    beta1: recipe.adam_beta1,
    beta2: recipe.adam_beta2,
    epsilon: recipe.adam_epsilon,
    weightDecay: recipe.weight_decay,
    maxGradNorm: recipe.max_grad_norm,
  };
}

/** The adapter that the recipe sets. */
export function loraConfig(recipe: Recipe): LoraConfig | undefined {
  if (!recipe.use_peft) return undefined;
  const { lora_r: r, lora_alpha: alpha, lora_target_modules: targets } = recipe;
  // "stored:" is a prefix of this page alone; other readers of the adapter do not know it.
  const base = recipe.model_name_or_path?.replace(/^stored:/, '');
  return { task: recipe.algorithm === 'reward' ? 'SEQ_CLS' : 'CAUSAL_LM', r, alpha, targets, base };
}

/** The size limits of one batch: examples (sft), or prompts with all their responses (reward). */
export function batchLimits(recipe: Recipe): BatchLimits {
  const maxTokens = recipe.per_device_train_batch_size * recipe.max_length;
  return { maxTokens, maxTargets: maxTokens, recompute: recipe.gradient_checkpointing };
}
