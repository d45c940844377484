/** Checks the values of a recipe one by one. */
import { parse } from 'yaml';
import { shown } from '../../model/errors.ts';
import type { Dataset, NamesKey, NumberKey, RecipeKeySpec } from './spec.ts';
import { nearest } from './nearest.ts';

/** A recipe that cannot be run; the message says where the mistake is, what it is, and what to write. */
export class RecipeError extends Error {
  override name = 'RecipeError';
}

/** A reward in Python; its twin in JavaScript may lie in one of these files. */
export class PythonRewardError extends RecipeError {
  constructor(
    private readonly problem: string,
    readonly scripts: readonly string[],
  ) {
    super(`${problem}; write the rule in a file such as ${scripts[0]!}.`);
  }

  /** Where one of the files is there. */
  naming(script: string): RecipeError {
    return new RecipeError(`${this.problem}; name ${script}, which is there.`);
  }
}

/** A problem after its place. Without a place it is a sentence that begins with a key or a capital. */
export function placed(place: string, problem: string): string {
  if (place !== '') return `${place}: ${problem}`;
  return /^\w*_/.test(problem) ? problem : problem.charAt(0).toUpperCase() + problem.slice(1);
}

/**
 * Values on a command line are texts; unless the key takes a text, they are read as YAML. A list of texts may
 * have commas only; numbers and names may in a recipe, too.
 */
export function readArgument(spec: RecipeKeySpec | undefined, text: string): unknown {
  if (spec?.type === 'text') return text;
  if (spec?.type === 'texts' && !/^\s*["'[]/.test(text)) {
    return text
      .split(',')
      .map((item) => item.trim())
      .filter(Boolean);
  }
  try {
    return parse(text) as unknown;
  } catch {
    return text;
  }
}

/**
 * Returns `value` in the type that `key` has.
 * @param place where it was given, for the message; '' if there is only one place
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
    throw new RecipeError(placed(place, `${key} is ${shown(value)}; it must be ${expected}.`));
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
        throw new RecipeError(placed(place, `${key}${problem}.`));
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
  // Other YAML parsers read 1e-6 as a text, so some recipes write it in quotes, and 1_000 as a number.
  const text = typeof value === 'string' ? value.replace(/(?<=\d)_(?=\d)/g, '').trim() : '';
  const number = text === '' ? value : Number(text);
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
/** Other formats that TRL reads. */
const TABLES = ['csv', 'parquet', 'arrow', 'text'];
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
    // As in TRL, null is the same as a field that is not there.
    const given = Object.fromEntries(
      Object.entries(entry as Record<string, unknown>).filter(([, field]) => field !== null),
    );
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
      const advice = TABLES.includes(path as string)
        ? 'so convert the files to JSONL'
        : 'with data_files (nothing is downloaded)';
      wrong(`path is ${shown(path)}; it must be json, ${advice}`);
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
