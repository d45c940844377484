import { describe, expect, it } from 'vitest';
import { RecipeError } from '../rl/recipe/check.ts';
import type { RecipeKeys } from '../rl/recipe/spec.ts';
import { parseArguments, UsageError } from './arguments.ts';

const options = {
  model: { type: 'text', help: 'A folder.' },
  out: { type: 'text', optional: true, help: 'Another folder.' },
  seed: { type: 'integer', default: 1, min: 0, help: 'A seed.' },
  resume: { type: 'flag', default: false, help: 'Goes on.' },
} as const satisfies RecipeKeys;
const usage = { name: 'try', positionals: { FILE: 'A file.' }, options };
const parse = (...argv: string[]) => parseArguments(usage, argv);

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    expect(error instanceof UsageError || error instanceof RecipeError).toBe(true);
    return (error as Error).message;
  }
  throw new Error('was accepted');
}

describe('a command line', () => {
  it('is read in any order, with = or without', () => {
    const expected = { model: '7', out: undefined, seed: 3, resume: true };
    expect(parse('f', '--model', '7', '--seed=3', '--resume').options).toEqual(expected);
    expect(parse('--resume', '--model=7', 'f', '--seed', '3')).toEqual({
      positionals: ['f'],
      options: expected,
      others: {},
    });
    expect(parse('f', '--model', '-', '--resume', 'false').options.resume).toBe(false);
    expect(parse('f', '--model=a=b').options).toMatchObject({ model: 'a=b', seed: 1 });
  });

  it('keeps other keys if the command takes them', () => {
    const open = { ...usage, others: { isFlag: (key: string) => key === 'y' } };
    const { others } = parseArguments(open, ['f', '--model', 'm', '--beta', '-1', '--x=', '--x=2']);
    expect(others).toEqual({ beta: '-1', x: '2' });
    const flags = (...argv: string[]) =>
      parseArguments(open, ['--model', 'm', ...argv, 'f']).others;
    expect(flags('--y')).toEqual({ y: 'true' });
    expect(flags('--y', '--beta', '1')).toEqual({ y: 'true', beta: '1' });
    expect(flags('--y', 'False')).toEqual({ y: 'False' });
    expect(refusal(() => parseArguments(open, ['f', '--model', 'm', '--beta']))).toBe(
      '--beta needs a value after it',
    );
  });

  it('takes a recipe as TRL does only without --config', () => {
    const recipe = {
      ...usage,
      positionals: { RECIPE: 'A file.' },
      others: { isFlag: () => false },
    };
    for (const argv of [
      ['--config', 'a.yaml'],
      ['--config=a.yaml', 'b.yaml'],
    ]) {
      expect(refusal(() => parseArguments(recipe, argv))).toBe(
        'try has no option --config; leave it out: try a.yaml',
      );
    }
  });

  it('is refused with what to write', () => {
    expect(refusal(() => parse('f', '--modle', 'm'))).toBe(
      'try has no option --modle; did you mean --model?',
    );
    expect(refusal(() => parse('f', '--what', 'm'))).toBe(
      'try has no option --what; it takes --model, --out, --seed, --resume',
    );
    expect(refusal(() => parse('f'))).toBe('try needs --model: A folder.');
    expect(refusal(() => parse('f', '--model'))).toBe('--model needs a value after it');
    expect(refusal(() => parse('f', '--model', '--seed', '1'))).toBe(
      '--model needs a value after it',
    );
    expect(refusal(() => parse('f', '--model', 'm', '--seed', '-1'))).toBe(
      '--seed: seed is -1; it must be a whole number of at least 0.',
    );
    expect(refusal(() => parse('--model', 'm'))).toBe('try needs FILE: A file.');
    expect(refusal(() => parse('a', 'b c', 'd', '--model', 'm'))).toBe(
      'try takes FILE and options, not "b c" d; put a text with spaces in quotes, or remove that',
    );
    expect(refusal(() => parse('a', 'b'))).toBe(
      'try takes FILE and options, not b; write --model b, or remove that',
    );
    expect(refusal(() => parse('a', 'b c'))).toBe(
      'try takes FILE and options, not "b c"; write --model "b c", or remove that',
    );
    expect(refusal(() => parse('a', '-m', 'b'))).toBe(
      'try has no option -m; options begin with --',
    );
    const plain = { name: 'plain', options: {} };
    expect(refusal(() => parseArguments(plain, ['a']))).toBe(
      'plain takes only options, not a; remove that',
    );
  });
});
