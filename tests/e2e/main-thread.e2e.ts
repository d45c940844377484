/** No task of the page's main thread takes as long as 50 ms: what is pressed is answered at once. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { launchBrowser } from '../../scripts/browser.mjs';
import { longestTask } from './longest-task.ts';
import { reaches, show, trainsUpTo, VIEWS, WIDE, withPage } from './shipped-page.ts';
import {
  begins,
  show as showNamed,
  step,
  STEPS,
  train,
  withPage as withFake,
} from './with-page.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());

const STILL = { viewport: WIDE, reducedMotion: 'reduce' } as const;

async function expectShortTasks(page: Page, work: () => Promise<void>): Promise<void> {
  const milliseconds = await longestTask(browser, page, work);
  expect(milliseconds).toBeGreaterThan(0);
  expect(milliseconds).toBeLessThan(50);
}

it('while it trains', () =>
  withPage(browser, STILL, async (page) => {
    await reaches(page, 150);
    await expectShortTasks(page, () => trainsUpTo(page, 3));
  }));

it('while the views open, and Understand follows the slider', () =>
  withPage(browser, STILL, async (page) => {
    await reaches(page, 150);
    await expectShortTasks(page, async () => {
      for (const view of [...VIEWS, 'understand']) await show(page, view);
      for (const head of [2, 11, 46, 151]) {
        await page.getByRole('slider', { name: 'Step' }).fill(String(head));
        await expect.poll(() => step(page)).toBe(head - 1);
      }
    });
  }));

it('over 2,000 steps, for which the memory stays flat, and early tries are read again', () =>
  withFake(browser, { recipe: { max_steps: 2000, quick: true } }, async (page) => {
    const session = await page.context().newCDPSession(page);
    const heap = async (): Promise<number> => {
      await session.send('HeapProfiler.collectGarbage');
      return (await session.send('Runtime.getHeapUsage')).usedSize / 1e6;
    };
    await reaches(page, STEPS);
    await train(page);
    await showNamed(page, 'Runs');
    await begins(page);
    // A poll every 50 ms, because 200 steps pass fast.
    const upTo = (wanted: number): Promise<void> =>
      expect.poll(() => step(page), { timeout: 60_000 }).toBeGreaterThanOrEqual(wanted);
    await upTo(500);
    const early = await heap();
    await upTo(1500);
    await expectShortTasks(page, () => upTo(1700));
    await page.getByRole('heading', { name: 'Trained for 2000 steps' }).waitFor();
    // 1,500 steps with all their traces take more than 50 MB.
    expect((await heap()) - early).toBeLessThan(15);

    await showNamed(page, 'Understand');
    await page.getByRole('slider', { name: 'Step' }).fill('7');
    await page.getByText('One group of step 7,').waitFor();
    await page.getByText('left 3').first().waitFor();
  }));
