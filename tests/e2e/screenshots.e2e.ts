/**
 * A few views of the page that stand still, compared with the pictures in screenshots/. Machines
 * without the fonts that the pictures were taken with (screenshots/fonts.json) break lines elsewhere:
 * there they are not compared. After a wanted change:
 *   UPDATE_SCREENSHOTS=1 npx vitest run --config tests/e2e/vitest.config.ts screenshots
 * and look at the new pictures before they are committed.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { launchBrowser } from '../../scripts/browser.mjs';
import { syntheticRun } from './synthetic-run.ts';

const FOLDER = join(import.meta.dirname, 'screenshots');
const FONTS = join(FOLDER, 'fonts.json');
const STEPS = 24;
const update = process.env.UPDATE_SCREENSHOTS !== undefined;

/** What is shown: an element of a part of the page, at a width. */
const VIEWS = [
  { name: 'hero', part: 'watch', selector: '.hero', width: 1440, colorScheme: 'light' },
  { name: 'hero-narrow', part: 'watch', selector: '.hero', width: 390, colorScheme: 'dark' },
  {
    name: 'group',
    part: 'walk',
    selector: 'section[aria-labelledby=group]',
    width: 1440,
    colorScheme: 'dark',
  },
] as const;

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
  await mkdir(FOLDER, { recursive: true });
});
afterAll(() => browser.close());

/** Of the points of a picture at a quarter of its size, the share that is visibly different. */
const TOLERATED = 0.01;

it.for(VIEWS)(
  '$name looks as it did',
  async ({ name, part, selector, width, colorScheme }, context) => {
    const page = await browser.newPage({
      viewport: { width, height: 900 },
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
      route.fulfill({ json: syntheticRun(STEPS, { max_steps: STEPS }) }),
    );
    await page.goto(inject('page'));
    await expect.poll(() => page.getByTestId('step').textContent()).toBe(String(STEPS));
    // What stays on the screen while it scrolls is no part of a section.
    await page.evaluate(() => {
      for (const element of document.querySelectorAll<HTMLElement>('body *')) {
        const { position } = getComputedStyle(element);
        if (position === 'fixed') element.style.visibility = 'hidden';
        if (position === 'sticky') element.style.position = 'static';
      }
    });
    const widths = await fontWidths(page);
    if (update) await writeFile(FONTS, `${JSON.stringify(widths)}\n`);
    else if (JSON.stringify(JSON.parse(await readFile(FONTS, 'utf8'))) !== JSON.stringify(widths)) {
      context.skip('this machine has other fonts');
    }
    const view = page.locator(selector);
    // Sections are fetched when they come near.
    await page.locator(`#${part}`).scrollIntoViewIfNeeded();
    await view.waitFor();
    const picture = await view.screenshot({ animations: 'disabled' });
    const file = join(FOLDER, `${name}.png`);
    if (update) await writeFile(file, picture);
    expect(existsSync(file), `${file} is missing; see the head of this test`).toBe(true);
    const share = await difference(page, await readFile(file), picture);
    await page.close();
    if (share > TOLERATED) await writeFile(join(FOLDER, `${name}.actual.png`), picture);
    expect(share).toBeLessThanOrEqual(TOLERATED);
  },
);

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

/** Shares of points at a quarter of the size whose brightness differs by more than a tenth; 1 for another size. */
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
      const [width, height] = [Math.ceil(a!.width / 4), Math.ceil(a!.height / 4)];
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
