import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

/** They measure how long tasks take, take pictures, or build the page that the others use. */
const ALONE = 'main-thread screenshots start'.split(' ').map((name) => `tests/e2e/${name}.e2e.ts`);

const root = join(import.meta.dirname, '..', '..');
const common = {
  root,
  testTimeout: 240_000,
  hookTimeout: 60_000,
  // What a page will show soon takes longer where another file keeps the cores busy.
  expect: { poll: { timeout: 10_000 } },
};

export default defineConfig({
  test: {
    root,
    globalSetup: './tests/e2e/serve.ts',
    projects: [
      {
        test: {
          ...common,
          name: 'two at a time',
          include: ['tests/e2e/**/*.e2e.ts'],
          exclude: ALONE,
          // A page without training works on one core; one that trains compiles its kernels on one.
          maxWorkers: 2,
        },
      },
      // Vitest runs files without parallelism after all others.
      { test: { ...common, name: 'alone', include: ALONE, fileParallelism: false } },
    ],
  },
});
