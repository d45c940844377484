/** The shipped page as it is: its recorded run, its models, its workers, on the software adapter. */
import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Browser } from 'playwright-core';
import { launchBrowser } from '../../scripts/browser.mjs';
import { VOCABULARY } from '../../src/rl/world/menu.ts';
import { CONFIGS, randomTensors, saveModel } from '../random-model.ts';
import { serveStatic } from './static-server.ts';

/** A step takes a while. */
const SLOWLY = { timeout: 180_000, interval: 200 };
const BUILT = join(import.meta.dirname, '../../dist/page');

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());

describe('training in the tab', () => {
  it('opens on the recorded run, trains the shipped policy, pauses, steps and stops', async () => {
    const page = await browser.newPage({ reducedMotion: 'reduce' });
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(error.message));
    const foreign: string[] = [];
    page.on('request', (request) => {
      const { origin } = new URL(inject('page'));
      if (!request.url().startsWith(origin) && !request.url().startsWith('blob:')) {
        foreign.push(request.url());
      }
    });
    const step = async (): Promise<number> => Number(await page.getByTestId('step').textContent());
    const reaches = (wanted: number): Promise<void> =>
      expect.poll(step, SLOWLY).toBeGreaterThanOrEqual(wanted);

    await page.goto(inject('page'));
    // At rest the replay stands at its end.
    await reaches(150);

    await page.getByRole('button', { name: 'Train it here', exact: true }).click();
    await expect.poll(step).toBe(0);
    const said = new Set<string>();
    await expect
      .poll(async () => {
        said.add(await page.locator('body').innerText());
        return step();
      }, SLOWLY)
      .toBeGreaterThanOrEqual(2);
    // While kernels are compiled, a count shows that it goes on; neither addresses nor makers are named.
    const all = [...said].join('\n');
    expect(all).toMatch(/Loading|Opening/);
    expect(new Set(all.match(/Compiling programs\s\(\d+ so far\)/g)).size).toBeGreaterThan(1);
    expect(all).not.toMatch(/https?:|google|swiftshader/i);
    await page.getByRole('button', { name: 'Pause', exact: true }).click();
    await page.getByRole('button', { name: 'Continue', exact: true }).waitFor({ timeout: 60_000 });
    const paused = await step();
    await page.getByRole('button', { name: 'One step', exact: true }).click();
    await reaches(paused + 1);
    // Every sample of the group was judged, and shows its response.
    await page.getByRole('link', { name: 'Understand', exact: true }).click();
    await expect.poll(() => page.locator('.tries.sheet li:not(.heads)').count()).toBe(8);
    // Closing the tab loses nothing.
    const done = await step();
    await page.getByRole('button', { name: 'Stop', exact: true }).click();
    await page.getByRole('heading', { name: `Stopped after step ${done}` }).waitFor();
    await page.reload();
    await page.getByRole('button', { name: `Continue from step ${done} of 150` }).click();
    await reaches(done + 1);
    await page.getByRole('button', { name: 'Pause', exact: true }).click();
    await page.getByRole('button', { name: 'Continue', exact: true }).waitFor({ timeout: 60_000 });
    // Every pause has written a checkpoint; the last two stay.
    const kept = (): Promise<string[]> =>
      page.evaluate(async () => {
        const top = await navigator.storage.getDirectory();
        const runs = await top.getDirectoryHandle('runs');
        const ids: string[] = [];
        for await (const id of runs.keys()) ids.push(id);
        // It went on in its own folder.
        if (ids.length !== 1) throw new Error(`there are ${ids.length} runs`);
        const run = await runs.getDirectoryHandle(ids[0]!);
        const folder = await run.getDirectoryHandle('checkpoints');
        const names: string[] = [];
        for await (const name of folder.keys()) names.push(name);
        return names;
      });
    await expect.poll(async () => (await kept()).length).toBe(2);
    expect(await kept()).toContain(`step-${done}`);
    expect(errors).toEqual([]);
    expect(foreign).toEqual([]);
    await page.close();
  });

  it('says so when the judge cannot be loaded, and leaves no worker behind', async () => {
    // Playwright routes no request of a worker that a worker begins: the server lacks the file.
    const folder = await mkdtemp(join(tmpdir(), 'ponder-'));
    await cp(BUILT, folder, { recursive: true });
    const assets = join(folder, 'assets');
    const [judge] = (await readdir(assets)).filter((file) => file.startsWith('reward.worker'));
    await rm(join(assets, judge!));
    const server = await serveStatic(folder, '/');
    const page = await browser.newPage({ reducedMotion: 'reduce', serviceWorkers: 'block' });
    // Chromium may list a policy worker for a while after the page has terminated it.
    await page.addInitScript(() => {
      const open = new Set<Worker>();
      const Native = Worker;
      window.Worker = new Proxy(Native, {
        construct(_, [url, options]: [string | URL, WorkerOptions?]) {
          const worker = new Native(url, options);
          if (String(url).includes('policy.worker')) open.add(worker);
          worker.terminate = () => {
            open.delete(worker);
            Native.prototype.terminate.call(worker);
          };
          return worker;
        },
      });
      Object.assign(window, { policyWorkers: () => open.size });
    });
    const ofRun = async (): Promise<{ policy: number; reward: number }> => ({
      policy: await page.evaluate(() =>
        (window as unknown as { policyWorkers(): number }).policyWorkers(),
      ),
      reward: page.workers().filter((worker) => worker.url().includes('reward.worker')).length,
    });
    await page.goto(server.url);
    const train = page.getByRole('button', { name: 'Train it here', exact: true });
    await train.click();
    await page
      .getByText('The reward worker could not be loaded. Check the connection, then train again.')
      .waitFor({ timeout: 60_000 });
    await expect.poll(ofRun, { timeout: 30_000 }).toEqual({ policy: 0, reward: 0 });

    await cp(join(BUILT, 'assets', judge!), join(assets, judge!));
    await train.click();
    const step = page.getByTestId('step');
    await expect.poll(() => step.textContent(), { timeout: 180_000 }).toBe('1');
    expect(await ofRun()).toEqual({ policy: 1, reward: 1 });
    await page.getByRole('button', { name: 'Stop', exact: true }).click();
    await page.getByRole('heading', { name: /Stopped after step/ }).waitFor({ timeout: 60_000 });
    await expect.poll(ofRun, { timeout: 30_000 }).toEqual({ policy: 0, reward: 0 });
    await page.close();
    await server.close();
    await rm(folder, { recursive: true });
  });

  it('takes a model folder, refuses a broken one in a sentence, and trains what it took', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ponder-'));
    const config = { ...CONFIGS['qwen2, biases']!, vocabSize: VOCABULARY.length };
    await saveModel(join(folder, 'my-qwen'), config, randomTensors(config, 1));
    await saveModel(join(folder, 'broken'), config, randomTensors(config, 1));
    await writeFile(join(folder, 'broken', 'model.safetensors'), 'not a weight file');
    const page = await browser.newPage({ reducedMotion: 'reduce' });
    await page.goto(`${inject('page')}#/set-up`);
    const input = page.getByLabel('Model folder');

    await input.setInputFiles(join(folder, 'broken'));
    await page.getByText(/^broken\/model\.safetensors/).waitFor();

    await input.setInputFiles(join(folder, 'my-qwen'));
    const policy = page.getByLabel('The policy (the model that is trained)');
    await expect.poll(() => policy.inputValue()).toBe('my-qwen');
    expect(await page.getByText(/^broken\/model/).count()).toBe(0);
    await page.getByRole('button', { name: 'Train', exact: true }).click();
    const step = page.getByTestId('step');
    await expect.poll(() => step.textContent()).toBe('0');
    await expect.poll(() => step.textContent(), { timeout: 180_000 }).toBe('1');
    await page.getByRole('button', { name: 'Stop', exact: true }).click();
    await page.getByRole('heading', { name: /Stopped after step/ }).waitFor({ timeout: 60_000 });

    // It is there at the next visit, until it is removed.
    await page.reload();
    await page.getByRole('button', { name: 'Remove my-qwen' }).click();
    await expect.poll(() => page.getByRole('button', { name: 'Remove my-qwen' }).count()).toBe(0);
    await page.close();
    await rm(folder, { recursive: true });
  });
});
