/** The first screen, one prompt through all views, the way of a token, and the teacher's page. */
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchBrowser } from '../../scripts/browser.mjs';
import { SECTIONS } from '../../src/ui/settings/sections.ts';
import { VIEWS } from '../../src/ui/views/views.ts';
import { followedRun } from './traced-run.ts';
import { accessibilityFaults } from './accessibility.ts';
import { reaches, show, STEPS, withPage, type Setting } from './with-page.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());

const WIDE = { width: 1280, height: 720 };
const NARROW = { width: 390, height: 844 };
const run = followedRun(STEPS, { algorithm: 'grpo', loss_type: 'grpo', beta: 0.04 });
/** As long as the run that ships, so that its replay is as fast. */
const long = followedRun(150, { algorithm: 'grpo' });
const open = (setting: Setting, use: (page: Page) => Promise<void>): Promise<void> =>
  withPage(browser, { run, ...setting }, use);

const region = (page: Page, name: RegExp): Locator => page.getByRole('region', { name });

describe.each([
  ['a desktop', WIDE],
  ['a telephone', NARROW],
])('the first screen of %s', (_, viewport) => {
  it('shows prompt, thought, answer, scores and curve without scrolling, and they change', () =>
    open({ run: long, viewport, reducedMotion: 'no-preference' }, async (page) => {
      const part = region(page, /The same prompt, before and now/);
      const now = part.getByRole('article').last();
      await now.getByText('as of step 8').first().waitFor();
      const first = await now.textContent();
      const dock = (await page.locator('[aria-label="The run"]').boundingBox())!;
      const inSight = async (place: Locator): Promise<void> => {
        const box = (await place.boundingBox())!;
        expect(box.y).toBeGreaterThan(0);
        expect(box.y + box.height).toBeLessThanOrEqual(dock.y);
      };
      await inSight(part.getByText('Budget'));
      await inSight(now.getByText(/^try rice/));
      await inSight(now.getByText(/^rice and plums/));
      await inSight(now.getByText('Reward'));
      await inSight(page.getByRole('img', { name: /^Is it getting better/ }).first());
      // The alarm rings at step 78, and is not told before.
      expect(await page.getByText('Reward hacking from').count()).toBe(0);
      // The replay goes on: step 16 comes before five seconds are over.
      await expect.poll(() => now.textContent(), { timeout: 5000 }).not.toBe(first);
      expect(await page.locator('main').textContent()).not.toMatch(/SwiftShader|adapter/);
      expect(await page.evaluate(() => scrollY)).toBe(0);
    }));
});

it('one prompt runs through Watch, group, walk and tokens; choosing another changes all', () =>
  open({}, async (page) => {
    await reaches(page, STEPS);
    const watched = region(page, /The same prompt, before and now/);
    await watched.getByLabel('Prompt').selectOption('1 of 2');
    await watched.getByRole('button', { name: 'See 4 tries at this prompt' }).click();
    const group = region(page, /One prompt, 4 tries/);
    // Rice costs 2 on the menu of the first prompt, 3 on that of the second.
    await group
      .getByRole('listitem')
      .filter({ hasText: /^rice\s*2$/ })
      .waitFor();
    await group.getByText(/tries of step 24 .* held out/).waitFor();
    const walk = region(page, /Walk through one update/);
    await walk.getByRole('button', { name: 'Begin, with step 24' }).click();
    await walk
      .getByRole('listitem')
      .filter({ hasText: /^rice\s*2$/ })
      .waitFor();
    await group.getByLabel('Prompt').selectOption('2 of 2');
    await group
      .getByRole('listitem')
      .filter({ hasText: /^rice\s*3$/ })
      .waitFor();
    await walk.getByRole('button', { name: /instead/ }).click();
    await walk
      .getByRole('listitem')
      .filter({ hasText: /^rice\s*3$/ })
      .waitFor();
    await page.getByRole('slider', { name: 'Step' }).fill('20');
    await group.getByText(/tries of step 16 .* held out/).waitFor();
    await show(page, 'Watch');
    await watched.getByText('try rice 3 ok as of step 16').waitFor();
    // The group that the step trained on can be seen, too.
    await show(page, 'Understand');
    await group.getByLabel('Prompt').selectOption('one that this step trained on');
    await group.getByText(/One group of step 20/).waitFor();
  }));

describe('the way of a token', () => {
  const row = (panel: Locator, name: string): Locator =>
    panel.getByRole('listitem').filter({ hasText: name });

  it('fills the formula, and follows each term that is changed', () =>
    open({ hash: '#/understand' }, async (page) => {
      await reaches(page, STEPS);
      const tokens = region(page, /Token by token/);
      const panel = tokens.getByRole('complementary', { name: /From reward to gradient/ });
      const strip = tokens.getByRole('group', { name: /of each token of try D/ });
      await strip.getByRole('button').nth(2).press('Enter');
      await panel.getByRole('heading', { name: /token 3 of try D/ }).waitFor();
      expect(await strip.locator('[aria-pressed=true]').count()).toBe(1);
      // A reward 3 above the mean, a standard deviation of 2.16.
      await row(panel, 'Minus the mean').getByText('+3.00').waitFor();
      await row(panel, 'Advantage').getByText('+1.39').waitFor();
      await row(panel, 'Ratio').getByText('1.000').waitFor();
      const push = (): Promise<string> =>
        row(panel, 'Push').locator('b').textContent() as Promise<string>;
      const slots = panel.locator('[data-slot=push]');
      expect(await slots.textContent()).toBe(await push());
      const own = await push();

      const change = async (act: () => Promise<unknown>): Promise<void> => {
        const before = await push();
        await act();
        await expect.poll(push).not.toBe(before);
        expect(await slots.textContent()).toBe(await push());
      };
      const slot = await slots.elementHandle();
      await change(() => tokens.getByLabel('Divided by the spread').selectOption('not divided'));
      // Other numbers in the same formula: its markup has stayed.
      expect(await slot.evaluate((element) => element.isConnected)).toBe(true);
      await row(panel, 'Advantage').getByText('+3.00').waitFor();
      await change(() => tokens.getByLabel(/^β/).fill('1'));
      await change(() => tokens.getByLabel('Which update').selectOption('second'));
      // The smallest range clips a token whose probability has grown.
      await tokens.getByLabel(/^ε high/).fill('0.005');
      await row(panel, 'Clip').getByText('yes').waitFor();
      await change(() => tokens.getByRole('button', { name: /^Dr. GRPO/ }).click());
      const chosen = tokens
        .getByRole('group', { name: /six losses/ })
        .locator('[aria-pressed=true]');
      expect(await chosen.textContent()).toMatch(/^Dr. GRPO/);
      expect(await accessibilityFaults(page)).toEqual([]);
      await tokens.getByRole('button', { name: 'Reset the terms' }).click();
      await expect.poll(push).toBe(own);
      expect(await chosen.textContent()).toMatch(/^GRPO/);
    }));

  it('stands under its try on a telephone', () =>
    open({ hash: '#/understand', viewport: NARROW }, async (page) => {
      await reaches(page, STEPS);
      const tokens = region(page, /Token by token/);
      const strip = tokens.getByRole('group', { name: /of each token of try A/ });
      await strip.getByRole('button').first().click();
      const [panel, end] = await Promise.all([
        tokens.getByRole('complementary').boundingBox(),
        strip.boundingBox(),
      ]);
      expect(panel!.y - (end!.y + end!.height)).toBeLessThan(60);
      expect(await accessibilityFaults(page)).toEqual([]);
      const overflow = await page.evaluate(
        () => document.documentElement.scrollWidth - window.innerWidth,
      );
      expect(overflow).toBeLessThanOrEqual(0);
    }));
});

describe('for a class', () => {
  it.each(['light', 'dark'] as const)('five links on one screen, in %s', (colorScheme) =>
    open({ hash: '#/teach', viewport: WIDE, colorScheme }, async (page) => {
      const part = region(page, /Five links for a class/);
      await part.waitFor();
      expect(await part.getByRole('heading', { level: 3 }).count()).toBe(5);
      const box = (await part.boundingBox())!;
      const dock = (await page.locator('[aria-label="The run"]').boundingBox())!;
      expect(box.y + box.height).toBeLessThanOrEqual(dock.y);
      // The page of this test is on localhost.
      await part.getByText(/works only on this computer/).waitFor();
      expect(await accessibilityFaults(page)).toEqual([]);
      await part.getByRole('link', { name: 'No thought' }).click();
      await page.getByText(/It will train with .*thinking/i).waitFor();
      await show(page, 'Set up');
      await page.getByText(/This link has locked the recipe/).waitFor();
    }),
  );

  it('the parts that a link hides have the names that the page shows', () =>
    open({}, async (page) => {
      await reaches(page, STEPS);
      for (const view of Object.values(VIEWS).filter(({ sections }) => sections.length > 0)) {
        await show(page, view.title);
        const headings = page.locator('.view:not([hidden]) h2');
        await expect.poll(() => headings.count()).toBeGreaterThanOrEqual(view.sections.length);
        const shown = (await headings.allTextContents())
          .join('\n')
          .replace('4 tries', 'several tries');
        for (const name of view.sections.map((id) => SECTIONS[id])) {
          for (const half of name.split('? ')) expect(shown).toContain(half.replace('?', ''));
        }
      }
    }));
});
