/** Arguments of the functions, methods, filters and tests that templates may call. */
import { TemplateError } from './errors.ts';
import { typeName, Undefined, type Value } from './values.ts';

/** Arguments in the order of `parameters`; undefined for those that were not given. */
export function bind(
  name: string,
  parameters: readonly string[],
  args: readonly Value[],
  named: ReadonlyMap<string, Value>,
): (Value | undefined)[] {
  if (args.length > parameters.length) {
    throw new TemplateError(
      `${name}() takes at most ${parameters.length} arguments (${args.length} given)`,
    );
  }
  const bound: (Value | undefined)[] = parameters.map((_, i) => args[i]);
  for (const [key, value] of named) {
    const at = parameters.indexOf(key);
    if (at < 0) {
      throw new TemplateError(`${name}() got an unexpected keyword argument '${key}'`);
    }
    if (bound[at] !== undefined) {
      throw new TemplateError(`${name}() got multiple values for argument '${key}'`);
    }
    bound[at] = value;
  }
  return bound;
}

/** A whole number for a count or width. */
export function toCount(value: Value): number {
  if (value instanceof Undefined) value.fail();
  if (typeof value === 'bigint' || typeof value === 'boolean') return Number(value);
  throw new TemplateError(`'${typeName(value)}' object cannot be interpreted as an integer`);
}

export function toText(value: Value): string {
  if (value instanceof Undefined) value.fail();
  if (typeof value === 'string') return value;
  throw new TemplateError(`a str is needed, not ${typeName(value)}`);
}
