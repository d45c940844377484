import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { expect, it } from 'vitest';

// Tests run with the packages of every part; `npm start` and the command line must do with their own.
const root = join(import.meta.dirname, '..');
const page = dependenciesOf('.');
const cli = [...page, ...dependenciesOf('src/cli')];

/** The command line's GPU, and what tests of kernels run in. */
const NOT_OF_THE_PAGE = ['src/gpu/node.ts', 'src/gpu/kernels/sandbox.ts'];

/** MPL asks only that changes of its own files stay open; axe-core and lightningcss have it, unchanged. */
const PERMISSIVE = new Set([
  ...['MIT', 'Apache-2.0', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', '0BSD', 'BlueOak-1.0.0'],
  'MPL-2.0',
]);

it('the page imports only packages that npm start installs', () => {
  const files = [
    ...['vite.config.ts', 'scripts/start.mjs', 'scripts/install.mjs', 'scripts/offline-plugin.ts'],
    'scripts/security-policy.ts',
    ...['src/model', 'src/rl', 'src/ui', 'src/gpu'].flatMap(sourcesIn),
  ].filter((file) => !NOT_OF_THE_PAGE.includes(file));
  expect(files.length).toBeGreaterThan(200);
  expect(strangers(files, page)).toEqual([]);
});

it('every package may be used and passed on', () => {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<
      string,
      { license?: string; link?: boolean; resolved?: string; integrity?: string }
    >;
  };
  const foreign = Object.entries(lock.packages).filter(
    ([path, { link }]) => path.includes('node_modules/') && !link,
  );
  expect(foreign.length).toBeGreaterThan(100);
  const odd = foreign.filter(([, { license = 'none' }]) => !PERMISSIVE.has(license));
  expect(odd.map(([path, { license }]) => `${path}: ${license}`)).toEqual([]);
  // Without an address, npm takes it from the registry; the hash says which file.
  const registry = 'https://registry.npmjs.org/';
  const elsewhere = foreign.filter(
    ([, { resolved = registry, integrity }]) => !integrity || !resolved.startsWith(registry),
  );
  expect(elsewhere.map(([path]) => path)).toEqual([]);
});

it('the command line imports only packages that it installs', () => {
  const files = [...sourcesIn('src/cli'), 'src/gpu/node.ts', 'scripts/typescript.mjs'];
  expect(strangers(files, cli)).toEqual([]);
  expect(strangers(files, page)).toEqual([
    'src/gpu/node.ts: webgpu',
    'scripts/typescript.mjs: tsx',
  ]);
});

function dependenciesOf(folder: string): string[] {
  const { dependencies, devDependencies } = JSON.parse(
    readFileSync(join(root, folder, 'package.json'), 'utf8'),
  ) as { dependencies: object; devDependencies?: object };
  return Object.keys({ ...dependencies, ...devDependencies });
}

function sourcesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(ts|svelte)$/.test(file) && !file.endsWith('.test.ts'))
    .map((file) => `${folder}/${file}`);
}

/** "FILE: PACKAGE" for each import of a package that is not among the known; types are no imports. */
function strangers(files: readonly string[], known: readonly string[]): string[] {
  return files.flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8');
    const imports = text.matchAll(
      /^ *(?!import type|export type)(?:import|export|\}).* from '([^'.][^']*)'|\bimport\(? *'([^'.][^']*)'/gm,
    );
    return [...imports]
      .map(([, from, alone]) => /^(@[^/]+\/)?[^/]+/.exec(from ?? alone!)![0])
      .filter((name) => !known.includes(name) && !isBuiltIn(name))
      .map((name) => `${file}: ${name}`);
  });
}

function isBuiltIn(name: string): boolean {
  return name.startsWith('node:') || builtinModules.includes(name);
}
