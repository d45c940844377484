import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{src,tests,scripts}/**/*.test.ts'],
    pool: 'forks',
    // Dawn spends every core on the software adapter: files side by side would only slow each other.
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 60_000,
  },
});
