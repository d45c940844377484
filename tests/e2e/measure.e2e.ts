/** "Measure this browser": measures on the adapter of the tests, stops, and gives the result as a file. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchBrowser } from '../../scripts/browser.mjs';
import { EXAMPLE } from '../../src/app/measure/example.ts';
import { readMeasurement } from '../../src/app/measure/measurement.ts';
import { accessibilityFaults } from './accessibility.ts';
import { serveStatic, type StaticServer } from './static-server.ts';

const BUILT = join(import.meta.dirname, '../../dist/page');

let browser: Browser;
let server: StaticServer;
beforeAll(async () => {
  browser = await launchBrowser();
  server = await serveStatic(BUILT, '/some/where/');
});
afterAll(async () => {
  await browser.close();
  await server.close();
});

const start = (page: Page): Promise<void> =>
  page.getByRole('button', { name: 'Measure this browser' }).click();

describe('Measure this browser', () => {
  it('is one plain link away, and the first page loads nothing of it', async () => {
    const page = await browser.newPage({ serviceWorkers: 'block' });
    server.asked = [];
    await page.goto(server.url);
    const link = page.getByRole('link', { name: 'Measure this browser' });
    await link.waitFor();
    expect(server.asked.filter((path) => path.includes('measure'))).toEqual([]);
    await link.click();
    await page.getByRole('heading', { level: 1, name: 'Measure this browser' }).waitFor();
    await page.close();
  });

  it('measures, stops, and gives what is measured so far as JSON; it asks no other server', async () => {
    const context = await browser.newContext({ serviceWorkers: 'block', acceptDownloads: true });
    const page = await context.newPage();
    const errors: string[] = [];
    const strangers: string[] = [];
    page.on('pageerror', (error) => errors.push(error.message));
    page.on('request', (request) => {
      const url = request.url();
      if (!url.startsWith(server.url) && !url.startsWith('blob:')) strangers.push(url);
      if (request.method() !== 'GET') strangers.push(`${request.method()} ${url}`);
    });
    await page.goto(`${server.url}measure.html`);
    await start(page);
    await page.getByText(/^1 of \d+: matrix product square 256$/).waitFor({ timeout: 60_000 });
    await page.getByText(/^3 of \d+: /).waitFor({ timeout: 60_000 });
    expect(await page.getByRole('button', { name: 'Download JSON' }).isDisabled()).toBe(true);
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByText('This page sends nothing.').waitFor();
    await page.getByRole('rowheader', { name: 'square 512' }).waitFor();

    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download JSON' }).click(),
    ]);
    expect(download.suggestedFilename()).toMatch(/^ponder-measurement-\d{4}-\d\d-\d\d\.json$/);
    const measurement = readMeasurement(await readFile(await download.path(), 'utf8'), 'file');
    expect(measurement.complete).toBe(false);
    expect(measurement.rows.length).toBeGreaterThanOrEqual(2);
    for (const row of measurement.rows) expect(row.share).toBeGreaterThan(0);
    expect(measurement.adapter.description + measurement.adapter.architecture).not.toBe('');
    expect(measurement.browser).toContain('Chrome');
    expect(errors).toEqual([]);
    expect(strangers).toEqual([]);
    await context.close();
  });

  it('works after its server is gone', async () => {
    const context = await browser.newContext();
    const offline = await serveStatic(BUILT, '/some/where/');
    const page = await context.newPage();
    await page.goto(offline.url);
    await page.getByText('ready to work offline').waitFor();
    await offline.close();
    await context.setOffline(true);
    await page.goto(`${offline.url}measure.html`);
    await start(page);
    await page.getByText(/^1 of \d+: /).waitFor({ timeout: 60_000 });
    await context.close();
  });

  it('says what to do where WebGPU is missing', async () => {
    const page = await browser.newPage({ serviceWorkers: 'block' });
    await page.addInitScript(() => {
      Object.defineProperty(navigator, 'gpu', { value: undefined });
    });
    await page.goto(`${server.url}measure.html`);
    await page.getByRole('heading', { name: 'This browser has no WebGPU' }).waitFor();
    expect(await page.getByRole('button', { name: 'Measure this browser' }).count()).toBe(0);
    await page.close();
  });
});

describe.for(['light', 'dark'] as const)('in %s colours', (colorScheme) => {
  it.for([390, 1280, 1440])('its results fit %i px and are accessible', async (width) => {
    const context = await browser.newContext({
      viewport: { width, height: 900 },
      colorScheme,
      serviceWorkers: 'block',
    });
    const page = await context.newPage();
    await showExample(page);
    await page.goto(`${server.url}measure.html`);
    await start(page);
    await page.getByRole('heading', { name: 'GRPO steps' }).waitFor();
    const overflow = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(overflow).toBe(0);
    expect(await accessibilityFaults(page)).toEqual([]);
    await context.close();
  });
});

/** Puts a worker in place that answers with a made-up measurement. */
async function showExample(page: Page): Promise<void> {
  const comlink = join(import.meta.dirname, '../../node_modules/comlink/dist/esm/comlink.mjs');
  await page.route('**/comlink.mjs', (route) =>
    route.fulfill({ contentType: 'text/javascript', path: comlink }),
  );
  await page.route('**/measure.worker*', (route) =>
    route.fulfill({
      contentType: 'text/javascript',
      body: `import * as Comlink from '/comlink.mjs';
Comlink.expose({ measure: () => (${JSON.stringify(EXAMPLE)}) });`,
    }),
  );
}
