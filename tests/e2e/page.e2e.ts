/** The page in a real browser: replay, training against a fake worker, missing WebGPU, and axe. */
import type { Browser, Page } from 'playwright-core';
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

describe('replay', () => {
  it('plays by itself, pauses, and shows the group of the step on the slider', () =>
    withPage({ gpu: 'none', reducedMotion: 'no-preference' }, async (page) => {
      await reaches(page, 3);
      await page.getByRole('button', { name: 'Pause the replay' }).click();
      const paused = await step(page);
      await page.waitForTimeout(1500);
      expect(await step(page)).toBe(paused);

      await page.getByRole('slider', { name: 'Step' }).fill('7');
      expect(await step(page)).toBe(7);
      await show(page, 'Understand');
      await page.getByText('number 3 of step 7?').waitFor();
      expect(await page.getByText('broken form').count()).toBeGreaterThan(0);
      expect(await page.getByText('cut off at the length limit').count()).toBe(1);

      await page.getByRole('slider', { name: 'Step' }).fill('3');
      await page.getByText(/no gradient here/).waitFor();
    }));

  it('has a chat model as well, whose thoughts and responses change, without WebGPU', () =>
    withPage({ gpu: 'none' }, async (page) => {
      await page.getByRole('button', { name: 'Show a chat model' }).click();
      const part = page.getByRole('region', { name: /The same prompt, before and now/ });
      const [before, now] = [part.getByRole('article').first(), part.getByRole('article').last()];
      await before.getByRole('heading', { name: 'Step 0' }).waitFor();
      await now.getByRole('heading', { name: `Step ${await step(page)}` }).waitFor();
      const texts = [await before.innerText(), await now.innerText()];
      expect(texts[0]!.split('\n').slice(1)).not.toEqual(texts[1]!.split('\n').slice(1));
      await show(page, 'Runs');
      await page
        .locator('summary', { hasText: 'Train a twin of A recorded run of a chat' })
        .click();
      await page.getByText('The model of this run is not part of the page').waitFor();
      await show(page, 'Watch');
      await page.getByRole('button', { name: 'Show the recorded run' }).click();
      await reaches(page, STEPS);
    }));

  it('moves by keyboard', () =>
    withPage({}, async (page) => {
      await reaches(page, STEPS);
      const slider = page.getByRole('slider', { name: 'Step' });
      await slider.focus();
      await slider.press('ArrowLeft');
      expect(await step(page)).toBe(STEPS - 1);
      await slider.press('Home');
      expect(await step(page)).toBe(1);
    }));

  it('stands still at its end where motion is unwelcome', () =>
    withPage({}, async (page) => {
      await reaches(page, STEPS);
      await page.getByRole('button', { name: 'Play the replay' }).waitFor();
    }));

  it('sets the menu, and describes every chart in words and numbers', () =>
    withPage({}, async (page) => {
      await show(page, 'Understand');
      await page.getByRole('heading', { name: 'Menu' }).waitFor();
      await show(page, 'Runs');
      await page.getByRole('heading', { name: 'What else changes' }).waitFor();
      const charts = page.getByRole('img', { name: /from .* at step 1 to .* at step 24/ });
      expect(await charts.count()).toBe(6);
      await page.getByText('Numbers: Is it getting better?').click();
      await page.getByRole('row', { name: /^24 / }).waitFor();
    }));

  it('says in a sentence when there is no recorded run', () =>
    withPage({ recorded: false }, async (page) => {
      await page.getByText(/without a recorded run/).waitFor();
      expect(await step(page)).toBe(0);
    }));
});

describe('training', () => {
  it('runs, pauses, steps, goes on to the end, and gives the recorded run back', () =>
    withPage({}, async (page) => {
      await reaches(page, STEPS);
      const headings = await headingsOf(page);
      await train(page);
      await begins(page);
      await reaches(page, 2);
      // It does not stay long.
      expect((await headings()).join()).toMatch(/Loading|Compiling/);
      await page.getByRole('button', { name: 'Pause' }).click();
      await page.getByRole('heading', { name: 'Paused' }).waitFor();
      expect(await accessibilityFaults(page)).toEqual([]);
      const before = await step(page);
      await page.getByRole('button', { name: 'One step' }).click();
      await reaches(page, before + 1);
      await page.getByRole('button', { name: 'Continue' }).click();
      await page.getByRole('heading', { name: 'Trained for 30 steps' }).waitFor();
      expect(await step(page)).toBe(30);
      await page.getByRole('button', { name: 'Show the recorded run' }).click();
      expect(await step(page)).toBe(STEPS);
    }));

  it('looks back while it runs, and stops', () =>
    withPage({ recipe: { max_steps: 1000 } }, async (page) => {
      await reaches(page, STEPS);
      await train(page);
      await page.getByRole('button', { name: 'Stop' }).waitFor();
      await reaches(page, 4);
      await page.getByRole('slider', { name: 'Step' }).fill('2');
      await page.waitForTimeout(600);
      expect(await step(page)).toBe(2);
      await page.getByRole('button', { name: 'Back to live' }).click();
      expect(await step(page)).toBeGreaterThan(2);
      await page.getByRole('button', { name: 'Stop' }).click();
      await page.getByRole('heading', { name: /Stopped after step/ }).waitFor();
      await page.getByRole('button', { name: 'Train it here', exact: true }).waitFor();
    }));

  it('offers to go on with a run that the tab was closed on', () =>
    withPage({}, async (page) => {
      await reaches(page, STEPS);
      await train(page);
      await begins(page);
      await reaches(page, 2);
      await page.reload();
      await page.getByRole('button', { name: /^Continue from step \d+ of 30$/ }).click();
      await page.getByRole('heading', { name: 'Trained for 30 steps' }).waitFor();
      // A finished run has nothing left to do.
      await page.reload();
      await reaches(page, STEPS);
      expect(await page.getByRole('button', { name: /^Continue from/ }).count()).toBe(0);
    }));

  it('shows what the worker says is wrong', () =>
    withPage({ recipe: { fail: true } }, async (page) => {
      await reaches(page, STEPS);
      await train(page);
      await page.getByText('The reward model is not there: run npm start again.').waitFor();
    }));

  it('says so when the worker cannot be loaded', () =>
    withPage({}, async (page) => {
      await page.context().route('**/policy.worker*', (route) => route.fulfill({ status: 404 }));
      await train(page);
      await page.getByText(/worker could not be loaded/).waitFor();
    }));
});

describe('the keyboard', () => {
  const focused = (page: Page): Promise<string> =>
    page.evaluate(() => {
      const { activeElement: element } = document;
      return element?.getAttribute('aria-label') ?? element?.textContent.trim() ?? '';
    });
  const held = (page: Page): Promise<boolean> =>
    page.evaluate(() => document.activeElement !== document.body);

  it('pauses the replay within five tab stops, and skips to the view', () =>
    withPage({ reducedMotion: 'no-preference' }, async (page) => {
      await reaches(page, 2);
      const stops: string[] = [];
      while (stops.length < 5 && stops.at(-1) !== 'Pause the replay') {
        await page.keyboard.press('Tab');
        stops.push(await focused(page));
      }
      expect(stops[0]).toBe('Skip to the view');
      expect(stops.at(-1)).toBe('Pause the replay');
      await page.keyboard.press('Enter');
      expect(await focused(page)).toBe('Play the replay');
    }));

  it('keeps its place while a run begins, pauses, ends and is deleted, and a phase is spoken', () =>
    withPage({ recipe: { max_steps: 1000 } }, async (page) => {
      await reaches(page, STEPS);
      await page.getByRole('button', { name: 'Train', exact: true }).focus();
      await page.keyboard.press('Enter');
      await begins(page);
      await reaches(page, 2);
      await page.getByText('Training, step 0 of 1000').waitFor({ state: 'attached' });
      expect(await focused(page)).toBe('Pause');
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: 'Paused' }).waitFor();
      expect(await focused(page)).toBe('Continue');
      await page.keyboard.press('Tab');
      expect(await focused(page)).toBe('One step');
      await page.keyboard.press('Tab');
      expect(await focused(page)).toBe('Stop');
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: /Stopped after step/ }).waitFor();
      await expect.poll(() => held(page)).toBe(true);
      // A run that has stopped is not live.
      expect(await page.getByRole('button', { name: /live/i }).count()).toBe(0);

      await show(page, 'Set up');
      const seed = page.getByRole('textbox', { name: /^Seed/ });
      await seed.fill('7');
      await seed.press('Enter');
      await page.getByRole('button', { name: 'Reset Seed' }).focus();
      await page.keyboard.press('Enter');
      await expect.poll(() => seed.inputValue()).not.toBe('7');
      await expect.poll(() => held(page)).toBe(true);
      await page.goBack();
      await page.goBack();
      await expect.poll(() => held(page)).toBe(true);
    }));

  it('has shortcuts with a list, which can be turned off', () =>
    withPage({}, async (page) => {
      await reaches(page, STEPS);
      await page.keyboard.press(',');
      expect(await step(page)).toBe(STEPS - 1);
      await page.keyboard.press('/');
      const search = page.getByRole('searchbox', { name: 'Find a metric' });
      await expect.poll(() => search.evaluate((s) => s === document.activeElement)).toBe(true);
      // What is typed is no shortcut.
      await page.keyboard.type('1');
      await search.waitFor();
      await search.blur();
      await page.keyboard.press('t');
      await page.getByRole('textbox', { name: 'Learning rate' }).waitFor();
      await page.keyboard.press('Escape');
      await page.keyboard.press('4');
      await page.getByRole('heading', { name: 'The recipe' }).waitFor();
      await page.keyboard.press('?');
      const list = page.getByRole('dialog', { name: 'Keyboard and motion' });
      await list.getByText('One step back').waitFor();
      expect(await accessibilityFaults(page)).toEqual([]);
      await list.getByRole('checkbox', { name: 'Use these keys' }).uncheck();
      await list.getByRole('button', { name: 'Close' }).click();
      await page.keyboard.press('1');
      await page.waitForTimeout(100);
      await page.getByRole('heading', { name: 'The recipe' }).waitFor();
    }));
});

it('stops motion on request, and remembers it', () =>
  withPage({ reducedMotion: 'no-preference' }, async (page) => {
    await reaches(page, 2);
    await page.getByRole('button', { name: 'Keyboard and motion' }).click();
    const stop = page.getByRole('checkbox', { name: /^Stop motion/ });
    await stop.check();
    const stood = await step(page);
    await page.waitForTimeout(1200);
    expect(await step(page)).toBe(stood);
    await page.reload();
    await reaches(page, STEPS);
    await page.getByRole('button', { name: 'Play the replay' }).waitFor();
    const transition = await page
      .getByRole('button', { name: 'Train', exact: true })
      .evaluate((button) => getComputedStyle(button).transitionDuration);
    expect(parseFloat(transition)).toBeLessThan(0.001);
  }));

it('says what to do without WebGPU, and replays all the same', () =>
  withPage({ gpu: 'none' }, async (page) => {
    const notice = page.getByRole('alert');
    await notice.getByText(/no WebGPU/).waitFor();
    await page.setViewportSize({ width: 1440, height: 900 });
    const { y, height } = (await notice.boundingBox())!;
    const dock = await page.getByRole('region', { name: 'The run' }).boundingBox();
    expect(y + height).toBeLessThan(dock!.y);
    await train(page);
    expect(await notice.evaluate((element) => element === document.activeElement)).toBe(true);
    // A ring answers a press of the mouse, too.
    expect(await notice.evaluate((element) => getComputedStyle(element).outlineStyle)).toBe(
      'solid',
    );
    expect(await step(page)).toBe(STEPS);
  }));

it('remembers the colours that were chosen', () =>
  withPage({ colorScheme: 'light' }, async (page) => {
    await page.getByRole('button', { name: 'Switch to dark colours' }).click();
    await page.reload();
    await page.getByRole('button', { name: 'Switch to light colours' }).waitFor();
  }));

it('fits between a phone and a desktop, too, with the words of each button on one line', () =>
  withPage({ gpu: 'none' }, async (page) => {
    for (const width of [544, 705, 768, 820, 1024, 1150, 1217]) {
      await page.setViewportSize({ width, height: 700 });
      const seen = () =>
        page.evaluate(() => {
          const buttons = [...document.querySelectorAll('header button')];
          return {
            fits: document.documentElement.scrollWidth <= window.innerWidth,
            inOneLine: buttons.every((one) => one.clientHeight < 50),
          };
        });
      // Charts take their new size a moment later.
      await expect.poll(seen, { message: `${width} px` }).toEqual({ fits: true, inOneLine: true });
    }
  }));

describe.each(['light', 'dark'] as const)('in %s', (colorScheme) => {
  it.each([390, 1280, 1440])('at %i px has no accessibility faults and fits', (width) =>
    withPage({ colorScheme, gpu: 'none', viewport: { width, height: 900 } }, async (page) => {
      await reaches(page, STEPS);
      for (const view of ['Watch', 'Understand', 'Runs', 'Set up', 'Try']) {
        await show(page, view);
        await page.waitForLoadState('networkidle');
        expect(await accessibilityFaults(page), view).toEqual([]);
        const overflow = await page.evaluate(
          () => document.documentElement.scrollWidth - window.innerWidth,
        );
        expect(overflow, view).toBeLessThanOrEqual(0);
      }
    }),
  );
});

/** From now on notes all headings, however shortly they stay; returns those so far. */
async function headingsOf(page: Page): Promise<() => Promise<string[]>> {
  const noted = await page.evaluateHandle(() => {
    const texts = new Set<string>();
    new MutationObserver(() => {
      for (const { textContent } of document.querySelectorAll('h1, h2, h3')) texts.add(textContent);
    }).observe(document.body, { childList: true, characterData: true, subtree: true });
    return texts;
  });
  return () => noted.evaluate((texts) => [...texts]);
}
