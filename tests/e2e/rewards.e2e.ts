/** The visitor's own rewards and prompts, on the built page with its real workers. */
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import type { Browser, Page } from 'playwright-core';
import { launchBrowser } from '../../scripts/browser.mjs';
import type { KeptChoice } from '../../src/ui/rewards/kept-choice.ts';
import { accessibilityFaults } from './accessibility.ts';
import { syntheticRun } from './synthetic-run.ts';
import { violationsOf } from './violations.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());

/** A step that takes no time to speak of. */
const SMALL = {
  ...{ per_device_train_batch_size: 4, num_generations: 4, max_steps: 1, max_prompt_length: 8 },
  ...{ max_completion_length: 8, beta: 0 },
};
const PROMPT = 'menu ham 1 tart 7 pizza 7 gratin 1 for cleo veggie budget 15';

/** What the page has written down by now: a reload does not wait for it. */
function keptChoice(page: Page): Promise<KeptChoice | undefined> {
  return page.evaluate(
    () =>
      new Promise((resolve, reject) => {
        const open = indexedDB.open('keyval-store');
        open.onerror = () => reject(new Error('no store'));
        open.onsuccess = () => {
          const store = open.result.transaction('keyval').objectStore('keyval');
          const read = store.get('reward-choice') as IDBRequest<KeptChoice | undefined>;
          read.onsuccess = () => resolve(read.result);
        };
      }),
  );
}

it('writes a rule, tries it on the group, and trains with two rewards on prompts of its own', async () => {
  const context = await browser.newContext({ reducedMotion: 'reduce' });
  await context.route('**/recorded-run.json', (route) =>
    route.fulfill({
      contentType: 'application/json',
      body: JSON.stringify(syntheticRun(5, SMALL)),
    }),
  );
  const page = await context.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  const broken = await violationsOf(page);
  await page.goto(`${inject('page')}#/set-up`);
  const rewards = page.getByRole('region', { name: 'What counts as good' });

  // A rule with a mistake in it is named, and the page stays usable.
  await rewards.getByRole('button', { name: 'Write a rule' }).click();
  const source = rewards.getByLabel(/^A function of prompt and response/);
  const tryIt = rewards.getByRole('button', { name: 'Try it on the 4 tries of this step' });
  await source.fill('export default function () { for (;;); }');
  await tryIt.click();
  await rewards.getByText(/^rule my-rule takes longer than 1 s for a response/).waitFor();
  await rewards.getByLabel('Start from').selectOption('short-answer');
  await rewards.getByRole('textbox', { name: 'Name' }).fill('no name');
  await rewards.getByText('A name may have only letters, digits, - and _.').waitFor();
  expect(await tryIt.isDisabled()).toBe(true);
  await rewards.getByRole('textbox', { name: 'Name' }).fill('digits');
  await source.fill(
    'export default (prompt, response) => Number(/number (\\d)/.exec(response)?.[1])',
  );
  await tryIt.click();
  const table = rewards.getByRole('table', { name: 'What digits gives the tries of this step' });
  // Best first.
  await table.getByRole('row', { name: /^3 how about rice , then plums number 3/ }).waitFor();
  expect((await table.getByRole('row').allTextContents())[1]).toMatch(/^3/);

  // Of prompts the good lines are taken and the bad ones named.
  const files = rewards.getByLabel('Prompts or rules', { exact: true });
  const file = (name: string, text: string) => ({
    ...{ name, mimeType: 'text/plain', buffer: Buffer.from(text) },
  });
  await files.setInputFiles(file('none.jsonl', 'dinner?\n'));
  await rewards.getByText(/^none\.jsonl has no prompts \(line 1: not JSON/).waitFor();
  await files.setInputFiles(file('notes.pdf', 'x'));
  await rewards.getByText(/^notes\.pdf is neither prompts/).waitFor();
  // A share is held out; a benchmark's file is read, and pairs are offered to DPO.
  const bench = Array.from({ length: 10 }, (_, i) => ({ instruction: `Dinner ${i}?` }));
  await files.setInputFiles(file('bench.json', JSON.stringify(bench)));
  await rewards.getByText(/^9 prompts to train on, 1 held out/).waitFor();
  const pair = { prompt: PROMPT, chosen: 'ham', rejected: 'tart' };
  await files.setInputFiles(file('pairs.jsonl', JSON.stringify(pair)));
  await rewards.getByText(/has preferences\. GRPO uses only their prompts/).waitFor();
  await rewards.getByRole('button', { name: 'Learn from its pairs with DPO' }).click();
  await rewards.getByText(/DPO learns from the pairs of this file/).waitFor();
  await page.goBack();
  await files.setInputFiles(file('dinners.jsonl', `${JSON.stringify({ prompt: PROMPT })}\n{}\n`));
  await rewards.getByText(/^Left out of dinners\.jsonl: line 2: no text/).waitFor();
  await rewards.getByText(PROMPT).waitFor();

  await rewards.getByText('What the models will see').click();
  const seen = rewards.getByRole('group', { name: /^The policy reads \d+ tokens/ });
  expect(await seen.textContent()).toBe(`${PROMPT} <think>`);
  expect(await rewards.getByText('<eos>').count()).toBe(1);

  expect(await accessibilityFaults(page, 'section[aria-labelledby="rewards"]')).toEqual([]);

  const watcher = rewards.getByLabel('A judge that only watches (gold)');
  expect(await watcher.locator('option:checked').textContent()).toBe('None');
  await watcher.selectOption('The second dinner judge of this page');
  await source.fill('export default (prompt, response) => response.length');
  await rewards.getByRole('spinbutton', { name: 'Weight of the rule digits' }).fill('0.01');
  await page.getByRole('button', { name: 'Train', exact: true }).click();
  await page
    .getByRole('heading', { name: 'Trained for 1 step' })
    .or(page.getByRole('heading', { name: 'Training stopped' }))
    .waitFor({ timeout: 120_000 });
  // The judge's, and the rule's.
  const means = rewards.getByText(/^Mean score at step 1: [−\d.]+$/);
  await means.nth(1).waitFor();
  expect(await means.count()).toBe(2);

  // All of it is there at the next visit, chosen as it was.
  await rewards.getByLabel(/^System prompt/).fill('Be brief.');
  await expect.poll(async () => (await keptChoice(page))?.systemPrompt).toBe('Be brief.');
  await page.reload();
  const rule = rewards.getByRole('checkbox', { name: 'A rule: digits' });
  const weight = rewards.getByRole('spinbutton', { name: 'Weight of the rule digits' });
  const prompts = rewards.getByLabel('Prompts to train on');
  await rewards.getByText(PROMPT).waitFor();
  expect(await rule.isChecked()).toBe(true);
  expect(await weight.inputValue()).toBe('0.01');
  expect(await prompts.inputValue()).toBe('dinners.jsonl');
  expect(await watcher.locator('option:checked').textContent()).toMatch(/^The second dinner judge/);
  expect(await rewards.getByLabel(/^System prompt/).inputValue()).toBe('Be brief.');

  // What is out of use stays so, and what is gone is named once.
  await rule.uncheck();
  await expect.poll(async () => (await keptChoice(page))?.rules).toEqual([]);
  await page.evaluate(async () => {
    const top = await navigator.storage.getDirectory();
    await (await top.getDirectoryHandle('data')).removeEntry('dinners.jsonl');
  });
  await page.reload();
  await rewards.getByText(/^Chosen at your last visit.*any more: dinners\.jsonl\./).waitFor();
  expect(await rule.isChecked()).toBe(false);
  expect(await prompts.locator('option:checked').textContent()).toBe('New dinners at each step');
  await page.reload();
  await rule.waitFor();
  expect(await rewards.getByText(/^Chosen at your last visit/).count()).toBe(0);
  expect([errors, broken]).toEqual([[], []]);
  await context.close();
});
