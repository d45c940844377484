/**
 * Every section of the page, standing still, compared with the pictures in screenshots/. Machines
 * without the fonts that the pictures were taken with (screenshots/fonts.json) break lines elsewhere:
 * there they are not compared. After a wanted change:
 *   UPDATE_SCREENSHOTS=1 npm test -- e2e screenshots
 * and look at the new pictures before they are committed.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { launchBrowser } from '../../scripts/browser.mjs';
import type { ViewId } from '../../src/ui/views/views.ts';
import { tracedRun } from './traced-run.ts';

const FOLDER = join(import.meta.dirname, 'screenshots');
const FONTS = join(FOLDER, 'fonts.json');
const STEPS = 24;
const update = process.env.UPDATE_SCREENSHOTS !== undefined;

interface View {
  name: string;
  /** Of the page, as the address names it. */
  view: ViewId;
  selector: string;
  width: 1440 | 390;
  colorScheme: 'light' | 'dark';
  /** What a visitor does first. */
  prepare?: (view: Locator) => Promise<void>;
}

const section = (id: string): string => `section[aria-labelledby=${id}]`;
const wide = { width: 1440, colorScheme: 'light' } as const;
const wideDark = { width: 1440, colorScheme: 'dark' } as const;
const narrow = { width: 390, colorScheme: 'light' } as const;
const narrowDark = { width: 390, colorScheme: 'dark' } as const;

const VIEWS: View[] = [
  { name: 'hero', view: 'watch', selector: '.hero', ...wide },
  { name: 'hero-narrow', view: 'watch', selector: '.hero', ...narrowDark },
  { name: 'how', view: 'watch', selector: section('how'), ...wide },
  { name: 'group', view: 'understand', selector: section('group'), ...wideDark },
  { name: 'group-narrow', view: 'understand', selector: section('group'), ...narrow },
  {
    name: 'walk',
    view: 'understand',
    selector: section('walk-title'),
    ...wide,
    prepare: (view) => view.getByRole('button', { name: 'Begin' }).click(),
  },
  { name: 'tokens', view: 'understand', selector: section('tokens'), ...wideDark },
  { name: 'before-after', view: 'watch', selector: section('before-after'), ...wide },
  { name: 'curves', view: 'runs', selector: section('curves'), ...wideDark },
  { name: 'curves-narrow', view: 'runs', selector: section('curves'), ...narrow },
  { name: 'runs', view: 'runs', selector: section('runs'), ...wide },
  { name: 'recipe', view: 'set-up', selector: section('recipe'), ...narrowDark },
  { name: 'models', view: 'set-up', selector: section('models'), ...wideDark },
  { name: 'rewards', view: 'set-up', selector: section('rewards'), ...wide },
  { name: 'try', view: 'try', selector: section('try'), ...narrow },
  { name: 'blind', view: 'try', selector: section('blind'), ...wideDark },
  { name: 'taste', view: 'try', selector: section('taste'), ...wide },
  { name: 'learn', view: 'understand', selector: section('learn-title'), ...narrowDark },
  // The last of its page: it stays open.
  {
    name: 'formula',
    view: 'understand',
    selector: 'dialog[aria-labelledby=learn]',
    ...wide,
    prepare: async (view) => {
      await view
        .page()
        .locator('section[aria-labelledby=learn-title]')
        .getByRole('button')
        .first()
        .click();
    },
  },
];

/** Pictures are kept at half their size. */
const SCALE = 0.5;

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
  await mkdir(FOLDER, { recursive: true });
});
afterAll(() => browser.close());

/** Of the points of a picture at half its size, the share that is visibly different. */
const TOLERATED = 0.01;

/** One page for all views of a width and theme, by both. */
const pages = new Map<string, Promise<Page>>();

async function openPage({ width, colorScheme }: View): Promise<Page> {
  const page = await browser.newPage({
    viewport: { width, height: 900 },
    deviceScaleFactor: SCALE,
    colorScheme,
    reducedMotion: 'reduce',
    serviceWorkers: 'block',
  });
  await page.addInitScript(() => {
    const fake = { requestAdapter: () => Promise.resolve({}) };
    Object.defineProperty(navigator, 'gpu', { value: fake });
  });
  // Made-up numbers stay, when the shipped run is recorded anew.
  await page.route('**/recorded-run.json', (route) =>
    route.fulfill({ json: tracedRun(STEPS, { algorithm: 'grpo', max_steps: STEPS }) }),
  );
  await page.goto(inject('page'));
  await expect.poll(() => page.getByTestId('step').textContent()).toBe(String(STEPS));
  return page;
}

/** Shows a view and scrolls through it: charts are drawn when they come near. */
async function readThrough(page: Page, view: ViewId): Promise<void> {
  await page.evaluate((hash) => (location.hash = hash), `#/${view}`);
  await page.locator(`#view-${view} h2:visible`).first().waitFor();
  await page.evaluate(async () => {
    for (let y = 0; y < document.body.scrollHeight; y += innerHeight / 2) {
      scrollTo(0, y);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  });
  if (view !== 'set-up') return;
  // On a narrow screen it stands behind a tab.
  const fits = page.getByText(/^With these settings, training takes/);
  await fits.waitFor({ state: 'attached' });
}

it.for(VIEWS)('$name looks as it did', async (view, context) => {
  const key = `${view.width} ${view.colorScheme}`;
  if (!pages.has(key)) pages.set(key, openPage(view));
  const page = await pages.get(key)!;
  await readThrough(page, view.view);
  const widths = await fontWidths(page);
  if (update) await writeFile(FONTS, `${JSON.stringify(widths)}\n`);
  else if (JSON.stringify(JSON.parse(await readFile(FONTS, 'utf8'))) !== JSON.stringify(widths)) {
    context.skip('this machine has other fonts');
  }
  const element = page.locator(view.selector);
  await view.prepare?.(element);
  await element.waitFor();
  const others = await element.evaluateHandle(standAlone, SCALE);
  const picture = await element.screenshot({ animations: 'disabled' });
  await others.evaluate((hidden) => hidden.forEach((one) => (one.style.display = '')));
  const file = join(FOLDER, `${view.name}.png`);
  if (update) await writeFile(file, picture);
  expect(existsSync(file), `${file} is missing; see the head of this test`).toBe(true);
  const share = await difference(page, await readFile(file), picture);
  if (share > TOLERATED) await writeFile(join(FOLDER, `${view.name}.actual.png`), picture);
  expect(share).toBeLessThanOrEqual(TOLERATED);
});

/**
 * Hides what stands around a section: what lies above may grow by part of a pixel, and letters would be
 * drawn otherwise. What stays on the screen while it scrolls is no part of a section either.
 */
function standAlone(element: HTMLElement | SVGElement, scale: number): HTMLElement[] {
  const hidden: HTMLElement[] = [];
  for (let node: Element = element; node !== document.body; node = node.parentElement!) {
    for (const other of node.parentElement!.children) {
      if (other === node || !(other instanceof HTMLElement)) continue;
      if (other.style.display === 'none' || other.tagName === 'STYLE') continue;
      other.style.display = 'none';
      hidden.push(other);
    }
  }
  for (const inner of element.querySelectorAll<HTMLElement>('*')) {
    if (getComputedStyle(inner).position === 'sticky') inner.style.position = 'static';
  }
  const { style } = document.body;
  style.paddingTop = '0';
  const top = scale * element.getBoundingClientRect().top;
  style.paddingTop = `${(Math.ceil(top) - top) / scale}px`;
  return hidden;
}

/** How wide each kind of type sets a sample. */
function fontWidths(page: Page): Promise<number[]> {
  return page.evaluate(() => {
    const context = document.createElement('canvas').getContext('2d')!;
    const style = getComputedStyle(document.documentElement);
    return ['--serif', '--sans', '--mono'].map((family) => {
      context.font = `100px ${style.getPropertyValue(family)}`;
      return Math.round(context.measureText('Ponder thinks 0123456789').width);
    });
  });
}

/** Share of points at half the size whose brightness differs by more than a tenth; 1 for another size. */
function difference(page: Page, expected: Buffer, actual: Buffer): Promise<number> {
  return page.evaluate(
    async (pictures) => {
      const [a, b] = await Promise.all(
        pictures.map(async (picture) => {
          const bytes = Uint8Array.from(atob(picture), (char) => char.charCodeAt(0));
          return createImageBitmap(new Blob([bytes]));
        }),
      );
      if (a!.height !== b!.height || a!.width !== b!.width) return 1;
      const [width, height] = [Math.ceil(a!.width / 2), Math.ceil(a!.height / 2)];
      const brightness = (picture: ImageBitmap): number[] => {
        const canvas = new OffscreenCanvas(width, height);
        const context = canvas.getContext('2d')!;
        context.drawImage(picture, 0, 0, width, height);
        const { data } = context.getImageData(0, 0, width, height);
        return Array.from({ length: width * height }, (_, i) => {
          const [red, green, blue] = data.subarray(4 * i, 4 * i + 3);
          return (0.3 * red! + 0.59 * green! + 0.11 * blue!) / 255;
        });
      };
      const [one, other] = [brightness(a!), brightness(b!)];
      return one.filter((value, i) => Math.abs(value - other[i]!) > 0.1).length / one.length;
    },
    [expected.toString('base64'), actual.toString('base64')],
  );
}
