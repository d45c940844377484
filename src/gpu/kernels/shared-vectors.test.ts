/**
 * WGSL, "Component Reference from Vector Memory View": a write to a component of a vector may access the whole
 * vector. Metal and Direct3D load it, change the component and store it, so that neighbours who write other
 * components undo each other's writes. Vulkan, on which the tests run, writes the component alone: no test
 * of results would fail.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const files = readdirSync(import.meta.dirname)
  .filter((name) => /\.(wgsl|ts)$/.test(name) && !name.endsWith('.test.ts'))
  .map((name) => ({ name, code: readFileSync(join(import.meta.dirname, name), 'utf8') }));

/** Writes to a component, chosen by a variable, of a vector in memory that invocations share. */
function componentWrites(code: string): string[] {
  const shared = [...code.matchAll(/var<(?:workgroup|storage, read_write)> (\w+): (array<)?/g)];
  return shared.flatMap(([, name, array]) => {
    const element = array ? String.raw`\[[^=;\n]*\]\s*` : '';
    const write = String.raw`\b${name}${element}\[[^=;\n]*[a-z_][^=;\n]*\]\s*[-+*/]?=[^=]`;
    return array || new RegExp(`> ${name}: vec`).test(code)
      ? (code.match(new RegExp(write, 'g')) ?? [])
      : [];
  });
}

it('sees a write to a component that a variable chooses', () => {
  const declared = 'var<workgroup> values: array<vec4f, 16>;\nvar<workgroup> four: vec4f;\n';
  expect(componentWrites(`${declared}values[lane / 4u][lane % 4u] = x;`)).toHaveLength(1);
  expect(componentWrites(`${declared}four[lane] += x;`)).toHaveLength(1);
  expect(componentWrites(`${declared}values[lane] = x[lane][i];`)).toEqual([]);
  expect(componentWrites(`${declared}four = vec4f(x[lane] == 1.0);`)).toEqual([]);
});

it('no kernel writes a component of a vector that neighbours may write too', () => {
  const writes = files.flatMap(({ name, code }) =>
    componentWrites(code).map((write) => `${name}: ${write}`),
  );
  expect(writes).toEqual([]);
});
