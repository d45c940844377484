/** Which modules the names of an adapter_config.json mean, as peft's check_target_module_exists says. */
import { runForeign } from './foreign.ts';
import { layerOf } from './peft.ts';

/**
 * A text is a regular expression that the whole name of a module must match. A list has whole names, or
 * their last segments, which `layers` limits.
 * @param refuse throws, for a regular expression that JavaScript cannot read
 */
export function moduleMatcher(
  field: string,
  names: string | readonly string[] | null | undefined,
  refuse: (problem: string) => never,
  layers?: readonly number[],
): (module: string) => boolean {
  if (typeof names === 'string' && names !== '') {
    const pattern = compiled(field, names, refuse);
    return (module) => runForeign(`The regular expression ${field}`, () => pattern.test(module));
  }
  const listed = typeof names === 'string' ? [] : (names ?? []);
  return (module) =>
    listed.includes(module) ||
    (listed.some((name) => module.endsWith(`.${name}`)) &&
      (!layers || layers.includes(layerOf(module))));
}

/** Python's syntax in JavaScript's. */
function compiled(field: string, source: string, refuse: (problem: string) => never): RegExp {
  const [, flags = '', rest] = /^(?:\(\?([is]+)\))?([^]*)$/.exec(source)!;
  const pattern = rest!
    .replaceAll('(?P<', '(?<')
    .replace(/\(\?P=(\w+)\)/g, '\\k<$1>')
    .replace(/((?:^|[^\\])(?:\\\\)*)\\A/g, '$1^')
    .replace(/((?:^|[^\\])(?:\\\\)*)\\Z/g, '$1$');
  try {
    return new RegExp(`^(?:${pattern})$`, flags);
  } catch {
    return refuse(
      `${field} is the regular expression ${JSON.stringify(source)}, which cannot be read here; write a ` +
        'list of the modules in its place',
    );
  }
}
