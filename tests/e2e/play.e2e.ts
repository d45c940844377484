/** Asking the policy before and after training, and training on one's own taste: all of it real. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { launchBrowser } from '../../scripts/browser.mjs';
import type { KeptRound } from '../../src/ui/try/kept-round.ts';
import { accessibilityFaults } from './accessibility.ts';

const MODELS = join(import.meta.dirname, '../../public/models');
const PATIENCE = { timeout: 120_000 };
const PAIR_WORKER = '**/policy-pair.worker-*.js';

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());

async function withPage(
  use: (page: Page, context: BrowserContext) => Promise<void>,
  before?: (context: BrowserContext) => Promise<unknown>,
): Promise<void> {
  const context = await browser.newContext({ reducedMotion: 'reduce', serviceWorkers: 'block' });
  await before?.(context);
  const page = await context.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  await page.goto(`${inject('page')}#/try`);
  await use(page, context);
  expect(errors).toEqual([]);
  await context.close();
}

/** What the page would find if the first policy were the trained one; or if there were none. */
const shipTrained = (context: BrowserContext, there: boolean): Promise<unknown> =>
  context.route('**/models/trained/*', (route) => {
    const file = join(MODELS, 'policy', new URL(route.request().url()).pathname.split('/').at(-1)!);
    return there && !file.endsWith('.jinja')
      ? route.fulfill({ path: file }).catch(() => route.fulfill({ status: 404 }))
      : route.fulfill({ status: 404 });
  });

describe('ask it yourself', () => {
  it('answers on both sides, the same for the same seed, with rewards; another sample differs', () =>
    withPage(
      async (page) => {
        const before = page.getByRole('article', { name: 'Before training' });
        const after = page.getByRole('article', { name: 'After the recorded run' });
        await page.getByRole('button', { name: 'Ask both' }).click();
        await page.getByText('Both have answered.').waitFor(PATIENCE);
        const said = await before.innerText();
        expect(said).toMatch(/try .*left/);
        expect(said).toMatch(/Reward\s+\S*\d\.\d\d\s+Gold\s+\S*\d\.\d\d\s+Tokens\s+\d+/);
        // Here the two are one model: the same seed makes them say the same.
        expect((await after.innerText()).split('\n').slice(1)).toEqual(said.split('\n').slice(1));
        await page.getByRole('button', { name: 'Another try' }).click();
        await expect.poll(() => before.innerText(), PATIENCE).not.toBe(said);
        await page.getByText('Both have answered.').waitFor(PATIENCE);
      },
      (context) => shipTrained(context, true),
    ));

  it('builds a prompt from a menu, and names the words that no model knows', () =>
    withPage(
      async (page) => {
        await page.getByText('The prompt as the model reads it').click();
        const text = page.getByRole('textbox', { name: 'Prompt', exact: true });
        await page.locator('#view-try').getByLabel('Budget').fill('99');
        await page.locator('#view-try').getByLabel('Budget').press('Tab');
        await page.locator('#view-try').getByLabel('Guest').selectOption('finn');
        expect(await text.inputValue()).toMatch(/ for finn \w+ budget 18$/);
        const menu = await text.inputValue();
        await page.getByRole('button', { name: 'New menu' }).click();
        expect(await text.inputValue()).not.toBe(menu);
        await text.fill('menu pasta 3 for Ana veggie budget 9');
        await page.getByText('The model was trained only on menus').waitFor();
        await page.getByRole('button', { name: 'Ask both' }).click();
        await page.getByText('does not know the words “pasta” and “Ana”').waitFor(PATIENCE);
        // Its own words in another order are answered; without a trained policy by the first alone.
        await text.fill('menu beans 3 plums 2 budget 9');
        await page.getByRole('button', { name: 'Ask both' }).click();
        await page.getByText('There is no trained model here yet').waitFor(PATIENCE);
      },
      (context) => shipTrained(context, false),
    ));

  it('says in a sentence that it takes WebGPU', () =>
    withPage(
      async (page) => {
        await page.getByText('Asking needs WebGPU, which this tab does not have').waitFor();
        expect(await page.getByRole('button', { name: 'Ask both' }).isDisabled()).toBe(true);
      },
      (context) =>
        context.addInitScript(() => Object.defineProperty(navigator, 'gpu', { value: undefined })),
    ));
});

/** How many choices of the blind round the page has written down by now. */
function keptChoices(page: Page): Promise<number | undefined> {
  return page.evaluate(
    () =>
      new Promise((resolve, reject) => {
        const open = indexedDB.open('keyval-store');
        open.onerror = () => reject(new Error('no store'));
        open.onsuccess = () => {
          const store = open.result.transaction('keyval').objectStore('keyval');
          const read = store.get('blind-round') as IDBRequest<KeptRound | undefined>;
          read.onsuccess = () => resolve(read.result?.comparison.choices.length);
        };
      }),
  );
}

it('says that the worker stopped while it wrote, and starts again', () =>
  withPage(
    async (page, context) => {
      const alert = page.locator('#view-try').getByRole('alert');
      const blind = page.getByRole('button', { name: 'Start judging' });
      await blind.click();
      await alert.getByText(/stopped \(.*out of memory\)\. Please try again\.$/).waitFor();
      expect(await blind.isEnabled()).toBe(true);
      expect(await page.getByText(/^The models write/).count()).toBe(0);
      const taste = page.getByRole('button', { name: 'Start choosing' });
      await taste.click();
      await expect.poll(() => alert.count()).toBe(2);
      expect(await taste.isEnabled()).toBe(true);
      await page.getByRole('button', { name: 'Ask both' }).click();
      await expect.poll(() => alert.count()).toBe(3);

      await context.unroute(PAIR_WORKER);
      await blind.click();
      await page.getByText(/^The models write: \d+ of 48 responses$/).waitFor();
      await page.getByText(/^0 of \d+ choices$/).waitFor(PATIENCE);
      expect(await alert.count()).toBe(2);
    },
    async (context) => {
      await shipTrained(context, true);
      await context.route(PAIR_WORKER, (route) =>
        route.fulfill({
          contentType: 'text/javascript',
          body: "onmessage = () => { throw new Error('out of memory'); };",
        }),
      );
    },
  ));

it('which is better: judge blind by keyboard, see who won and how the judges agree, export', () =>
  withPage(
    async (page) => {
      const pair = page.getByRole('group', { name: 'Which response is better?' });
      const section = page.getByRole('region', { name: 'Which is better? You judge' });
      const left = pair.getByRole('button', { name: /^Left:/ });
      await page.getByRole('button', { name: 'Start judging' }).click();
      await left.waitFor(PATIENCE);
      expect(await section.innerText()).not.toMatch(/thoughts behind the last pair|try /);
      await left.focus();
      await page.keyboard.press('ArrowLeft');
      await section.getByText(/^1 of \d+ choices$/).waitFor();
      expect(await section.innerText()).toMatch(/On the left, which you chose\s+try /);
      await page.keyboard.press('Backspace');
      await section.getByText(/^0 of \d+ choices$/).waitFor();
      const total = Number(
        /0 of (\d+) choices/.exec(await section.getByText(/choices$/).innerText())![1],
      );
      const keys = ['ArrowLeft', 'ArrowRight', 'ArrowDown'];
      for (let i = 0; i < total; i++) {
        await page.keyboard.press(keys[i % 3]!);
        await section.getByText(`${i + 1} of ${total} choices`).waitFor();
        if (i !== 2) continue;
        // A round that the tab was closed on goes on.
        await expect.poll(() => keptChoices(page)).toBe(3);
        await page.reload();
        await section.getByText(`3 of ${total} choices`).waitFor();
        await left.focus();
      }
      await section
        .getByText(/is how often you preferred the model after the recorded run/)
        .waitFor();
      for (const judge of ['You', 'The reward it was trained on', 'Gold, never trained on']) {
        const row = section.getByRole('row', { name: new RegExp(`^${judge}`) });
        expect(await row.innerText()).toMatch(/\d+%\s+\d+% to \d+%\s+(–|\d+ of \d+)/);
      }
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        section.getByRole('button', { name: 'Export as JSONL' }).click(),
      ]);
      const rows = (await readFile(await download.path(), 'utf8'))
        .trim()
        .split('\n')
        .map((row) => JSON.parse(row) as { left: string; preferred: string });
      expect(rows.length).toBe(total);
      const other = { before: 'after', after: 'before' }[rows[1]!.left];
      expect(rows.slice(0, 3).map(({ preferred }) => preferred)).toEqual([
        rows[0]!.left,
        other,
        'tie',
      ]);

      // Models that judge, on the same two policies.
      const judges = page.getByRole('region', { name: 'Which is better? Judges say' });
      await judges.getByLabel('Held-out prompts').fill('4');
      await judges.getByRole('checkbox', { name: 'The second dinner judge' }).check();
      await judges.getByRole('button', { name: 'Compare' }).click();
      await judges.getByText('4 prompts, before training against').waitFor(PATIENCE);
      for (const judge of ['The reward it was trained on', 'The second dinner judge', 'Gold']) {
        const [wins, thoughts] = await judges.getByRole('row', { name: judge }).all();
        // Here the two are one model, which also gets the same random numbers.
        expect(await wins!.innerText()).toMatch(/0\.00 \(.*\) more\s+50%\s+50% to 50%/);
        expect(await thoughts!.innerText()).toMatch(/\(.* to .*\) less.*less.*less/s);
      }
      expect(await judges.getByRole('row', { name: 'checks budget' }).innerText()).toMatch(/50%/);
      expect(await accessibilityFaults(page, '#view-try')).toEqual([]);
    },
    (context) => shipTrained(context, true),
  ));

it('what the keyboard goes to is not covered', () =>
  withPage(async (page) => {
    await page.getByRole('heading', { name: 'Ask it yourself' }).waitFor();
    const nav = page.getByRole('navigation', { name: 'Views' });
    const below = await nav.evaluate((bar) => bar.getBoundingClientRect().bottom);
    const dish = page.getByLabel('Dish 1');
    await page.evaluate(() => window.scrollBy(0, 800));
    await page.locator('#view-try').getByLabel('Price of').first().focus();
    await page.keyboard.press('Shift+Tab');
    expect(await dish.evaluate((field) => field === document.activeElement)).toBe(true);
    expect((await dish.boundingBox())!.y).toBeGreaterThanOrEqual(below);
  }));

it('your own taste: choose by keyboard, take back, export, train a judge that can be chosen', () =>
  withPage(async (page) => {
    const count = page.getByText(/ of 40 choices/);
    const pair = page.getByRole('group', { name: 'Which response do you like better?' });
    const left = pair.getByRole('button', { name: /^Left:/ });
    await page.getByRole('button', { name: 'Start choosing' }).click();
    await left.waitFor(PATIENCE);
    await left.focus();
    const chosen = (await left.innerText()).replace(/^Left:\s*/, '');
    await page.keyboard.press('ArrowLeft');
    await expect.poll(() => count.innerText()).toBe('1 of 40 choices');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => count.innerText(), PATIENCE).toBe('2 of 40 choices');
    await page.keyboard.press('Backspace');
    await expect.poll(() => count.innerText()).toBe('1 of 40 choices');
    for (let i = 2; i <= 10; i++) {
      await page.keyboard.press('ArrowRight');
      await expect.poll(() => count.innerText(), PATIENCE).toBe(`${i} of 40 choices`);
      // The next pair may have to be written first.
      await expect.poll(() => left.isEnabled(), PATIENCE).toBe(true);
    }

    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Export as JSONL' }).click(),
    ]);
    const rows = (await readFile(await download.path(), 'utf8')).trim().split('\n');
    expect(rows.length).toBe(10);
    const first = JSON.parse(rows[0]!) as Record<string, string>;
    expect(Object.keys(first)).toEqual(['prompt', 'chosen', 'rejected']);
    expect(first['chosen']!.replaceAll(' ', '')).toBe(chosen.replaceAll(/\s/g, ''));

    await page.getByRole('button', { name: 'Train your judge' }).click();
    await page.getByText(/Your judge agrees with \d of 2 held-out choices/).waitFor(PATIENCE);
    await page.getByRole('link', { name: 'Set up', exact: true }).click();
    const judges = page.locator('label:has-text("A reward model") option');
    await expect
      .poll(async () => (await judges.allInnerTexts()).some((name) => name.startsWith('my-taste')))
      .toBe(true);
    await page.getByRole('link', { name: 'Try', exact: true }).click();
    // All of it is there at the next visit.
    await page.reload();
    await expect.poll(() => count.innerText(), PATIENCE).toBe('10 of 40 choices');
    await page.getByText('Your judge, my-taste, is kept in this browser.').waitFor();
  }));
