/**
 * In WGSL a write to a component of a vector may write the whole vector ("Component Reference from Vector
 * Memory View"), and compilers for Metal and Direct3D do that: what another invocation writes to a
 * neighbour component is lost. Vulkan, on which the tests run, writes the component alone: no test of
 * results would fail.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const SHARED = /var<(?:workgroup|storage, read_write)>\s+(\w+)\s*:\s*(array<|vec)/g;

/**
 * The writes to a component of a vector in memory that invocations share.
 * @param declared where its variables are declared: kernels are joined from several files
 */
function componentWrites(wgsl: string, declared = wgsl): string[] {
  return [...declared.matchAll(SHARED)].flatMap(([, name, type]) => {
    const vector = type === 'vec' ? name! : String.raw`${name!}\[[^=;\n]*\]`;
    const component = String.raw`(?:\[[^=;\n]*\]|\.[xyzwrgba]+)`;
    const write = String.raw`(?<![\w.])${vector}${component}\s*[-+*/%&|^]?=(?!=)[^;\n]*`;
    return wgsl.match(new RegExp(write, 'g')) ?? [];
  });
}

const files = readdirSync(import.meta.dirname).filter(
  (name) => /\.(wgsl|ts)$/.test(name) && !name.endsWith('.test.ts'),
);

it('kernels write whole vectors to memory that invocations share', () => {
  const codes = files.map((name) => readFileSync(join(import.meta.dirname, name), 'utf8'));
  const all = codes.join('\n');
  const writes = codes.flatMap((code, i) =>
    componentWrites(code, all).map((write) => `${files[i]}: ${write}`),
  );
  expect(writes).toEqual([]);
});

it('finds writes of components', () => {
  const declared = 'var<workgroup> a: array<vec4f, 8>;\nvar<workgroup> b: vec4f;\n';
  const writes = ['a[i][j] = x', 'a[i / 4u].y += x', 'a[i].z = x[j]', 'b[i] = x', 'b.x += 1.0'];
  expect(writes.map((write) => componentWrites(`${declared}if (c) { ${write}; }`))).toEqual(
    writes.map((write) => [write]),
  );
  const others = [
    'a[i] = x[j][k]',
    'b = vec4f(x)',
    'y = a[i].x',
    'c = a[i].x == 1.0',
    'd[i][j] = x',
  ];
  expect(others.flatMap((line) => componentWrites(`${declared}${line};`))).toEqual([]);
});
