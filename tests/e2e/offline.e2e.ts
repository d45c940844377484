/** After one visit the page works without its server; a newer build replaces an older one whole. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchBrowser } from '../../scripts/browser.mjs';
import { serveStatic, type StaticServer } from './static-server.ts';

const BUILT = join(import.meta.dirname, '../../dist/page');
const STEPS = 150;
/** Filling a cache takes a moment. */
const PATIENCE = { timeout: 20_000 };

let browser: Browser;
let context: BrowserContext;
let server: StaticServer;
beforeAll(async () => {
  browser = await launchBrowser();
  context = await browser.newContext({ reducedMotion: 'reduce' });
  server = await serveStatic(BUILT, '/some/where/');
});
afterAll(async () => {
  await browser.close();
  await server.close();
});

async function visit(): Promise<Page> {
  const page = await context.newPage();
  await page.goto(server.url);
  return page;
}

const replays = (page: Page): Promise<void> =>
  expect.poll(() => page.getByTestId('step').textContent(), PATIENCE).toBe(String(STEPS));
const ready = (page: Page): Promise<void> => page.getByText('ready to work offline').waitFor();
const keptFiles = (page: Page): Promise<Record<string, string[]>> =>
  page.evaluate(async () => {
    const kept: Record<string, string[]> = {};
    for (const name of await caches.keys()) {
      const requests = await (await caches.open(name)).keys();
      kept[name] = requests.map(({ url }) => url);
    }
    return kept;
  });

describe('the installed page', () => {
  it('has a manifest whose icons are there', async () => {
    const manifest = (await (await fetch(`${server.url}manifest.webmanifest`)).json()) as {
      start_url: string;
      icons: { src: string; sizes: string; purpose?: string }[];
    };
    expect(new URL(manifest.start_url, server.url).href).toBe(server.url);
    expect(manifest.icons.some(({ purpose }) => purpose === 'maskable')).toBe(true);
    for (const { src } of manifest.icons) {
      expect((await fetch(new URL(src, server.url))).status).toBe(200);
    }
  });

  it('replays the recorded run after the server is gone, below any path', async () => {
    const first = await visit();
    await ready(first);
    const [files] = Object.values(await keptFiles(first));
    expect(files).toContain(`${server.url}recorded-run.json`);
    expect(files).toContain(`${server.url}models/policy/model.safetensors`);
    expect(files!.every((url) => url.startsWith(server.url))).toBe(true);
    await first.close();

    const { url } = server;
    const { folder } = server;
    await server.close();
    await context.setOffline(true);
    const page = await context.newPage();
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(error.message));
    await page.goto(url);
    await replays(page);
    await page.reload();
    await replays(page);
    // The models are there to train on; what the build does not have is missing, not broken.
    const statuses = await page.evaluate(async () => {
      const files = ['policy.json', 'policy/config.json', 'policy/model.safetensors'];
      return Promise.all(files.map(async (file) => (await fetch(`models/${file}`)).status));
    });
    expect(statuses).toEqual([404, 200, 200]);
    expect(errors).toEqual([]);
    await page.close();

    await context.setOffline(false);
    server = await serveStatic(folder, '/some/where/');
  });

  it('takes a newer build whole, and keeps nothing of the older one', async () => {
    const older = await visit();
    await ready(older);
    const [before] = Object.keys(await keptFiles(older));
    const newer = await mkdtemp(join(tmpdir(), 'ponder-'));
    await cp(BUILT, newer, { recursive: true });
    const edit = async (file: string, from: RegExp, to: string): Promise<void> => {
      const path = join(newer, file);
      await writeFile(path, (await readFile(path, 'utf8')).replace(from, to));
    };
    await edit('index.html', /<body/, '<body data-build="newer"');
    await edit('service-worker.js', /version":"\w+/, 'version":"newer');
    server.folder = newer;

    // With a network the newer page comes at once; the older cache stays until its pages are closed.
    const page = await visit();
    expect(await page.locator('body').getAttribute('data-build')).toBe('newer');
    await replays(page);
    await expect.poll(async () => Object.keys(await keptFiles(page)).length, PATIENCE).toBe(2);
    // Outside, nothing holds on to the older build.
    const outside = await context.newPage();
    await outside.goto(new URL('/', server.url).href);
    await older.close();
    await page.close();
    await expect
      .poll(async () => Object.keys(await keptFiles(outside)), PATIENCE)
      .toEqual([before!.replace(/\w+$/, 'newer')]);
    await outside.close();
    await rm(newer, { recursive: true });
  });
});
