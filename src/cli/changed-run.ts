/** A recipe that would make another run of the one in the folder: what differs, and the two ways on. */
import { resolve } from 'node:path';
import { shell } from '../model/shell.ts';
import type { Recipe } from '../rl/recipe/recipe.ts';
import {
  describeDifference,
  shown,
  type ChangedRunError,
  type Difference,
} from '../rl/runs/same-run.ts';
import { checkpointPath } from '../rl/runs/trainer-state.ts';
import { UsageError } from './arguments.ts';

interface Asked {
  /** Of the recipe. */
  readonly path: string;
  readonly recipe: Recipe;
  /** The run's folder. */
  readonly out: string;
  /** Recipe keys as they were given on the command line. */
  readonly others: Readonly<Record<string, string>>;
}

export function changedRun({ differences, step }: ChangedRunError, asked: Asked): UsageError {
  const list = differences.map(describeDifference).join('; ');
  const ways = [goOn(differences, asked), beginAnew(step, differences, asked)];
  return new UsageError(`${asked.out} was trained with ${list}. ${ways.join(' ')}`);
}

function goOn(differences: readonly Difference[], { path, out }: Asked): string {
  const moved = differences.filter(({ contents }) => contents);
  if (moved.length > 0) {
    const files = moved.map(({ key }) => key).join(' and ');
    return `To go on as it was, put the earlier files of ${files} back.`;
  }
  const own = `${out}/recipe.yaml`;
  if (resolve(path) !== resolve(own)) {
    return `To go on as it was: ${command(own, out, {})} --resume.`;
  }
  const before = differences.map(({ key, was }) => `${key}: ${shown(was)}`).join(', ');
  return `To go on as it was, give ${before} again.`;
}

/** Keys that decide what an adapter is: one that is there already keeps its own. */
const OF_ADAPTERS = ['use_peft', 'lora_r', 'lora_alpha', 'lora_target_modules'];

function beginAnew(
  step: number,
  differences: readonly Difference[],
  { path, recipe, out, others }: Asked,
): string {
  const changed = (...keys: string[]): Difference | undefined =>
    differences.find(({ key }) => keys.includes(key));
  const to = `${out}-from-${step}`;
  const wasReward = changed('algorithm')?.was === 'reward';
  if (changed('model_name_or_path') || wasReward) {
    return `To begin a new run: ${command(path, to, others)}.`;
  }
  const from = `${out}/${checkpointPath(step)}`;
  const usedPeft = changed('use_peft')?.was ?? recipe.use_peft;
  const merged = `${out}-step-${step}`;
  const merges = usedPeft === true && changed(...OF_ADAPTERS) !== undefined;
  const keys = {
    ...others,
    model_name_or_path: merges ? merged : from,
    ...(recipe.random_init && { random_init: 'false' }),
  };
  const merge = `npm run -s ponder -- export ${shell(from)} --to merged --out ${shell(merged)}`;
  return (
    `To begin a new run from its step ${step}: ` +
    `${merges ? `${merge} && ` : ''}${command(path, to, keys)}.`
  );
}

/** The command that trains it. */
export function command(path: string, out: string, keys: Readonly<Record<string, string>>): string {
  const options = Object.entries(keys).map(([key, value]) => ` --${key} ${shell(value)}`);
  return `npm run -s ponder -- train ${shell(path)} --out ${shell(out)}${options.join('')}`;
}
