/** Files of the source know one another one way: no file comes back to itself along its imports. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { expect, it } from 'vitest';

type Graph = ReadonlyMap<string, readonly string[]>;

/** Files to the files that they import, types and what is loaded later included. */
function importsOf(root: string): Graph {
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' });
  const files = names.filter((name) => /\.(ts|svelte)$/.test(name)).map((name) => join(root, name));
  return new Map(
    files.map((file) => {
      const text = readFileSync(file, 'utf8');
      const sources = [...text.matchAll(/\b(?:from|import)\s*\(?\s*'(\.[^']+)'/g)];
      const targets = sources.map(([, source]) => resolve(dirname(file), source!));
      return [file, targets.filter((target) => files.includes(target))];
    }),
  );
}

/** A circle of imports, its first file again at the end; undefined where there is none. */
function circle(graph: Graph): string[] | undefined {
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): string[] | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return undefined;
    for (const next of graph.get(file) ?? []) {
      const found = visit(next, [...path, file]);
      if (found) return found;
    }
    done.add(file);
    return undefined;
  };
  for (const file of graph.keys()) {
    const found = visit(file, []);
    if (found) return found;
  }
  return undefined;
}

const src = resolve(import.meta.dirname, '../src');

it('finds a circle', () => {
  const graph = { a: ['b', 'c'], b: [], c: ['d'], d: ['e', 'b'], e: ['c'] };
  expect(circle(new Map(Object.entries(graph)))).toEqual(['c', 'd', 'e', 'c']);
});

it('sees imports of values and of types, in Svelte files too', () => {
  const graph = importsOf(src);
  const from = (file: string): readonly string[] => graph.get(join(src, file))!;
  expect(from('gpu/kernel.ts')).toContain(join(src, 'gpu/memory.ts'));
  expect(from('gpu/program.ts')).toContain(join(src, 'gpu/activations.ts'));
  expect(from('ui/learn/LearnPanel.svelte')).toContain(join(src, 'ui/learn/chapters.ts'));
});

it('finds none in the source', () => {
  expect(circle(importsOf(src))).toBeUndefined();
});
