import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

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

/** The longest tests, first: a fresh clone knows no durations, and one core would wait for the other at the end. */
const FIRST = [
  'src/gpu/kernels/matmul.test.ts',
  'src/gpu/kernels/attention.test.ts',
  'tests/parity/smollm2.test.ts',
  'src/gpu/kernels/matmul-packed.test.ts',
  'tests/model/model.test.ts',
  'tests/rl/training.test.ts',
  'tests/model/lora.test.ts',
];

/** Tests that destroy devices, last: their compiled kernels would be missed. */
const DESTROYS = /\bdevice\.destroy\(/;

class Sequencer extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const first = FIRST.findIndex((name) => moduleId.endsWith(name));
      if (first >= 0) return first;
      return FIRST.length + Number(DESTROYS.test(readFileSync(moduleId, 'utf8')));
    };
    const ranks = new Map(files.map((file) => [file, rank(file)]));
    const sorted = await super.sort(files);
    return sorted.sort((a, b) => ranks.get(a)! - ranks.get(b)!);
  }
}

export default defineConfig({
  test: {
    pool: 'forks',
    // Most of a GPU test is compiling kernels, on one core. A real model takes 3 GB beside that.
    maxWorkers: 2,
    sequence: { sequencer: Sequencer },
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
