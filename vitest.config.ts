import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{src,tests,scripts}/**/*.test.ts'],
    pool: 'forks',
    // Most of a GPU test is compiling kernels, on one core. A real model takes 3 GB beside that.
    maxWorkers: 2,
    testTimeout: 240_000,
    hookTimeout: 120_000,
  },
});
