/** The built page for end-to-end tests, with what it fetches replaced by what a test says. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { expect, inject } from 'vitest';
import type { RecipeValues } from '../../src/rl/recipe/values.ts';
import type { RecordedRun } from '../../src/rl/runs/record.ts';
import { parse } from 'yaml';
import { syntheticRun } from './synthetic-run.ts';
import { violationsOf } from './violations.ts';

const COMLINK = join(import.meta.dirname, '../../node_modules/comlink/dist/esm/comlink.mjs');
/** Length of the recorded run. */
export const STEPS = 24;

export interface Setting extends BrowserContextOptions {
  /** How the recorded run, and so what training here gets, differs from the default recipe. */
  recipe?: RecipeValues;
  recorded?: boolean;
  /** In place of the synthetic run. */
  run?: RecordedRun;
  gpu?: 'fake' | 'none';
  /** The hash of the address, with the "#". */
  hash?: string;
}

/** Opens the page on a fake policy worker; `use` fails on any error in the page. */
export async function withPage(
  browser: Browser,
  {
    recipe = { max_steps: 30 },
    recorded = true,
    run: given,
    gpu = 'fake',
    hash = '',
    ...options
  }: Setting,
  use: (page: Page) => Promise<void>,
): Promise<void> {
  const context = await browser.newContext({
    reducedMotion: 'reduce',
    // It would answer in place of the routes below.
    serviceWorkers: 'block',
    ...options,
  });
  try {
    await context.addInitScript((has) => {
      const fake = { requestAdapter: () => Promise.resolve({}) };
      Object.defineProperty(navigator, 'gpu', { value: has ? fake : undefined });
    }, gpu === 'fake');
    const whole = { ...(await defaultRecipe()), ...recipe };
    const run = recorded ? JSON.stringify(given ?? syntheticRun(STEPS, whole)) : null;
    await context.route('**/recorded-run.json', (route) =>
      run
        ? route.fulfill({ contentType: 'application/json', body: run })
        : route.fulfill({ status: 404 }),
    );
    const worker = await readFile(join(import.meta.dirname, 'fake-policy-worker.mjs'), 'utf8');
    await context.route('**/policy.worker*', (route) =>
      route.fulfill({
        contentType: 'text/javascript',
        body: worker.replace("'comlink'", "'/comlink.mjs'"),
      }),
    );
    await context.route('**/comlink.mjs', (route) =>
      route.fulfill({ contentType: 'text/javascript', path: COMLINK }),
    );
    const page = await context.newPage();
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(error.message));
    const violations = await violationsOf(page);
    await page.goto(inject('page') + hash);
    await use(page);
    expect([errors, violations]).toEqual([[], []]);
  } finally {
    await context.close();
  }
}

async function defaultRecipe(): Promise<RecipeValues> {
  const yaml = await readFile(join(import.meta.dirname, '../../recipes/default.yaml'), 'utf8');
  return parse(yaml) as RecipeValues;
}

export const step = (page: Page): Promise<number> =>
  page.getByTestId('step').textContent().then(Number);

export const reaches = (page: Page, wanted: number): Promise<void> =>
  expect.poll(() => step(page), { timeout: 10_000 }).toBeGreaterThanOrEqual(wanted);

/** The new run is on view in place of the recorded one, which is at its end. */
export const begins = (page: Page): Promise<void> =>
  expect.poll(() => step(page), { timeout: 10_000 }).toBeLessThan(STEPS);

/** Shows a view of the page, by the name in the navigation. */
export const show = (page: Page, view: string): Promise<void> =>
  page
    .getByRole('navigation', { name: 'Views' })
    .getByRole('link', { name: view, exact: true })
    .click();

export const train = (page: Page): Promise<void> =>
  page.getByRole('button', { name: 'Train it here', exact: true }).click();
