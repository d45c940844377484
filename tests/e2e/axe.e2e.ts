/** The shipped page, all of it opened, has no accessibility faults in any colours and at any width. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchBrowser } from '../../scripts/browser.mjs';
import { accessibilityFaults } from './accessibility.ts';
import { NARROW, reaches, show, VIEWS, WIDE, withPage } from './shipped-page.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());

describe.each(['light', 'dark'] as const)('in %s colours', (colorScheme) => {
  it.each([WIDE, NARROW])('axe finds nothing at $width px, with everything opened', (viewport) =>
    withPage(browser, { colorScheme, viewport, reducedMotion: 'reduce' }, async (page) => {
      await reaches(page, 150);
      for (const view of VIEWS) {
        await show(page, view);
        await page.evaluate(() => {
          for (const details of document.querySelectorAll('details')) details.open = true;
        });
        // The fields of a group are made when it opens.
        if (view === 'set-up') {
          const groups = page.locator('details:has(> .fields)');
          await expect.poll(() => groups.count()).toBeGreaterThan(5);
        }
        // On a narrow screen "Set up" shows one part at a time.
        const tabs = page.locator(
          `#view-${view} [aria-label="Parts of the set-up"] button:visible`,
        );
        for (const tab of await tabs.all()) {
          // A menu that was opened above may lie over it.
          await tab.dispatchEvent('click');
          expect(await accessibilityFaults(page), view).toEqual([]);
        }
        if ((await tabs.count()) === 0) expect(await accessibilityFaults(page), view).toEqual([]);
      }
      const dialogs = page.locator('dialog');
      for (let i = 0; i < (await dialogs.count()); i++) {
        await dialogs.nth(i).evaluate((dialog: HTMLDialogElement) => {
          dialog.id ||= 'opened';
          if (!dialog.open) dialog.showModal();
        });
        expect(await accessibilityFaults(page, 'dialog[open]')).toEqual([]);
        await dialogs.nth(i).evaluate((dialog: HTMLDialogElement) => dialog.close());
      }
    }),
  );
});
