/** What holds for the whole page, whatever its sections are. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchBrowser } from '../../scripts/browser.mjs';
import {
  NARROW,
  reaches,
  show,
  trainsUpTo,
  VIEWS,
  WIDE,
  withPage as withShippedPage,
} from './shipped-page.ts';

const BUILT = join(import.meta.dirname, '../../dist/page');

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());

const withPage = (
  options: BrowserContextOptions,
  use: (page: Page) => Promise<void>,
  before?: (page: Page) => Promise<unknown>,
): Promise<void> => withShippedPage(browser, options, use, before);

it('nothing moves by itself where motion is unwelcome', () =>
  withPage({ reducedMotion: 'reduce', viewport: WIDE }, async (page) => {
    await reaches(page, 150);
    const moving = await page.evaluate(() => ({
      animations: document
        .getAnimations()
        .map((animation) => Number(animation.effect?.getComputedTiming().duration))
        .filter((milliseconds) => milliseconds > 1),
      scrolling: getComputedStyle(document.documentElement).scrollBehavior,
    }));
    expect(moving).toEqual({ animations: [], scrolling: 'auto' });
  }));

it('every picture is described, or is an ornament', () =>
  withPage({ reducedMotion: 'reduce', viewport: WIDE }, async (page) => {
    await reaches(page, 150);
    for (const view of VIEWS) await show(page, view);
    const undescribed = await page.evaluate(() => {
      const pictures = [...document.querySelectorAll('canvas, svg')];
      const described = (picture: Element): boolean => {
        if (picture.closest('[aria-hidden="true"]')) return true;
        const named = picture.closest('[role="img"]');
        const name = named?.getAttribute('aria-label') ?? named?.getAttribute('aria-labelledby');
        return (name?.length ?? 0) > 10;
      };
      return {
        count: pictures.length,
        without: pictures.filter((picture) => !described(picture)).map((p) => p.outerHTML),
      };
    });
    expect(undescribed.count).toBeGreaterThan(6);
    expect(undescribed.without).toEqual([]);
  }));

describe.each([WIDE, NARROW])('at $width px', (viewport) => {
  it('nothing is pushed around while it loads, replays and begins to train', () =>
    withPage(
      { viewport, reducedMotion: 'no-preference' },
      async (page) => {
        await reaches(page, 12);
        await trainsUpTo(page, 1);
        const shifts = await page.evaluate(() => window.shifts);
        const total = shifts.reduce((sum, { value }) => sum + value, 0);
        expect(total, JSON.stringify(shifts)).toBeLessThan(0.02);
      },
      (page) => page.addInitScript(recordShifts),
    ));
});

declare global {
  interface Window {
    shifts: { value: number; nodes: string[] }[];
  }
}

/** Runs in the page: keeps the layout shifts that no input asked for. */
function recordShifts(): void {
  window.shifts = [];
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries() as unknown as LayoutShift[]) {
      if (entry.hadRecentInput) continue;
      const nodes = entry.sources.map(({ node }) =>
        node instanceof Element ? node.outerHTML.slice(0, 120) : String(node?.nodeName),
      );
      window.shifts.push({ value: entry.value, nodes });
    }
  }).observe({ type: 'layout-shift', buffered: true });
}

interface LayoutShift extends PerformanceEntry {
  value: number;
  hadRecentInput: boolean;
  sources: { node: Node | null }[];
}

it('the code that the page loads at once stays below 200 KB, gzipped', () => {
  const html = readFileSync(join(BUILT, 'index.html'), 'utf8');
  const eager = new Set<string>();
  const load = (file: string): void => {
    if (eager.has(file)) return;
    eager.add(file);
    if (!file.endsWith('.js')) return;
    const code = readFileSync(join(BUILT, file), 'utf8');
    for (const [, name] of code.matchAll(/(?:from|import)\s*["'`]\.\/([\w.-]+\.js)["'`]/g)) {
      load(`assets/${name!}`);
    }
  };
  for (const [, file] of html.matchAll(/(?:src|href)="\.\/(assets\/[^"]+\.(?:js|css))"/g)) {
    load(file!);
  }
  const size = (file: string): number => gzipSync(readFileSync(join(BUILT, file))).length;
  const bytes = [...eager].reduce((sum, file) => sum + size(file), 0);
  const all = readdirSync(join(BUILT, 'assets'));
  expect(eager.size).toBeGreaterThan(1);
  expect(eager.size).toBeLessThan(all.length);
  expect(bytes).toBeLessThan(200_000);
});
