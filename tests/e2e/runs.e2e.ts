/** Runs as objects: each has a folder of its own, which no other run touches. */
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { launchBrowser } from '../../scripts/browser.mjs';
import {
  begins,
  reaches,
  show,
  step,
  STEPS,
  train,
  type Setting,
  withPage as withPageOf,
} from './with-page.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());

const withPage = (setting: Setting, use: (page: Page) => Promise<void>): Promise<void> =>
  withPageOf(browser, setting, use);

/** The table of runs, in its view. */
async function table(page: Page): Promise<Locator> {
  await show(page, 'Runs');
  const found = page.getByRole('region', { name: 'Your runs' });
  await found.waitFor();
  return found;
}

/** Opens the menu of the run in a row, and returns an entry of it. */
async function entry(row: Locator, name: string | RegExp): Promise<Locator> {
  const found = row.getByRole('button', { name });
  if (!(await found.isVisible())) await row.locator('summary', { hasText: 'More about' }).click();
  return found;
}

const rowOf = (runs: Locator, letter: string): Locator =>
  runs.getByRole('row').filter({ has: runs.page().getByLabel(`Name of run ${letter}`) });

/** Paths of all stored files of runs. */
const storedFiles = (page: Page): Promise<string[]> =>
  page.evaluate(async () => {
    const walk = async (folder: FileSystemDirectoryHandle, at: string): Promise<string[]> => {
      const paths: string[] = [];
      for await (const [name, handle] of folder.entries()) {
        // Chromium's own, while a file is written.
        if (name.endsWith('.crswap')) continue;
        const path = at + name;
        if (handle.kind === 'file') paths.push(path);
        else paths.push(...(await walk(handle, `${path}/`)));
      }
      return paths.sort();
    };
    const top = await navigator.storage.getDirectory();
    return walk(await top.getDirectoryHandle('runs', { create: true }), '');
  });

/** What the page has written about the only stored run. */
const facts = (page: Page): Promise<object> =>
  page.evaluate(async () => {
    const top = await navigator.storage.getDirectory();
    const runs = await top.getDirectoryHandle('runs');
    for await (const folder of runs.values()) {
      const file = await (folder as FileSystemDirectoryHandle).getFileHandle('run.json');
      return JSON.parse(await (await file.getFile()).text()) as object;
    }
    throw new Error('no run is stored');
  });

/** A run that this browser has stored is on view. */
const onView = (page: Page): Promise<void> =>
  page.getByRole('heading', { name: 'Stored in this browser' }).waitFor();

const trained = (page: Page, steps: number): Promise<void> =>
  page.getByRole('heading', { name: `Trained for ${steps} steps` }).waitFor();

it('a second run leaves the first as it was, and each can be opened with its thoughts', () =>
  withPage({ recipe: { max_steps: 3 } }, async (page) => {
    await reaches(page, STEPS);
    await train(page);
    await trained(page, 3);
    const first = await storedFiles(page);
    await train(page);
    await expect.poll(() => step(page)).toBeLessThan(3);
    await trained(page, 3);
    expect(await storedFiles(page)).toEqual(expect.arrayContaining(first));

    const runs = await table(page);
    await rowOf(runs, 'B').getByRole('button', { name: 'Open' }).click();
    await onView(page);
    expect(await step(page)).toBe(3);
    await show(page, 'Understand');
    await page.getByText('try rice 2 ok plums 3 ok left 3').first().waitFor();
    await show(page, 'Watch');
    await page.getByRole('button', { name: 'Show the recorded run' }).click();
    expect(await step(page)).toBe(STEPS);
  }));

it('a second tab says that another trains the run, and goes on with it when that is closed', () =>
  withPage({ recipe: { max_steps: 1000 } }, async (page) => {
    await reaches(page, STEPS);
    await train(page);
    await begins(page);
    await reaches(page, 2);

    const other = await page.context().newPage();
    await other.goto(page.url());
    await reaches(other, STEPS);
    const runs = await table(other);
    const row = runs.getByRole('row').filter({ hasText: 'training in another tab' });
    await row.waitFor();
    expect(await runs.getByLabel('Name of run B').count()).toBe(0);
    expect(await (await entry(row, /^Continue from step/)).isDisabled()).toBe(true);
    await row.getByText('Another tab trains this run.').waitFor();
    await row.getByRole('button', { name: 'Open' }).click();
    await onView(other);
    expect(await step(other)).toBeGreaterThanOrEqual(2);

    await page.close();
    const free = rowOf(runs, 'B');
    await free.waitFor();
    await (await entry(free, /^Continue from step/)).click();
    const before = await step(other);
    await other.getByRole('button', { name: 'Stop', exact: true }).waitFor();
    await reaches(other, before + 2);
    await other.getByRole('button', { name: 'Stop', exact: true }).click();
    await other.getByRole('heading', { name: /^Stopped after step/ }).waitFor();

    // A run that is deleted cannot go on.
    const goesOn = other.getByRole('button', { name: /^Continue from step \d+ of 1000$/ });
    await goesOn.waitFor();
    await (await entry(free, 'Delete…')).click();
    await other.getByRole('button', { name: 'Delete this run' }).click();
    await expect.poll(() => goesOn.count()).toBe(0);
  }));

it('goes on after a reload, and after its end if it gets more steps', () =>
  withPage({ recipe: { max_steps: 4 } }, async (page) => {
    await reaches(page, STEPS);
    let load = (): void => undefined;
    const loading = new Promise<void>((resolve) => (load = resolve));
    await page.route('**/policy.worker*', (route) => loading.then(() => route.fallback()));
    await train(page);
    // A name can be given before the run has a folder.
    const name = rowOf(await table(page), 'B').getByLabel('Name of run B');
    await name.fill('Four steps');
    await name.press('Enter');
    load();
    await trained(page, 4);
    await page.reload();
    await reaches(page, STEPS);
    const runs = await table(page);
    const row = rowOf(runs, 'B');
    expect(await row.getByLabel('Name of run B').inputValue()).toBe('Four steps');
    const note = row.getByLabel('Note on run B');
    const words = 'Would it get better if it were trained longer? '.repeat(4);
    await note.fill(words);
    await note.press('Enter');
    // All of it can be read.
    const hidden = await note.evaluate((box) => box.scrollHeight - box.clientHeight);
    expect(hidden).toBeLessThanOrEqual(1);
    const continueTo = async (end: number): Promise<void> => {
      const button = await entry(row, 'Continue');
      await row.getByRole('spinbutton', { name: 'Continue to step' }).fill(String(end));
      await button.click();
      await trained(page, end);
    };
    await continueTo(7);
    expect(await step(page)).toBe(7);
    expect(await runs.getByLabel('Name of run C').count()).toBe(0);
    expect(await runs.getByLabel('Note on run B').inputValue()).toBe(words.trim());

    // Another tab deletes it; this one goes on with it while that can be undone, so it stays.
    const other = await page.context().newPage();
    await other.goto(page.url());
    await reaches(other, STEPS);
    const there = rowOf(await table(other), 'B');
    await (await entry(there, 'Delete…')).click();
    await other.getByRole('button', { name: 'Delete this run' }).click();
    await there.waitFor({ state: 'detached' });
    expect(await facts(page)).toHaveProperty('deleted');
    await continueTo(9);
    await expect.poll(() => facts(page)).not.toHaveProperty('deleted');
  }));

it('is saved when the page is hidden, and asks before steps are lost', () =>
  withPage({ recipe: { max_steps: 1000, save_steps: 1000 } }, async (page) => {
    await reaches(page, STEPS);
    await train(page);
    await begins(page);
    await reaches(page, 2);
    const checkpoints = async (): Promise<number> =>
      (await storedFiles(page)).filter((path) => path.endsWith('trainer_state.json')).length;
    expect(await checkpoints()).toBe(0);
    await page.evaluate(() => {
      Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    });
    await expect.poll(checkpoints).toBeGreaterThan(0);
    // A hidden page trains on, and its title says how fast.
    const title = await page.title();
    expect(title).toMatch(/^Step \d+ of 1000, \d+\.\d s each/);
    await expect.poll(() => page.title()).not.toBe(title);
    const asked: string[] = [];
    page.on('dialog', (dialog) => {
      asked.push(dialog.type());
      void dialog.accept();
    });
    await reaches(page, (await step(page)) + 2);
    await page.reload();
    expect(asked).toEqual(['beforeunload']);
    await page.getByRole('button', { name: /^Continue from step \d+ of 1000$/ }).waitFor();
  }));

it('goes out as a .zip, is deleted with all its files, and comes back from the .zip', () =>
  withPage({ recipe: { max_steps: 3 } }, async (page) => {
    await reaches(page, STEPS);
    await train(page);
    await trained(page, 3);
    const runs = await table(page);
    const row = rowOf(runs, 'B');
    await row.getByLabel('Name of run B').fill('My run');
    await row.getByLabel('Name of run B').press('Enter');
    const files = await storedFiles(page);
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      (await entry(row, 'Export everything (.zip)')).click(),
    ]);
    expect(download.suggestedFilename()).toBe('my-run.zip');
    const zip = join(tmpdir(), `ponder-${process.pid}-my-run.zip`);
    await download.saveAs(zip);

    await (await entry(row, 'Delete…')).click();
    await page.getByRole('button', { name: 'Delete this run' }).click();
    await expect.poll(() => row.count()).toBe(0);
    // For ten seconds it could be brought back.
    await expect.poll(() => storedFiles(page), { timeout: 15_000 }).toEqual([]);

    await runs.getByLabel('A run that was exported').setInputFiles(zip);
    await runs.getByText('“My run” is in the table.').waitFor();
    const inRun = (paths: string[]): string[] => paths.map((path) => path.replace(/^[^/]+\//, ''));
    // Only the last checkpoint is exported.
    const kept = inRun(files).filter((path) => !/^checkpoints\/step-[12]\//.test(path));
    expect(inRun(await storedFiles(page))).toEqual(kept);
    await rowOf(runs, 'B').getByRole('button', { name: 'Open' }).click();
    await onView(page);
    expect(await step(page)).toBe(3);
    await rm(zip);
  }));

it('announces a run that will not fit, and trains it if that is wanted', () =>
  withPage({ recipe: { max_steps: 3 } }, async (page) => {
    await reaches(page, STEPS);
    await page.evaluate(() => {
      navigator.storage.estimate = () => Promise.resolve({ quota: 2e6, usage: 1e6 });
    });
    await train(page);
    await page
      .getByText(/^This run will write about [\d.]+ MB, and this browser has 1\.0 MB left/)
      .waitFor();
    expect(await step(page)).toBe(STEPS);
    expect(await storedFiles(page)).toEqual([]);
    await page.getByRole('button', { name: 'Train it anyway' }).click();
    await trained(page, 3);
  }));

it('keeps the rows of earlier versions of the page, which had no folders', () =>
  withPage({}, async (page) => {
    await page.evaluate(
      () =>
        new Promise<void>((resolve) => {
          const opening = indexedDB.open('ponder-runs');
          opening.onupgradeneeded = () => opening.result.createObjectStore('runs');
          opening.onsuccess = () => {
            const writing = opening.result.transaction('runs', 'readwrite');
            const store = writing.objectStore('runs');
            const facts = { label: 'An old run', slot: 3, started: 5, overlaid: false };
            store.put({ id: 'run-5', recipe: { seed: 8 }, end: 'finished', ...facts }, 'run-5');
            store.put([{ step: 1, reward: 1.5 }], 'run-5/0');
            writing.oncomplete = () => {
              opening.result.close();
              resolve();
            };
          };
        }),
    );
    await page.reload();
    await reaches(page, STEPS);
    const runs = await table(page);
    const row = rowOf(runs, 'D');
    await row.getByText('seed: 8').waitFor();
    expect(await row.getByLabel('Name of run D').inputValue()).toBe('An old run');
    expect(await storedFiles(page)).toEqual(
      ['metrics.jsonl', 'recipe.yaml', 'run.json'].map((file) => `run-5/${file}`),
    );
  }));
