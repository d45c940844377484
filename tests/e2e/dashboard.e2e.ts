/** Curves, the table of runs, the recipe editor and settings in the address, as a person uses them. */
import { readFile } from 'node:fs/promises';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchBrowser } from '../../scripts/browser.mjs';
import { accessibilityFaults } from './accessibility.ts';
import {
  begins,
  reaches,
  show,
  step,
  STEPS,
  train,
  withPage as withPageOf,
  type Setting,
} from './with-page.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());

const withPage = (setting: Setting, use: (page: Page) => Promise<void>): Promise<void> =>
  withPageOf(browser, setting, use);

const section = (page: Page, name: string | RegExp): Locator => page.getByRole('region', { name });
/** The names of the runs that the browser has stored. */
const storedLabels = (page: Page): Promise<string[]> =>
  page.evaluate(async () => {
    const names: string[] = [];
    const top = await navigator.storage.getDirectory();
    for await (const run of (await top.getDirectoryHandle('runs')).values()) {
      const file = await (run as FileSystemDirectoryHandle).getFileHandle('run.json');
      const { name } = JSON.parse(await (await file.getFile()).text()) as { name: string };
      names.push(name);
    }
    return names;
  });

const hashOf = (page: Page): string => new URL(page.url()).hash;

/** Goes to a view, whose code is fetched when it is first shown. */
async function open(page: Page, part: string, name: string | RegExp): Promise<Locator> {
  await show(page, part);
  const found = section(page, name);
  await found.waitFor();
  return found;
}

async function downloaded(page: Page, button: Locator): Promise<[name: string, text: string]> {
  const [file] = await Promise.all([page.waitForEvent('download'), button.click()]);
  return [file.suggestedFilename(), await readFile(await file.path(), 'utf8')];
}

describe('curves', () => {
  it('change their axis and scale, and find every metric', () =>
    withPage({}, async (page) => {
      await reaches(page, STEPS);
      const curves = await open(page, 'Runs', 'What else changes');
      await curves.getByRole('radio', { name: 'Tokens' }).check();
      // The pointer in one chart tells of all: the fourth step had seen 2,000 tokens.
      const canvas = page.getByRole('img', { name: /^How far has it moved/ });
      await canvas.scrollIntoViewIfNeeded();
      await canvas.locator('.u-over').hover({ position: { x: 40, y: 60 } });
      await expect
        .poll(() => page.getByText(/step \d+, [\d,]+ tokens$/).count())
        .toBeGreaterThan(1);
      await curves.getByRole('radio', { name: 'Time trained' }).check();

      await curves.getByRole('checkbox', { name: 'Log scale' }).check();
      // Most steps have no group without variance, and 0 has no logarithm.
      await curves.getByText('Not on a log scale').first().waitFor();

      await curves.locator('summary', { hasText: /^Completions/ }).click();
      await curves.getByRole('heading', { name: 'completions/mean_thought_length' }).waitFor();
      await curves.getByRole('searchbox', { name: 'Find a metric' }).fill('undecided');
      await curves.getByRole('heading', { name: 'entropy', exact: true }).waitFor();
      expect(await curves.getByRole('heading', { name: /^completions/ }).count()).toBe(0);
      await curves.getByRole('searchbox').fill('no such thing');
      await curves.getByText('No metric of this run matches').waitFor();
    }));

  it('are drawn over KL, with round numbers on their axes', () =>
    withPage({}, async (page) => {
      await reaches(page, STEPS);
      await show(page, 'Runs');
      await page.getByRole('checkbox', { name: /^Plot against KL/ }).check();
      const chart = page.getByRole('img', { name: /^Reward and gold over the square root of KL/ });
      const numbers = (await chart.locator('text').allTextContents()).map((text) =>
        Number(text.replace('√KL ', '').replace('\u2212', '-')),
      );
      expect(numbers.length).toBeGreaterThan(6);
      // Such as 0.25, not 0.2613.
      for (const number of numbers)
        expect((Number(number.toPrecision(3)) * 20) % 1, String(number)).toBe(0);
    }));

  it('go out as files with everything in them', () =>
    withPage({}, async (page) => {
      await reaches(page, STEPS);
      const curves = await open(page, 'Runs', 'What else changes');
      const button = (name: string): Locator => curves.getByRole('button', { name });
      const [csvName, csv] = await downloaded(page, button('Metrics, CSV'));
      const lines = csv.trim().split('\n');
      expect(csvName).toBe('metrics.csv');
      expect(lines).toHaveLength(1 + STEPS);
      expect(lines[0]).toMatch(/^step,reward,gold,/);
      const [, jsonl] = await downloaded(page, button('Metrics, JSONL'));
      const rows = jsonl
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { step: number });
      expect(rows.map((row) => row.step)).toEqual(Array.from({ length: STEPS }, (_, i) => i + 1));
      const [, completions] = await downloaded(page, button('Completions, JSONL'));
      expect(JSON.parse(completions.split('\n')[0]!)).toMatchObject({
        step: 1,
        thought: expect.any(String) as string,
      });
    }));
});

describe('runs', () => {
  it('are kept, renamed, drawn over each other, compared and deleted', () =>
    withPage({ recipe: { max_steps: 12, seed: 5 } }, async (page) => {
      await reaches(page, STEPS);
      const runs = await open(page, 'Runs', 'Your runs');
      await page.locator('summary', { hasText: 'Train a twin of The recorded run' }).click();
      await runs.getByRole('button', { name: 'Without a thought' }).click();
      await page.getByRole('heading', { name: 'Trained for 12 steps' }).waitFor();
      const row = runs.getByRole('row').filter({ hasText: 'thinking: false' });
      await row.waitFor();
      // On view beside the recorded run, with the same seed: the two are compared.
      await runs.getByText(/^No thought against The recorded run/).waitFor();
      await runs.getByText('Same seed and same prompts').waitFor();
      await runs.getByText(/^They are compared at step 12, .* A has 24 steps/).waitFor();
      await page
        .getByRole('img', { name: /^Is it getting better.*Run A, The recorded run: Reward/ })
        .waitFor();
      expect(await runs.getByRole('row', { name: /^Gold, the hidden true score/ }).count()).toBe(1);

      const name = runs.getByRole('textbox', { name: 'Name of run B' });
      await name.fill('My control');
      await name.press('Enter');
      // The name is stored without anybody waiting for it.
      await expect.poll(() => storedLabels(page), { timeout: 30_000 }).toContain('My control');
      await page.reload();
      await reaches(page, STEPS);
      await open(page, 'Runs', 'Your runs');
      await expect.poll(() => name.inputValue()).toBe('My control');
      expect(await row.getByText('12', { exact: true }).count()).toBe(1);
      const draw = runs.getByRole('checkbox', { name: /^Draw “My control”|My control/ });
      expect(await draw.isChecked()).toBe(true);
      await page
        .getByRole('img', { name: /^Is it getting better.*Run B, My control: Reward/ })
        .waitFor();
      expect(await accessibilityFaults(page)).toEqual([]);
      const [, csv] = await downloaded(
        page,
        runs.getByRole('button', { name: 'All metrics, CSV' }),
      );
      expect(csv).toMatch(/^run,step,/);
      expect(csv).toContain('\nMy control,12,');
      await draw.uncheck();
      expect(await page.getByRole('img', { name: /Run B/ }).count()).toBe(0);

      await page.locator('summary', { hasText: 'More about My control' }).click();
      await runs.getByRole('button', { name: 'Delete…' }).click();
      const dialog = page.getByRole('dialog', { name: 'Delete “My control”?' });
      expect(await accessibilityFaults(page)).toEqual([]);
      await dialog.getByRole('button', { name: 'Keep it' }).click();
      await page.locator('summary', { hasText: 'More about My control' }).click();
      await runs.getByRole('button', { name: 'Delete…' }).click();
      const deletes = dialog.getByRole('button', { name: 'Delete this run' });
      await deletes.click();
      await expect.poll(() => name.count()).toBe(0);
      // It comes back with its name, and is deleted again.
      await runs.getByRole('button', { name: 'Undo' }).click();
      await expect.poll(() => name.inputValue()).toBe('My control');
      await page.locator('summary', { hasText: 'More about My control' }).click();
      await runs.getByRole('button', { name: 'Delete…' }).click();
      await deletes.click();
      await expect.poll(() => name.count()).toBe(0);
      await expect
        .poll(() => page.evaluate(() => document.activeElement?.textContent))
        .toMatch(/^“My control” is deleted/);
      await page.reload();
      await reaches(page, STEPS);
      await open(page, 'Runs', 'Your runs');
      await page.waitForTimeout(300);
      expect(await name.count()).toBe(0);
      expect(await page.getByRole('button', { name: /^Continue from/ }).count()).toBe(0);
      await expect.poll(() => storedLabels(page), { timeout: 15_000 }).toEqual([]);
    }));

  it('have a twin with another learning rate in three clicks, or are refused at the field', () =>
    withPage({ recipe: { max_steps: 4 } }, async (page) => {
      await reaches(page, STEPS);
      await show(page, 'Runs');
      const recorded = page.getByRole('row').filter({ hasText: 'The recorded run' });
      const actions = recorded.locator('td.actions').locator('> button, > details > summary');
      await actions.first().waitFor();
      const heights = await actions.evaluateAll((all) =>
        all.map(({ clientHeight }) => clientHeight),
      );
      expect([heights.length, new Set(heights).size]).toEqual([2, 1]);
      await page.locator('summary', { hasText: 'Train a twin of The recorded run' }).click();
      // The menu does not end under the bar.
      const end = async (of: Locator): Promise<number> => {
        const { y, height } = (await of.boundingBox())!;
        return y + height;
      };
      const bar = (await page.getByRole('region', { name: 'The run' }).boundingBox())!;
      await expect
        .poll(() => end(page.getByRole('button', { name: 'With DPO' })))
        .toBeLessThanOrEqual(bar.y);
      await page.getByRole('button', { name: 'Train it', exact: true }).click();
      await page.getByText('This is the value of the run itself').waitFor();
      const rate = page.getByRole('textbox', { name: 'Learning rate' });
      await rate.fill('much');
      await page.getByRole('button', { name: 'Train it', exact: true }).click();
      await page.getByText(/^learning_rate is "much"; it must be a number/).waitFor();
      await rate.fill('0.001');
      await page.getByRole('button', { name: 'Train it', exact: true }).click();
      await page.getByRole('heading', { name: 'Trained for 4 steps' }).waitFor();
      await page.getByRole('row').filter({ hasText: 'learning_rate: 0.001' }).waitFor();
      // The number of tries does not go with the batch.
      await page.locator('summary', { hasText: 'Train a twin of The recorded run' }).click();
      await page.getByLabel('Change one setting').selectOption('Tries for each prompt');
      await page.getByRole('textbox', { name: 'Tries for each prompt' }).fill('3');
      await page.keyboard.press('Enter');
      await page.getByText(/not a multiple of num_generations \(3\)/).waitFor();
    }));

  it('wait for the one under way', () =>
    withPage({ recipe: { max_steps: 20 } }, async (page) => {
      await reaches(page, STEPS);
      await train(page);
      await begins(page);
      // It must not end before its twin waits.
      await page.getByRole('button', { name: 'Pause', exact: true }).click();
      const runs = await open(page, 'Runs', 'Your runs');
      await page.locator('summary', { hasText: 'Train a twin of The recorded run' }).click();
      await runs.getByRole('button', { name: 'Without a thought' }).click();
      await runs.getByText(/^Next: Without a thought/).waitFor();
      await page.getByRole('button', { name: 'Continue', exact: true }).click();
      await runs.getByRole('textbox', { name: 'Name of run C' }).waitFor({ timeout: 15_000 });
      expect(await runs.getByText(/^Next:/).count()).toBe(0);
      await page.getByRole('heading', { name: 'Trained for 20 steps' }).waitFor();
      expect(await runs.getByRole('row').filter({ hasText: 'in training' }).count()).toBe(0);
    }));
});

describe('the recipe', () => {
  it('is edited, refuses what is wrong in place, and lives in the address', () =>
    withPage({}, async (page) => {
      await reaches(page, STEPS);
      const recipe = await open(page, 'Set up', 'The recipe');
      const seed = recipe.getByRole('textbox', { name: 'Seed seed' });
      await seed.fill('7');
      await seed.press('Enter');
      await expect.poll(() => hashOf(page)).toBe('#/set-up?seed=7');
      await show(page, 'Watch');
      await page.getByText('It will train with seed: 7').waitFor();
      await show(page, 'Set up');

      await seed.fill('many');
      await seed.press('Enter');
      await recipe.getByText(/Seed is "many"; it must be a whole number/).waitFor();
      expect(await seed.getAttribute('aria-invalid')).toBe('true');
      expect(hashOf(page)).toBe('#/set-up?seed=7');
      await recipe.getByRole('button', { name: 'Reset Seed' }).click();
      await expect.poll(() => hashOf(page)).toBe('#/set-up');
      await page.goBack();
      await expect.poll(() => seed.inputValue()).toBe('7');

      // Possible by itself, and not with the rest.
      const tries = recipe.getByRole('textbox', { name: /^Tries for each prompt/ });
      await tries.fill('3');
      await tries.press('Enter');
      await recipe.getByText(/not a multiple of num_generations \(3\)/).waitFor();
      // The field to change is shown, with the reason.
      const batch = recipe.getByRole('textbox', { name: /^Batch size/ });
      expect(await batch.getAttribute('aria-invalid')).toBe('true');
      expect(await tries.getAttribute('aria-invalid')).toBe('true');
      expect(await page.getByRole('button', { name: 'Train', exact: true }).isDisabled()).toBe(
        true,
      );
      await recipe.getByRole('button', { name: 'Reset all' }).click();
      await recipe.getByText('No changes to the default recipe.').waitFor();
    }));

  it('keeps what it refuses, while its group is closed, too, and lets no field jump away', () =>
    withPage({}, async (page) => {
      await reaches(page, STEPS);
      const recipe = await open(page, 'Set up', 'The recipe');
      const group = (title: string): Locator =>
        recipe.locator('summary', { hasText: new RegExp(`^\\s*${title}`) });
      await group('Run').click();
      const save = recipe.locator('#recipe-save_steps');
      await save.fill('often');
      await save.press('Enter');
      await recipe.getByText(/is "often"; it must be a whole number/).waitFor();
      await group('Run').click();
      await group('Run').getByText('one mistake').waitFor();
      await expect.poll(() => save.count()).toBe(0);
      await group('Run').click();
      expect(await save.inputValue()).toBe('often');
      // The search shows other fields in place of the groups; then they are open again.
      const search = recipe.getByRole('searchbox', { name: 'Find a setting' });
      await search.fill('save_steps');
      expect(await save.inputValue()).toBe('often');
      await search.fill('');
      await group('Run').waitFor();
      expect(await save.inputValue()).toBe('often');
      await recipe.getByRole('button', { name: 'Reset all' }).click();
      await expect.poll(() => save.inputValue()).not.toBe('often');
      // Until the value is changed in another way.
      await save.fill('often');
      await save.press('Enter');
      await page.evaluate(() => (location.hash = '#/set-up?save_steps=20'));
      await expect.poll(() => save.inputValue()).toBe('20');

      await group('Optimizer').click();
      const batch = recipe.locator('.fields #recipe-per_device_train_batch_size');
      await batch.fill('7');
      await batch.press('Enter');
      await recipe.getByText(/not a multiple of num_generations/).waitFor();
      expect(await batch.evaluate((input) => input === document.activeElement)).toBe(true);
      // At the top of the form when its group does not show it.
      await group('Optimizer').click();
      await recipe.locator('.grid #recipe-per_device_train_batch_size').waitFor();
    }));

  it('goes out and in as YAML, with errors by line', () =>
    withPage({}, async (page) => {
      await reaches(page, STEPS);
      const recipe = await open(page, 'Set up', 'The recipe');
      await recipe.getByText('The recipe as YAML').first().click();
      const [name, yaml] = await downloaded(page, recipe.getByRole('button', { name: 'Download' }));
      expect(name).toBe('recipe.yaml');
      expect(yaml).toContain('max_steps: 30\n');
      const paste = recipe.getByRole('textbox', { name: /Load a recipe/ });
      await paste.fill('seed: 1\nbetta: 2\n');
      await recipe.getByRole('button', { name: 'Load it' }).click();
      await recipe.getByText(/line 2: unknown key betta; did you mean beta\?/).waitFor();
      await paste.fill(
        yaml.replace('thinking: true', 'thinking: false').replace(/seed: \d+/, 'seed: 11'),
      );
      await recipe.getByRole('button', { name: 'Load it' }).click();
      await recipe.getByText('The recipe is loaded.').waitFor();
      expect(hashOf(page)).toBe('#/set-up?seed=11&thinking=false');
      expect(await recipe.getByRole('switch', { name: /^Think first/ }).isChecked()).toBe(false);
    }));

  it('has presets that break it, and trains them', () =>
    withPage({ recipe: { max_steps: 8 } }, async (page) => {
      await reaches(page, STEPS);
      const recipe = await open(page, 'Set up', 'The recipe');
      const preset = recipe.getByRole('button', { name: /^No thought/ });
      const menu = recipe.getByText('Break it on purpose');
      await menu.click();
      await preset.click();
      await recipe.getByText(/^No thought\. The model has to answer at once/).waitFor();
      await menu.click();
      expect(await preset.getAttribute('aria-pressed')).toBe('true');
      expect(hashOf(page)).toBe('#/set-up?thinking=false');
      await page.getByRole('button', { name: 'Train', exact: true }).click();
      await page.getByRole('heading', { name: 'Trained for 8 steps' }).waitFor();
      // What the worker got: without a thought the fake's gold begins a point lower.
      await show(page, 'Runs');
      await page.getByText('Numbers: Is it getting better?').click();
      await page.getByRole('row', { name: /^8 3\.80 1\.40/ }).waitFor();
    }));
});

it('the reward that can be hacked is served with the page', () =>
  withPage({}, async (page) => {
    const response = await page.request.get(new URL('rules/long-answer.js', page.url()).href);
    expect(response.headers()['content-type']).toMatch(/^text\/javascript/);
    expect(await response.text()).toContain('export default function');
  }));

describe('a link', () => {
  it('sets the recipe, hides sections and fixes the rest', () =>
    withPage({ hash: '#seed=3&beta=0.1&hide=models,runs&lock=1' }, async (page) => {
      await reaches(page, STEPS);
      await page.getByText('It will train with seed: 3 (was 0); beta: 0.1 (was 0.04)').waitFor();
      const recipe = await open(page, 'Set up', 'The recipe');
      const seed = recipe.getByRole('textbox', { name: 'Seed seed' });
      expect(await seed.inputValue()).toBe('3');
      expect(await seed.isDisabled()).toBe(true);
      expect(await recipe.getByText('Break it on purpose').count()).toBe(0);
      expect(await section(page, 'The model').count()).toBe(0);
      const judge = section(page, 'What counts as good').getByLabel(/^A reward model/);
      expect(await judge.isDisabled()).toBe(true);
      await open(page, 'Runs', 'What else changes');
      expect(await section(page, 'Your runs').count()).toBe(0);
    }));

  it('leads to a view, which the back button leaves again', () =>
    withPage({ hash: '#/runs' }, async (page) => {
      await section(page, 'Your runs').waitFor();
      const current = page
        .getByRole('navigation', { name: 'Views' })
        .locator('[aria-current=page]');
      expect(await current.textContent()).toBe('Runs');
      await show(page, 'Try');
      expect(hashOf(page)).toBe('#/try');
      await section(page, 'Ask it yourself').waitFor();
      expect(await section(page, 'Your runs').count()).toBe(0);
      await page.goBack();
      await section(page, 'Your runs').waitFor();
      expect(hashOf(page)).toBe('#/runs');
    }));

  it('offers no view whose sections are all hidden', () =>
    withPage({ hash: '#hide=try,blind,judges,taste' }, async (page) => {
      await reaches(page, STEPS);
      const views = page.getByRole('navigation', { name: 'Views' }).getByRole('link');
      expect(await views.allTextContents()).toEqual(['Watch', 'Understand', 'Runs', 'Set up']);
    }));

  it('says what is wrong with it', () =>
    withPage({ hash: '#seed=many&sede=4' }, async (page) => {
      await page.getByText(/sets sede, which this page does not know/).waitFor();
      await page.goto(page.url().replace('&sede=4', ''));
      await page.reload();
      await page.getByText(/Seed is "many"; it must be a whole number/).waitFor();
    }));

  it('is made for a class', () =>
    withPage({ permissions: ['clipboard-read', 'clipboard-write'] }, async (page) => {
      await reaches(page, STEPS);
      const recipe = await open(page, 'Set up', 'The recipe');
      await recipe.getByText('Break it on purpose').click();
      await recipe.getByRole('button', { name: /^Two tries/ }).click();
      await recipe.getByRole('button', { name: 'A link for a class' }).click();
      const dialog = page.getByRole('dialog', { name: 'A link for a class' });
      await dialog.getByRole('checkbox', { name: 'The model' }).check();
      await dialog.getByRole('checkbox', { name: /^Lock the recipe/ }).check();
      expect(await accessibilityFaults(page)).toEqual([]);
      await dialog.getByRole('button', { name: 'Copy link' }).click();
      await dialog.getByText('Copied.').waitFor();
      const link = await page.evaluate(() => navigator.clipboard.readText());
      expect(new URL(link).hash).toBe('#/set-up?num_generations=2&hide=models&lock=1');
    }));
});

describe.each(['light', 'dark'] as const)('in %s', (colorScheme) => {
  it.each([390, 1440])('at %i px all of it is free of accessibility faults, and fits', (width) =>
    withPage({ colorScheme, viewport: { width, height: 900 } }, async (page) => {
      await reaches(page, STEPS);
      await open(page, 'Runs', 'Your runs');
      await page.locator('summary', { hasText: /^The run as a whole/ }).click();
      expect(await accessibilityFaults(page)).toEqual([]);
      const recipe = await open(page, 'Set up', 'The recipe');
      await recipe.locator('summary', { hasText: /^Optimizer/ }).click();
      expect(await accessibilityFaults(page)).toEqual([]);
      const overflow = await page.evaluate(
        () => document.documentElement.scrollWidth - window.innerWidth,
      );
      expect(overflow).toBeLessThanOrEqual(0);
      expect(await step(page)).toBe(STEPS);
    }),
  );
});
