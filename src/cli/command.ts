/** A command computes a result, which is printed as JSON or as text for people. */
import type { RecipeKeys, RecipeKeySpec } from '../rl/recipe/spec.ts';
import { isRequired, parseArguments, type Arguments, type Usage } from './arguments.ts';
import { table } from './text.ts';

export interface Command {
  /** The text of `ponder NAME --help`. */
  readonly help: string;
  run(argv: readonly string[], json: boolean): Promise<string>;
}

export function defineCommand<const Options extends RecipeKeys, Result>(
  definition: Usage<Options> & {
    readonly summary: string;
    /** Appended to the help. */
    readonly notes?: string;
    run(args: Arguments<Options>): Promise<Result>;
    /** The result for people. */
    format(result: Result): string;
  },
): Command {
  const { name, positionals = {}, options, summary, notes = '' } = definition;
  return {
    help:
      `${summary}\n\n  npm run -s ponder -- ${[name, ...Object.keys(positionals)].join(' ')} [options]\n\n` +
      `${argumentTable(positionals, options)}\n  --json  Prints one JSON document.\n` +
      (notes && `\n${notes}\n`),
    async run(argv, json) {
      const result = await definition.run(parseArguments(definition, argv));
      return json ? `${JSON.stringify(result)}\n` : definition.format(result);
    },
  };
}

function argumentTable(positionals: Readonly<Record<string, string>>, options: RecipeKeys): string {
  return table([
    ...Object.entries(positionals).map(([name, help]) => [`  ${name}`, help]),
    ...optionRows(options),
  ]);
}

/** One line per option or recipe key: its name, help, and default in brackets. */
export function optionTable(options: RecipeKeys): string {
  return table(optionRows(options));
}

function optionRows(options: RecipeKeys): string[][] {
  return Object.entries<RecipeKeySpec>(options).map(([name, spec]) => [
    `  --${name}`,
    [spec.help, ...(isRequired(spec) ? ['(required)'] : presetsOf(spec))].join(' '),
  ]);
}

/** "[0.000001; sft 0.000004]": the default, and those of the algorithms that have another. */
function presetsOf({ default: preset, defaults = {} }: RecipeKeySpec): string[] {
  if (preset === undefined) return [];
  const others = Object.entries(defaults).map(
    ([algorithm, value]) => `${algorithm} ${text(value)}`,
  );
  return [`[${[text(preset), ...others].join('; ')}]`];
}

const text = (value: unknown): string => JSON.stringify(value);
