/** Checks the values of a recipe, one by one and together. */
import { parse } from 'yaml';
import { shown } from '../../model/errors.ts';
import type { Recipe } from './keys.ts';
import {
  ROOM_FOR_RESPONSE,
  type Dataset,
  type NamesKey,
  type NumberKey,
  type RecipeKeySpec,
} from './spec.ts';
import { nearest } from './nearest.ts';
import { isTaken, rewardNames, ruleName } from './reward-names.ts';

/** A recipe that cannot be run; the message says where the mistake is, what it is, and what to write. */
export class RecipeError extends Error {
  override name = 'RecipeError';
}

/** Values on a command line are texts; unless the key takes a text, they are read as YAML. */
export function readArgument(spec: RecipeKeySpec | undefined, text: string): unknown {
  if (spec?.type === 'text') return text;
  try {
    return parse(text) as unknown;
  } catch {
    return text;
  }
}

/**
 * Returns `value` in the type that `key` has.
 * @param place where it was given, for the message
 * @throws RecipeError
 */
export function checkValue(
  key: string,
  spec: RecipeKeySpec,
  value: unknown,
  place: string,
): unknown {
  if (value === null && spec.optional) return undefined;
  const refuse = (expected: string): never => {
    throw new RecipeError(`${place}: ${key} is ${shown(value)}; it must be ${expected}.`);
  };
  switch (spec.type) {
    case 'number':
    case 'integer':
      return checkNumber(spec, value) ?? refuse(describeRange(spec));
    case 'choice': {
      const choice = spec.aliases?.[String(value)] ?? String(value);
      if (spec.choices.includes(choice)) return choice;
      const meant = nearest(choice, spec.choices);
      return refuse(oneOf(spec.choices) + (meant ? ` (did you mean ${meant}?)` : ''));
    }
    case 'names':
      return checkNames(spec, value) ?? refuse(`${spec.all} or a list of ${oneOf(spec.choices)}`);
    case 'texts':
      return checkList(value, isText) ?? refuse('a text or a list of texts');
    case 'numbers':
      return checkNumbers(value) ?? refuse('a list of numbers');
    case 'flag':
      return typeof value === 'boolean' ? value : refuse('true or false');
    case 'text':
      if (typeof value === 'number') return String(value);
      return isText(value) ? value : refuse('a text');
    case 'datasets':
      return checkDatasets(value, (problem) => {
        throw new RecipeError(`${place}: ${key}${problem}.`);
      });
  }
}

/** "a", "a or b", "a, b or c". */
export function oneOf(choices: readonly string[]): string {
  const last = choices.at(-1)!;
  return choices.length === 1 ? last : `${choices.slice(0, -1).join(', ')} or ${last}`;
}

/** The allowed values of a number in words: "a whole number, at least 2". */
export function describeRange({ type, min, above, max }: NumberKey): string {
  return [
    type === 'integer' ? 'a whole number' : 'a number',
    min !== undefined && max !== undefined ? `from ${min} to ${max}` : '',
    min !== undefined && max === undefined ? `of at least ${min}` : '',
    above !== undefined ? `above ${above}` : '',
    min === undefined && max !== undefined ? `and at most ${max}` : '',
  ]
    .filter(Boolean)
    .join(' ');
}

function checkNumber(spec: NumberKey, value: unknown): number | undefined {
  const alias = spec.aliases?.[String(value)];
  if (alias !== undefined) return alias;
  // Other YAML parsers read 1e-6 as a text, so some recipes write it in quotes.
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isFinite(number)) return undefined;
  if (spec.type === 'integer' && !Number.isSafeInteger(number)) return undefined;
  if (spec.min !== undefined && number < spec.min) return undefined;
  if (spec.above !== undefined && number <= spec.above) return undefined;
  if (spec.max !== undefined && number > spec.max) return undefined;
  return number;
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';

/** A list; one value stands for a list of one. */
function checkList<T>(
  value: unknown,
  isItem: (item: unknown) => item is T,
): readonly T[] | undefined {
  const list: unknown[] = Array.isArray(value) ? value : [value];
  return list.every(isItem) ? list : undefined;
}

/** Numbers in a list, or in a text with commas or spaces between them. */
function checkNumbers(value: unknown): readonly number[] | undefined {
  const parts = typeof value === 'string' ? value.split(/[\s,]+/).map(Number) : value;
  return checkList(parts, (item): item is number => Number.isFinite(item));
}

/** Names in a list, or in a text with commas or spaces between them. */
function checkNames({ choices, all }: NamesKey, value: unknown): readonly string[] | undefined {
  if (value === all) return choices;
  const names: unknown = typeof value === 'string' ? value.split(/[\s,]+/).filter(Boolean) : value;
  // TRL reads a list of one text as that text.
  if (Array.isArray(names) && names.length === 1 && names[0] === all) return choices;
  if (!Array.isArray(names) || names.length === 0) return undefined;
  if (!names.every((name) => choices.includes(name as string))) return undefined;
  return choices.filter((choice) => names.includes(choice));
}

const DATASET_KEYS = ['path', 'data_files', 'split'];
const ONE_DATASET = '{path: json, data_files: FILE.jsonl}';

/** @param refuse throws; its text follows "datasets" */
function checkDatasets(value: unknown, refuse: (problem: string) => never): readonly Dataset[] {
  if (!Array.isArray(value)) {
    return refuse(` is ${shown(value)}; it must be a list of entries ${ONE_DATASET}`);
  }
  return value.map((entry: unknown, i) => {
    const wrong = (problem: string): never => refuse(`, entry ${i + 1}: ${problem}`);
    if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) {
      return wrong(`${shown(entry)} must be ${ONE_DATASET}`);
    }
    const given = entry as Record<string, unknown>;
    const unknown = Object.keys(given).find((key) => !DATASET_KEYS.includes(key));
    if (unknown !== undefined) {
      const meant = nearest(unknown, DATASET_KEYS);
      wrong(
        `unknown key ${unknown}; ` +
          (meant ? `did you mean ${meant}?` : `an entry has ${oneOf(DATASET_KEYS)}`),
      );
    }
    const { path, data_files, split = 'train' } = given;
    if (path !== 'json') {
      wrong(`path is ${shown(path)}; it must be json, with data_files (nothing is downloaded)`);
    }
    const files: unknown[] = Array.isArray(data_files) ? data_files : [data_files];
    if (files.length === 0 || !files.every(isText)) {
      return wrong(
        `data_files is ${shown(data_files)}; it must be a JSONL file or a list of them (write an entry of ` +
          'its own with split: test for the test file)',
      );
    }
    if (split !== 'train' && split !== 'test') {
      return wrong(`split is ${shown(split)}; it must be train or test, for all rows of the files`);
    }
    return { path: 'json', data_files: files, split };
  });
}

/**
 * Refuses values that are valid one by one but not together.
 * @throws RecipeError
 */
export function checkTogether(recipe: Recipe, source: string): void {
  const refuse = (problem: string): never => {
    throw new RecipeError(`${source}: ${problem}`);
  };
  if (!recipe.model_name_or_path) {
    refuse('model_name_or_path is missing; set it to the folder of the model to train.');
  }
  if (recipe.world === undefined && recipe.datasets.length === 0) {
    refuse(
      recipe.algorithm === 'reward'
        ? 'there is no data; set datasets to JSONL files with prompt, chosen and rejected.'
        : 'there is no data; set datasets to JSONL files, or world to meal-planner.',
    );
  }
  if (recipe.world !== undefined && recipe.datasets.length > 0) {
    refuse('world and datasets are both set; remove one of them.');
  }
  checkAdapter(recipe, refuse);
  const { algorithm } = recipe;
  if (algorithm === 'grpo' || algorithm === 'ppo') {
    checkRewards(recipe, refuse);
    checkGroups(recipe, refuse, algorithm === 'grpo' ? 2 : 1);
  }
  checkThought(recipe, refuse);
  if (algorithm === 'grpo') checkGroupLoss(recipe, refuse);
  if (algorithm === 'ppo') checkProximal(recipe, refuse);
  if (algorithm === 'dpo') checkPairs(recipe, refuse);
}

/** One sentence for each valid choice that is probably a mistake; TRL warns of the same choices. */
export function warnings(recipe: Recipe): string[] {
  const { algorithm, loss_type: loss, importance_sampling_level: level } = recipe;
  if (algorithm !== 'grpo') return [];
  if (loss === 'luspo' && level === 'token') {
    return ['loss_type luspo is meant for importance_sampling_level: sequence; set that.'];
  }
  if (loss === 'vespo' && level === 'sequence') {
    return ['loss_type vespo already weighs completions; remove importance_sampling_level.'];
  }
  if (level === 'sequence' && ['bnpo', 'dr_grpo', 'dapo', 'cispo'].includes(loss)) {
    return [
      `importance_sampling_level: sequence with loss_type ${loss} weighs a completion by its ` +
        'length; for GSPO, set loss_type: grpo.',
    ];
  }
  return [];
}

function checkAdapter(recipe: Recipe, refuse: (problem: string) => never): void {
  const { use_peft: adapter, load_in_8bit: in8, load_in_4bit: in4 } = recipe;
  if (in8 && in4) refuse('load_in_8bit and load_in_4bit are both true; remove one of them.');
  if ((in8 || in4) && !adapter) {
    refuse(
      'quantised weights cannot be trained; set use_peft: true, or remove load_in_8bit and load_in_4bit.',
    );
  }
  if (adapter && recipe.random_init) {
    refuse('an adapter needs a model that has been trained; remove random_init or use_peft.');
  }
}

/** Whether anything judges completions. */
export function hasRewards(recipe: Recipe): boolean {
  return rewardNames(recipe).length > 0;
}

function checkGroups(recipe: Recipe, refuse: (problem: string) => never, least: number): void {
  const batch = recipe.per_device_train_batch_size;
  const group = recipe.num_generations;
  if (group < least) {
    refuse(
      `num_generations is ${group}, but ${recipe.algorithm.toUpperCase()} compares completions; ` +
        'set it to 2 or more.',
    );
  }
  if (batch % group !== 0) {
    const better = Math.max(group, Math.round(batch / group) * group);
    refuse(
      `per_device_train_batch_size is ${batch} completions, which is not a multiple of ` +
        `num_generations (${group}); set it to ${better}.`,
    );
  }
}

function checkThought(recipe: Recipe, refuse: (problem: string) => never): void {
  const { thinking, max_thought_length: thought, max_completion_length: all } = recipe;
  const needed = thought + ROOM_FOR_RESPONSE;
  if (!thinking || thought === 0 || all >= needed) return;
  refuse(
    `max_completion_length is ${all}, which leaves no room for a response after max_thought_length ` +
      `(${thought}); set it to ${needed} or more, or lower max_thought_length.`,
  );
}

function checkGroupLoss(recipe: Recipe, refuse: (problem: string) => never): void {
  if (recipe.loss_type === 'sigmoid') {
    refuse('loss_type sigmoid is for DPO; choose another, or set algorithm: dpo.');
  }
  if (recipe.loss_type === 'cispo' && recipe.epsilon_high === undefined) {
    refuse('loss_type cispo limits ratios by epsilon_high only; set epsilon_high, 5 is usual.');
  }
}

function checkProximal(recipe: Recipe, refuse: (problem: string) => never): void {
  if (recipe.kl_in === 'loss' && recipe.kl_coef > 0 && recipe.kl_estimator === 'k1') {
    refuse('kl_in: loss needs kl_estimator: k3, because the gradient of k1 is zero on average.');
  }
  const perPart = recipe.per_device_train_batch_size / recipe.num_generations;
  const prompts = perPart * recipe.gradient_accumulation_steps;
  if (prompts % recipe.num_mini_batches !== 0) {
    refuse(
      `num_mini_batches is ${recipe.num_mini_batches}, which does not divide the ${prompts} ` +
        'prompts of a step; choose one that does.',
    );
  }
}

function checkPairs(recipe: Recipe, refuse: (problem: string) => never): void {
  if (recipe.loss_type !== 'sigmoid') refuse('DPO has only loss_type sigmoid; remove loss_type.');
  if (recipe.beta === 0) {
    refuse('beta is 0, so the loss is the same for every policy; set it above 0, 0.1 is usual.');
  }
  if (hasRewards(recipe)) {
    checkRewards(recipe, refuse);
    checkGroups(recipe, refuse, 2);
  } else if (recipe.online || recipe.world !== undefined) {
    refuse(
      'there is no reward to choose the better of two completions; set ' +
        'reward_model_name_or_path, or remove online and world and set datasets to a file with ' +
        'prompt, chosen and rejected.',
    );
  }
}

function checkRewards(recipe: Recipe, refuse: (problem: string) => never): void {
  const names = rewardNames(recipe);
  if (names.length === 0) {
    refuse(
      'reward_model_name_or_path is missing; set it to the folder of a reward model, ' +
        'judge_model_name_or_path to the folder of an instruct model, or reward_funcs to rules.',
    );
  }
  const { soft_punish_cache: cache, max_completion_length: longest } = recipe;
  if (cache > longest) {
    refuse(
      `soft_punish_cache is ${cache}, more than max_completion_length (${longest}); set it to a part of ` +
        'that, such as a fifth.',
    );
  }
  const odd = recipe.reward_funcs.find((path) => !/\.[cm]?js$/.test(path));
  if (odd?.includes('soft_overlong')) {
    refuse(
      `reward_funcs has ${shown(odd)}, which is a key here; remove it, and set soft_punish_cache to the ` +
        'number of tokens before max_completion_length in which the reward falls.',
    );
  }
  if (odd !== undefined) {
    refuse(
      `reward_funcs has ${shown(odd)}, which is not a JavaScript file; write the rule in a file such as ` +
        'rules/accuracy.js.',
    );
  }
  const taken = recipe.reward_funcs.find((path) => isTaken(ruleName(path)));
  if (taken !== undefined) {
    refuse(`the rule ${taken} has the name of another column of the completions; rename the file.`);
  }
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined)
    refuse(`two rewards have the name ${twice}; rename a file of reward_funcs.`);
  const weights = recipe.reward_weights;
  if (weights && weights.length !== names.length) {
    refuse(
      `reward_weights has ${count(weights.length, 'number')} for ` +
        `${count(names.length, 'reward')}; give one for each of ${names.join(', ')}.`,
    );
  }
  const question = recipe.judge_prompt;
  if (question !== undefined && !recipe.judge_model_name_or_path) {
    refuse('judge_prompt needs a judge; set judge_model_name_or_path, or remove judge_prompt.');
  }
  if (question !== undefined && !question.includes('{response}')) {
    refuse('judge_prompt lacks {response}; write it where the response should stand.');
  }
}

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;
