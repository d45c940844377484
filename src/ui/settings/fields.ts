/** The recipe as a form: which keys it shows, in which order, and how a value is written in a field. */
import type { RecipeValue } from '../../rl/recipe/values.ts';
import { describeRange, oneOf } from '../../rl/recipe/check.ts';
import { recipeGroups } from '../../rl/recipe/keys.ts';
import type { Algorithm, RecipeKeySpec } from '../../rl/recipe/spec.ts';

export interface Field {
  key: string;
  spec: RecipeKeySpec;
}
interface FieldGroup {
  title: string;
  fields: Field[];
}

/** What people change first. */
const FIRST = [
  'algorithm',
  'thinking',
  'seed',
  'max_steps',
  'learning_rate',
  'num_generations',
  'beta',
  'temperature',
];
/** Keys of the command line only: the page has no folder to write into. */
const NOT_HERE = ['output_dir', 'log_completions'];

export interface Form {
  first: Field[];
  groups: FieldGroup[];
}

/** The keys that have a meaning for `algorithm`. */
export function formOf(algorithm: Algorithm): Form {
  const groups = recipeGroups
    .filter(({ only }) => !only || only.includes(algorithm))
    .map(({ title, keys }) => ({
      title,
      fields: Object.entries<RecipeKeySpec>(keys).map(([key, spec]) => ({ key, spec })),
    }));
  const all = groups.flatMap(({ fields }) => fields);
  return {
    first: FIRST.flatMap((name) => all.filter(({ key }) => key === name)),
    groups: groups
      .map(({ title, fields }) => ({
        title,
        fields: fields.filter(({ key }) => !FIRST.includes(key) && !NOT_HERE.includes(key)),
      }))
      .filter(({ fields }) => fields.length > 0),
  };
}

/** For keys whose own name is unclear to a newcomer. */
const LABELS: Readonly<Record<string, string>> = {
  thinking: 'Think first',
  max_steps: 'Steps',
  num_generations: 'Tries for each prompt',
  beta: 'KL penalty',
  per_device_train_batch_size: 'Batch size',
  max_prompt_length: 'Longest prompt, in tokens',
  max_completion_length: 'Longest completion, in tokens',
  max_thought_length: 'Longest thought, in tokens',
  model_name_or_path: 'Model to train',
  random_init: 'Start from random weights',
  world: 'Built-in prompts',
  save_steps: 'Steps between checkpoints',
  save_total_limit: 'Checkpoints to keep',
  use_peft: 'Train an adapter (LoRA)',
  lora_r: 'Rank of the adapter',
  lora_alpha: 'LoRA alpha',
  lora_target_modules: 'Projections with an adapter',
  load_in_8bit: 'Frozen weights in 8 bits',
  load_in_4bit: 'Frozen weights in 4 bits',
  gradient_checkpointing: 'Recompute layers',
  lr_scheduler_type: 'Learning rate schedule',
  adam_beta1: 'Adam beta 1',
  adam_beta2: 'Adam beta 2',
  max_grad_norm: 'Largest gradient norm',
  top_p: 'Top-p',
  top_k: 'Top-k',
  min_p: 'Min-p',
  reward_model_name_or_path: 'Reward model',
  judge_model_name_or_path: 'Chat model as a judge',
  judge_prompt: 'Question for the judge',
  reward_funcs: 'Rules',
  reward_weights: 'Weights of the rewards',
  gold: 'Judge that only watches (gold)',
  epsilon: 'Clip range',
  epsilon_high: 'Upper clip range',
  num_iterations: 'Updates per batch',
  dynamic_sampling: 'Replace groups without differences',
  mask_zero_std_groups: 'Leave out groups without differences',
  soft_punish_cache: 'Punish the last tokens of long completions',
  eval_strategy: 'Evaluate',
  eval_steps: 'Steps between evaluations',
  eval_num_prompts: 'Prompts in an evaluation',
};

/** The fields whose key, label or help has every word of `text`. */
export function findFields({ first, groups }: Form, text: string): Field[] {
  const words = text
    .toLowerCase()
    .split(/[\s_]+/)
    .filter(Boolean);
  return [...first, ...groups.flatMap(({ fields }) => fields)].filter(({ key, spec }) => {
    const about = `${key} ${labelOf(key)} ${spec.help}`.toLowerCase();
    return words.every((word) => about.includes(word));
  });
}

/** The keys that a sentence names, in its order: a refusal names first the key that it asks to change. */
export function keysNamedIn(sentence: string, form: Form): string[] {
  const known = findFields(form, '').map(({ key }) => key);
  const names = sentence.toLowerCase().match(/\w+/g) ?? [];
  return [...new Set(names)].filter((name) => known.includes(name));
}

/** The label of a key: "Learning rate" for "learning_rate". */
export function labelOf(key: string): string {
  const words = LABELS[key] ?? key.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** The value as it stands in its field; '' is not set. */
export function textOf(value: RecipeValue | undefined): string {
  if (value === undefined || value === null) return '';
  if (Array.isArray(value) && value.every((item) => typeof item !== 'object')) {
    return value.join(', ');
  }
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** What was typed, for checkValue: lists may be written with commas. */
export function valueOfText(spec: RecipeKeySpec, text: string): RecipeValue {
  const trimmed = text.trim();
  if (trimmed === '' && spec.optional) return null;
  const items = (): string[] =>
    trimmed
      .split(',')
      .map((item) => item.trim())
      .filter(Boolean);
  switch (spec.type) {
    case 'datasets':
      try {
        return JSON.parse(trimmed || '[]') as RecipeValue;
      } catch {
        return trimmed;
      }
    case 'names':
      return trimmed === spec.all ? trimmed : items();
    case 'texts':
      return items();
    case 'numbers':
      return items().map((item) => (Number.isFinite(Number(item)) ? Number(item) : item));
    case 'number':
    case 'integer':
    case 'choice':
    case 'flag':
    case 'text':
      return trimmed;
  }
}

/** A key's help, without the mark of keys that TRL does not have. */
export const helpOf = (spec: RecipeKeySpec): string => spec.help.replace(' (ours)', '');

/** "A whole number of at least 2." and the like; '' for what its field shows by itself. */
export function rangeText(spec: RecipeKeySpec): string {
  switch (spec.type) {
    case 'number':
    case 'integer': {
      const text = describeRange(spec);
      return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
    }
    case 'names':
      return `${spec.all}, or some of ${oneOf(spec.choices)}.`;
    case 'choice':
    case 'flag':
    case 'text':
    case 'texts':
    case 'numbers':
    case 'datasets':
      return '';
  }
}
