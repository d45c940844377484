/**
 * In WGSL a write to a component of a vector may write the whole vector, and compilers for Metal and
 * Direct3D do that: what another invocation writes to a neighbour component is lost. Software adapters
 * write the component alone, so no run of a kernel here would show it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const SHARED = /var<(?:workgroup|storage, read_write)>\s+(\w+)/g;

/** The lines that write a component of an element of an array which invocations share. */
function componentWrites(wgsl: string): string[] {
  const names = [...wgsl.matchAll(SHARED)].map(([, name]) => name!);
  return wgsl.split('\n').filter((line) => {
    const written =
      /^[\s{]*(?:if \(.*\) \{ )?(\w+)\[.*(?:\]\[.*\]|\]\.[xyzwrgba]+)\s*[-+*/|&^]?=[^=]/.exec(line);
    return written !== null && names.includes(written[1]!);
  });
}

const files = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.wgsl'));

it.each(files)('%s writes whole vectors to memory that invocations share', (name) => {
  expect(componentWrites(readFileSync(join(import.meta.dirname, name), 'utf8'))).toEqual([]);
});

it('finds writes of components', () => {
  const declared = 'var<workgroup> a: array<vec4f, 8>;\n';
  const writes = ['a[i][j] = x;', '  a[i / 4u].y += x;', 'if (c) { a[i].z = x; }'];
  expect(writes.flatMap((line) => componentWrites(declared + line))).toEqual(writes);
  const others = [
    'a[i] = vec4f(x);',
    'let y = a[i].x;',
    'if (a[i].x == 1.0) { b = 1.0; }',
    'local[i][j] = x;',
  ];
  expect(others.flatMap((line) => componentWrites(declared + line))).toEqual([]);
});
