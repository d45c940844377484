/** Checks the values of a recipe together: each may be valid, and not all of them at once. */
import { shown } from '../../model/errors.ts';
import { placed, PythonRewardError, RecipeError } from './check.ts';
import type { Recipe } from './keys.ts';
import { hasRewards, isTaken, rewardNames, ruleName } from './reward-names.ts';
import { ROOM_FOR_RESPONSE } from './spec.ts';

/**
 * Refuses values that are valid one by one but not together.
 * @throws RecipeError
 */
export function checkTogether(recipe: Recipe, source: string): void {
  const refuse = (problem: string): never => {
    throw new RecipeError(placed(source, problem));
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
    checkRewards(recipe, source, refuse);
    checkGroups(recipe, refuse, algorithm === 'grpo' ? 2 : 1);
  }
  checkThought(recipe, refuse);
  if (algorithm === 'grpo') checkGroupLoss(recipe, refuse);
  if (algorithm === 'ppo') checkProximal(recipe, refuse);
  if (algorithm === 'dpo') checkPairs(recipe, source, refuse);
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

function checkPairs(recipe: Recipe, source: string, refuse: (problem: string) => never): void {
  if (recipe.loss_type !== 'sigmoid') refuse('DPO has only loss_type sigmoid; remove loss_type.');
  if (recipe.beta === 0) {
    refuse('beta is 0, so the loss is the same for every policy; set it above 0, 0.1 is usual.');
  }
  if (hasRewards(recipe)) {
    checkRewards(recipe, source, refuse);
    checkGroups(recipe, refuse, 2);
  } else if (recipe.online || recipe.world !== undefined) {
    refuse(
      'there is no reward to choose the better of two completions; set ' +
        'reward_model_name_or_path, or remove online and world and set datasets to a file with ' +
        'prompt, chosen and rejected.',
    );
  }
}

/** Ends of names that are files, of another language or none. */
const FILE_END = /\.(js|ts|sh|ps1|rb|txt|json|yaml|yml|md|ipynb)$/i;

/** A file, or as in TRL the name of a function, with the module before it. */
const isPython = (path: string): boolean =>
  /\.py$/.test(path) || (/^[a-z_]\w*(\.[a-z_]\w*)*$/i.test(path) && !FILE_END.test(path));

/** Where the same rule in JavaScript may be: "polite.js" for "polite.py", "my/rules.js" for "my.rules.polite". */
function scriptsFor(path: string): string[] {
  if (path.endsWith('.py')) return [path.replace(/\.py$/, '.js')];
  const parts = path.split('.');
  return [parts, parts.slice(0, -1)]
    .filter(({ length }) => length > 0)
    .map((at) => `${at.join('/')}.js`);
}

function checkRewards(recipe: Recipe, source: string, refuse: (problem: string) => never): void {
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
  if (odd !== undefined && isPython(odd)) {
    const problem = `reward_funcs has ${shown(odd)}, and Ponder runs rewards in JavaScript, not Python`;
    throw new PythonRewardError(placed(source, problem), scriptsFor(odd));
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
