/**
 * In WGSL a write to a component of a vector may write the whole vector ("Component Reference from Vector
 * Memory View"), and compilers for Metal and Direct3D do that: what another invocation writes to a
 * neighbour component is lost. Vulkan, on which the tests run, writes the component alone: no test of
 * results would fail.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Halves, Storage } from '../storage.ts';
import { MIDDLING } from './matmul-choice.ts';
import { matmulAs } from './matmul.ts';

const SHARED = /var<(?:workgroup|storage, read_write)>\s+(\w+)\s*:\s*((?:array<)*)vec/g;

/**
 * The writes to a component of a vector in memory that invocations share.
 * @param declared where its variables are declared: kernels are joined from several files
 */
function componentWrites(wgsl: string, declared = wgsl): string[] {
  return [...declared.matchAll(SHARED)].flatMap(([, name, arrays]) => {
    const indices = arrays!.split('<').slice(1);
    const vector = name! + indices.map(() => String.raw`\[[^=;\n]*\]`).join('');
    const component = String.raw`(?:\[[^=;\n]*\]|\.[xyzwrgba]+)`;
    const write = String.raw`(?<![\w.])${vector}${component}\s*[-+*/%&|^]?=(?!=)[^;\n]*`;
    return wgsl.match(new RegExp(write, 'g')) ?? [];
  });
}

const files = readdirSync(import.meta.dirname).filter(
  (name) => /\.(wgsl|ts)$/.test(name) && !name.endsWith('.test.ts'),
);

function tileCode(...packed: Halves[]): string {
  const view = (storage: Storage) =>
    ({ buffer: {} as GPUBuffer, byteOffset: 0, byteLength: 256, storage }) as const;
  const launch = { layout: 'nt', a: view('f32'), b: view('f16'), c: view('f32') } as const;
  const card = { ...MIDDLING, packed };
  return matmulAs(['small'], { ...launch, m: 8, n: 8, k: 8 }, { card }).kernel.code;
}

it('kernels write whole vectors to memory that invocations share', () => {
  const sources = files.map((name) => readFileSync(join(import.meta.dirname, name), 'utf8'));
  // The names of a tile's memory are put together.
  const tiles = [tileCode(), tileCode('f16')];
  const codes = [...sources, ...tiles];
  const all = codes.join('\n');
  const writes = codes.flatMap((code, i) =>
    componentWrites(code, all).map((write) => `${files[i] ?? 'tile'}: ${write}`),
  );
  expect(tiles.map((code) => code.match(SHARED)!.length)).toEqual([3, 3]);
  expect(writes).toEqual([]);
});

it('finds writes of components', () => {
  const declared =
    'var<workgroup> a: array<vec4f, 8>;\nvar<workgroup> b: vec4f;\n' +
    'var<workgroup> t: array<array<vec4f, 5>, 8>;\n';
  const writes = [
    ...['a[i][j] = x', 'a[i / 4u].y += x', 'a[i].z = x[j]', 'b[i] = x', 'b.x += 1.0'],
    ...['t[i][j][k] = x', 't[i][q[j]].x = x'],
  ];
  expect(writes.map((write) => componentWrites(`${declared}if (c) { ${write}; }`))).toEqual(
    writes.map((write) => [write]),
  );
  const others = [
    'a[i] = x[j][k]',
    'b = vec4f(x)',
    'y = a[i].x',
    'c = a[i].x == 1.0',
    'd[i][j] = x',
    't[i][q[j]] = x',
    't[i][j] = x',
  ];
  expect(others.flatMap((line) => componentWrites(`${declared}${line};`))).toEqual([]);
});
