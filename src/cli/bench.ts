import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { launchBrowser } from '../../scripts/browser.mjs';
import { root } from '../../scripts/install.mjs';
import { UsageError } from './arguments.ts';
import type { BenchResult, MatmulResult } from './bench-result.ts';
import { benchTable } from './bench-table.ts';
import { defineCommand } from './command.ts';
import { openRecipe } from './open.ts';
import { Progress } from './progress.ts';

const adapters = ['software', 'hardware'] as const;

export const bench = defineCommand({
  name: 'bench',
  summary:
    'Times our matmul beside jax-js and TensorFlow.js in one browser page, and whole GRPO steps.',
  options: {
    adapter: {
      type: 'choice',
      choices: adapters,
      default: 'software',
      help: 'software: the adapter that comes with the packages; hardware: the graphics card.',
    },
    recipe: {
      type: 'text',
      default: 'recipes/default.yaml',
      help: "GRPO recipe whose steps are timed; a path inside Ponder's folder.",
    },
  },
  notes:
    'The operations of a step are the matrix products and attention that its tokens need, without\n' +
    'padding or recomputation. Close other programs first, because they use the same processor.',
  async run({ options: { adapter, recipe } }): Promise<BenchResult> {
    // Checked first, because the matmuls before the steps take minutes.
    const { algorithm } = await openRecipe(join(root, recipe), {});
    if (algorithm !== 'grpo') {
      throw new UsageError(
        `${recipe} has algorithm: ${algorithm}; name a GRPO recipe with --recipe`,
      );
    }
    return withBenchPage(adapter, (page) => measure(page, adapter, recipe));
  },
  format: benchTable,
});

async function measure(
  page: Page,
  wanted: (typeof adapters)[number],
  recipe: string,
): Promise<BenchResult> {
  const adapter = await page.evaluate((name) => globalThis.bench.open(name), wanted);
  const shapes = await page.evaluate(() => globalThis.bench.shapes);
  const progress = new Progress(shapes.length + 1);
  const matmul: MatmulResult[] = [];
  for (const [index, { name }] of shapes.entries()) {
    progress.update(index, `matmul ${name}`);
    matmul.push(await page.evaluate((i) => globalThis.bench.matmul(i), index));
  }
  progress.update(shapes.length, 'GRPO steps');
  const step = await page.evaluate((path) => globalThis.bench.steps(path), recipe);
  progress.clear();
  return { adapter, matmul, step };
}

/** The page is served from its source, because it is not part of `npm run build`. */
async function withBenchPage<T>(
  adapter: (typeof adapters)[number],
  use: (page: Page) => Promise<T>,
): Promise<T> {
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
    const browser = await launchBrowser({ adapter });
    try {
      const page = await browser.newPage();
      const broken = new Promise<never>((_, reject) => {
        page.on('pageerror', reject);
        page.on('crash', () => reject(new Error('the benchmark page crashed; run it again')));
      });
      const work = async (): Promise<T> => {
        await page.goto(`${server.resolvedUrls!.local[0]!}tests/bench/index.html`);
        await page.waitForFunction(() => 'bench' in globalThis);
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
