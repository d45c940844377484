/** Placeholders of judge prompts, filled as the originals do it in Python. */

import { BenchmarkDataError } from './benchmark.ts';

/** Python's str.format with named fields: `{name}`, and `{{` for a brace. @throws BenchmarkDataError */
export function pythonFormat(template: string, values: Readonly<Record<string, string>>): string {
  return template.replace(/\{\{|\}\}|\{(\w+)\}/g, (found, name: string | undefined) => {
    if (name === undefined) return found[0]!;
    const value = values[name];
    if (value !== undefined) return value;
    throw new BenchmarkDataError(
      `A judge's prompt asks for {${name}}, which is not there; download the files again.`,
    );
  });
}

/** One replacement after the other, as a chain of str.replace: a text may hold the next placeholder. */
export function replaceInTurn(
  template: string,
  values: readonly (readonly [string, string])[],
): string {
  return values.reduce((text, [name, value]) => text.replaceAll(name, () => value), template);
}
