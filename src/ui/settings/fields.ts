/** The recipe as a form: which keys it shows, in which order, and how a value is written in a field. */
import type { RecipeValue } from '../../rl/recipe/values.ts';
import { describeRange, oneOf } from '../../rl/recipe/check.ts';
import { recipeGroups } from '../../rl/recipe/keys.ts';
import type { Algorithm, RecipeKeySpec } from '../../rl/recipe/spec.ts';

export interface Field {
  key: string;
  spec: RecipeKeySpec;
}
export interface FieldGroup {
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
  lora_r: 'Rank of the adapter',
  gradient_checkpointing: 'Recompute layers',
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
