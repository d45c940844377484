import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

const files = ['src', 'tests', 'scripts'].flatMap((folder) =>
  readdirSync(join(import.meta.dirname, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts') && !name.includes('node_modules'))
    .map((name) => join(folder, name)),
);

/** What a test changes for all that runs in its process. */
const CHANGES_ITS_PROCESS = /\bvi\.(doMock|mock|stub\w+|useFakeTimers)\(|\bkeepDevices\(/;
const alone = files.filter((file) =>
  CHANGES_ITS_PROCESS.test(readFileSync(join(import.meta.dirname, file), 'utf8')),
);
const together = files.filter((file) => !alone.includes(file));

export default defineConfig({
  test: {
    pool: 'forks',
    // Most of a GPU test is compiling kernels, on one core. A real model takes 3 GB beside that.
    maxWorkers: 2,
    testTimeout: 240_000,
    hookTimeout: 120_000,
    projects: [
      // Tests of the page's state replace its workers, so they are all here.
      { extends: true, plugins: [svelte()], test: { name: 'alone', include: alone } },
      {
        extends: true,
        test: {
          name: 'together',
          include: together,
          // One process for each worker, so that its files share devices and compiled kernels.
          isolate: false,
          setupFiles: ['tests/share-process.ts'],
        },
      },
    ],
  },
});
