import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { root } from '../../scripts/install.mjs';
import { groups, type Group, type Measurement } from '../app/measure/measurement.ts';
import { UsageError } from './arguments.ts';
import { measureInNode } from './bench-node.ts';
import type { BenchOptions } from './bench-page.ts';
import { writeTables } from './bench-tables.ts';
import { benchText } from './bench-text.ts';
import { defineCommand } from './command.ts';
import { commit } from './commit.ts';
import { openRecipe } from './open.ts';
import { Progress } from './progress.ts';
import { writeResult } from './write-result.ts';

const browsers = ['software', 'hardware'] as const;
const adapters = [...browsers, 'node'] as const;

export const bench = defineCommand({
  name: 'bench',
  summary:
    'Measures this machine, in a browser or in Node: matrix products, attention, writing, training and GRPO steps, ' +
    'beside jax-js and TensorFlow.js.',
  options: {
    adapter: {
      type: 'choice',
      choices: adapters,
      default: 'software',
      help:
        'software: the adapter that comes with the packages; hardware: the graphics card; node: what ' +
        'training from the command line runs on, without a browser and without jax-js and TensorFlow.js.',
    },
    recipe: {
      type: 'text',
      default: 'recipes/default.yaml',
      help: "GRPO recipe whose steps are timed; a browser needs a path inside Ponder's folder.",
    },
    only: {
      type: 'choice',
      choices: groups,
      optional: true,
      help: `Measures this part only: ${groups.join(', ')}. grpo is compared with matmul, and measures both.`,
    },
    out: { type: 'text', optional: true, help: 'Writes the measurement to this JSON file.' },
    tables: {
      type: 'flag',
      default: false,
      help: 'Writes the tables of README.md and results/bench from its files; without --out it measures nothing.',
    },
  },
  notes:
    'The operations of a step are the matrix products and attention that its tokens need, without\n' +
    'padding or recomputation. Close other programs first, because they use the same processor.',
  async run({ options: { adapter, recipe, only, out, tables } }) {
    if (tables && out === undefined) return { written: await writeTables(root) };
    // Checked first, because the products before the steps take minutes.
    const inNode = adapter === 'node';
    const steps = await openRecipe(inNode ? recipe : join(root, recipe), {});
    const { algorithm } = steps;
    if (algorithm !== 'grpo') {
      throw new UsageError(
        `${recipe} has algorithm: ${algorithm}; name a GRPO recipe with --recipe`,
      );
    }
    const parts: Group[] | undefined = only && (only === 'grpo' ? ['matmul', 'grpo'] : [only]);
    const options = { ponder: commit(root), ...(parts && { groups: parts }) };
    const measurement = await withProgress((onProgress) =>
      inNode
        ? measureInNode(recipe, steps, { ...options, onProgress })
        : withBenchPage(adapter, (page) =>
            measureIn(page, { adapter, recipe, ...options }, onProgress),
          ),
    );
    if (out !== undefined) await writeResult(out, `${JSON.stringify(measurement, null, 2)}\n`);
    return { measurement, written: tables ? await writeTables(root) : [] };
  },
  format: ({ measurement, written }: { measurement?: Measurement; written: string[] }) =>
    (measurement ? benchText(measurement) : '') + written.map((path) => `wrote ${path}\n`).join(''),
});

type OnProgress = (progress: { done: number; total: number; next?: string }) => void;

async function withProgress<T>(run: (onProgress: OnProgress) => Promise<T>): Promise<T> {
  let progress: Progress | undefined;
  const result = await run(({ done, total, next = '' }) => {
    progress ??= new Progress(total);
    progress.update(done, next);
  });
  progress?.clear();
  return result;
}

async function measureIn(
  page: Page,
  options: BenchOptions,
  onProgress: OnProgress,
): Promise<Measurement> {
  await page.exposeFunction('onBenchProgress', (done: number, total: number, next: string) =>
    onProgress({ done, total, next }),
  );
  return page
    .evaluate((given) => globalThis.runBench(given), options)
    .catch((error: unknown) => {
      // Playwright adds where the page threw it.
      const [, message] =
        /^page\.evaluate: (?:\w*Error: )?(.*)/.exec((error as Error).message) ?? [];
      throw message === undefined ? error : new Error(message, { cause: error });
    });
}

/** The page is served from its source, because it is not part of `npm run build`. */
async function withBenchPage<T>(
  adapter: (typeof browsers)[number],
  use: (page: Page) => Promise<T>,
): Promise<T> {
  // Only this way to measure needs a browser and a server.
  const { launchBrowser } = await import('../../scripts/browser.mjs');
  const { createServer } = await import('vite');
  const server = await createServer({
    root,
    configFile: false,
    logLevel: 'error',
    appType: 'mpa',
    // Recipes give model paths from the project's root.
    publicDir: false,
    cacheDir: join(root, 'node_modules', '.cache', 'ponder', 'bench'),
    server: { port: 0, watch: null, hmr: false },
    // If vite found a package later, it would reload the page.
    optimizeDeps: {
      entries: ['tests/bench/main.ts'],
      include: ['@jax-js/jax', '@tensorflow/tfjs-core', '@tensorflow/tfjs-backend-webgpu'],
    },
  });
  try {
    await server.listen();
    // Otherwise the browser would round timestamps to 100 microseconds.
    const browser = await launchBrowser({
      adapter,
      args: ['--enable-webgpu-developer-features'],
    });
    try {
      const page = await browser.newPage();
      const broken = new Promise<never>((_, reject) => {
        page.on('pageerror', reject);
        page.on('crash', () => reject(new Error('the benchmark page crashed; run it again')));
      });
      const work = async (): Promise<T> => {
        await page.goto(`${server.resolvedUrls!.local[0]!}tests/bench/index.html`);
        await page.waitForFunction(() => 'runBench' in globalThis);
        return use(page);
      };
      return await Promise.race([work(), broken]);
    } finally {
      await browser.close();
    }
  } finally {
    await server.close();
  }
}
