/** The page as it ships, with its recorded run of 150 steps and its own models. */
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { expect, inject } from 'vitest';
import { step, train } from './with-page.ts';

export const WIDE = { width: 1440, height: 900 };
export const NARROW = { width: 390, height: 844 };
export const VIEWS = ['watch', 'understand', 'runs', 'set-up', 'try'];

/** Opens the page; `use` fails on any error in it. */
export async function withPage(
  browser: Browser,
  options: BrowserContextOptions,
  use: (page: Page) => Promise<void>,
  before?: (page: Page) => Promise<unknown>,
): Promise<void> {
  const context = await browser.newContext({ serviceWorkers: 'block', ...options });
  const page = await context.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  await before?.(page);
  await page.goto(inject('page'));
  await use(page);
  expect(errors).toEqual([]);
  await context.close();
}

export const reaches = (page: Page, wanted: number): Promise<void> =>
  expect.poll(() => step(page), { timeout: 180_000, interval: 250 }).toBeGreaterThanOrEqual(wanted);

/** Trains here, from the beginning on. */
export async function trainsUpTo(page: Page, wanted: number): Promise<void> {
  await train(page);
  await expect.poll(() => step(page), { timeout: 60_000 }).toBe(0);
  await reaches(page, wanted);
}

/** Shows a view, and waits for its code. */
export async function show(page: Page, view: string): Promise<void> {
  await page.evaluate((hash) => (location.hash = hash), `#/${view}`);
  await page.locator(`#view-${view} h2:visible`).first().waitFor();
  await page.waitForLoadState('networkidle');
}
