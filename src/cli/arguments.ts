/** Reads the command line after the command's name, and checks it against what the command takes. */
import { nearest } from '../rl/recipe/nearest.ts';
import { checkValue, readArgument } from '../rl/recipe/check.ts';
import type { KeyValues, RecipeKeys, RecipeKeySpec } from '../rl/recipe/spec.ts';

/** A command line that cannot be understood. */
export class UsageError extends Error {
  override name = 'UsageError';
}

export interface Usage<Options extends RecipeKeys> {
  readonly name: string;
  /** Arguments without an option name, such as RECIPE, in order, each with its help. */
  readonly positionals?: Readonly<Record<string, string>>;
  /** An option is required if it has no default and is not optional. */
  readonly options: Options;
  /** Any other `--key value` is kept unchanged; a key that is true or false needs no value. */
  readonly others?: { isFlag(key: string): boolean };
}

export interface Arguments<Options extends RecipeKeys> {
  readonly positionals: readonly string[];
  readonly options: KeyValues<Options>;
  readonly others: Readonly<Record<string, string>>;
}

/**
 * Reads `--name value`, `--name=value` and, for flags, `--name` alone, which means true.
 * @throws UsageError, RecipeError
 */
export function parseArguments<Options extends RecipeKeys>(
  usage: Usage<Options>,
  argv: readonly string[],
): Arguments<Options> {
  const { options, others } = usage;
  const isFlag = (name: string): boolean =>
    options[name]?.type === 'flag' || (others?.isFlag(name) ?? false);
  const positionals: string[] = [];
  const given = new Map<string, string>();
  for (let i = 0; i < argv.length; i++) {
    const argument = argv[i]!;
    if (/^-[a-z]/i.test(argument)) {
      throw new UsageError(`${usage.name} has no option ${argument}; options begin with --`);
    }
    if (!argument.startsWith('--')) {
      positionals.push(argument);
      continue;
    }
    const [, name = '', inline] = /^--([^=]*)(?:=(.*))?$/s.exec(argument) ?? [];
    if (!Object.hasOwn(options, name) && !others) refuseUnknown(usage, name);
    const next = argv[i + 1];
    const follows = next !== undefined && !next.startsWith('--');
    if (inline !== undefined) {
      given.set(name, inline);
    } else if (isFlag(name) && !/^(true|false)$/i.test(next ?? '')) {
      given.set(name, 'true');
    } else if (follows) {
      given.set(name, next);
      i++;
    } else {
      throw new UsageError(`--${name} needs a value after it`);
    }
  }
  checkPositionals(usage, positionals, given);
  const values: Record<string, unknown> = {};
  for (const [name, spec] of Object.entries<RecipeKeySpec>(options)) {
    const text = given.get(name);
    given.delete(name);
    if (text !== undefined) {
      values[name] = checkValue(name, spec, readArgument(spec, text), `--${name}`);
    } else if (isRequired(spec)) {
      throw new UsageError(`${usage.name} needs --${name}: ${spec.help}`);
    } else {
      values[name] = spec.default;
    }
  }
  return {
    positionals,
    options: values as KeyValues<Options>,
    others: Object.fromEntries(given),
  };
}

export const isRequired = ({ default: preset, optional }: RecipeKeySpec): boolean =>
  preset === undefined && !optional;

function checkPositionals(
  { name, positionals: expected = {}, options }: Usage<RecipeKeys>,
  given: readonly string[],
  named: ReadonlyMap<string, string>,
): void {
  const names = Object.keys(expected);
  // As TRL's command line takes it.
  const config = expected['RECIPE'] !== undefined && named.get('config');
  if (config) {
    throw new UsageError(`${name} has no option --config; leave it out: ${name} ${config}`);
  }
  const missing = names[given.length];
  if (missing !== undefined)
    throw new UsageError(`${name} needs ${missing}: ${expected[missing]!}`);
  if (given.length === names.length) return;
  const takes = names.length === 0 ? 'only options' : `${names.join(' ')} and options`;
  const rest = given.slice(names.length).map((text) => (/\s/.test(text) ? `"${text}"` : text));
  const lacking = Object.keys(options).filter(
    (option) => isRequired(options[option]!) && !named.has(option),
  );
  // One word may lack its option; several are perhaps one text.
  const advice =
    rest.length > 1
      ? ['put a text with spaces in quotes']
      : lacking.map((option) => `write --${option} ${rest[0]!}`);
  throw new UsageError(
    `${name} takes ${takes}, not ${rest.join(' ')}; ${[...advice, 'remove that'].join(', or ')}`,
  );
}

function refuseUnknown({ name, options }: Usage<RecipeKeys>, given: string): never {
  const names = Object.keys(options);
  const meant = nearest(given, names);
  const hint = meant ? `did you mean --${meant}?` : `it takes --${names.join(', --')}`;
  throw new UsageError(`${name} has no option --${given}; ${hint}`);
}
