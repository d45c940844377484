/** What the page teaches with: group, walk, traces, before and after, Learn, tour. */
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { launchBrowser } from '../../scripts/browser.mjs';
import type { RecordedRun } from '../../src/rl/runs/record.ts';
import { accessibilityFaults } from './accessibility.ts';
import { syntheticRun } from './synthetic-run.ts';
import { tracedRun } from './traced-run.ts';
import { show } from './with-page.ts';

const STEPS = 24;

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());

/** The built page on a run of ours; `use` fails on any error in the page. */
async function withRun(
  run: RecordedRun,
  use: (page: Page) => Promise<void>,
  options: BrowserContextOptions = {},
): Promise<void> {
  const context = await browser.newContext({ reducedMotion: 'reduce', ...options });
  try {
    await context.route('**/recorded-run.json', (route) =>
      route.fulfill({ contentType: 'application/json', body: JSON.stringify(run) }),
    );
    const page = await context.newPage();
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(error.message));
    await page.goto(`${inject('page')}#/understand`);
    await expect.poll(() => page.getByTestId('step').textContent()).toBe(String(STEPS));
    await use(page);
    expect(errors).toEqual([]);
  } finally {
    await context.close();
  }
}

const traced = (algorithm: string): RecordedRun => tracedRun(STEPS, { algorithm });
const section = (page: Page, name: RegExp): Locator => page.getByRole('region', { name });

describe('the group', () => {
  it('shows what DPO compares, and each of several rewards', () =>
    withRun(traced('dpo'), async (page) => {
      const group = section(page, /One prompt, 4 tries/);
      await group.getByText('chosen', { exact: true }).waitFor();
      await group.getByText('rejected', { exact: true }).waitFor();
      await group.getByText('2 rewards of try C').click();
      await group.getByText('brevity').filter({ visible: true }).waitFor();
    }));

  it('folds long thoughts and prompts away', () => {
    const run = traced('grpo');
    const { group } = run.steps.at(-1)!;
    group!.prompt = 'Write about soup. '.repeat(60);
    group!.samples[0]!.thought = 'First I should think of soup. '.repeat(60);
    return withRun(run, async (page) => {
      const more = section(page, /One prompt/).getByRole('button', { name: 'Show all' });
      expect(await more.count()).toBe(2);
      await more.first().click();
      await page.getByRole('button', { name: 'Show less' }).waitFor();
    });
  });

  it('says why a run without rollouts has none', () => {
    const run = syntheticRun(STEPS, { algorithm: 'reward' });
    for (const step of run.steps) delete step.group;
    return withRun(run, async (page) => {
      await page.getByText(/learns from given examples/).waitFor();
      await page.getByText(/no group to walk through/).waitFor();
      await page.getByText(/run has no numbers for single tokens/).waitFor();
      expect(await accessibilityFaults(page, 'main')).toEqual([]);
      await show(page, 'Watch');
      await page.getByText(/not evaluated during training/).waitFor();
    });
  });
});

/** Goes to the end of the walk without guessing, and gives the titles of its steps. */
async function walkThrough(page: Page): Promise<string[]> {
  const walk = section(page, /Walk through one update/);
  await walk.getByRole('button', { name: 'Begin' }).click();
  const titles: string[] = [];
  for (;;) {
    // Under a question, the menu has a heading, too.
    titles.push((await walk.getByRole('heading', { level: 3 }).first().textContent())!);
    const show = walk.getByRole('button', { name: 'Just show me' });
    if (await show.count()) await show.click();
    const next = walk.getByRole('button', { name: 'Next' });
    if ((await next.count()) === 0) return titles;
    await next.click();
  }
}

describe('the walk', () => {
  it.each([
    ['grpo', 'Divided by the spread', 6],
    ['ppo', 'Surprise, passed back', 8],
    ['dpo', 'How sure it is', 6],
  ])('goes through an update of %s', (algorithm, characteristic, length) =>
    withRun(traced(algorithm), async (page) => {
      const titles = await walkThrough(page);
      expect(titles).toHaveLength(length);
      expect(titles).toContain(characteristic);
      expect(await accessibilityFaults(page, '[aria-labelledby=walk-title]')).toEqual([]);

      // Every formula of Learn finds its numbers, or says that the run has none.
      await page.getByRole('button', { name: 'Learn', exact: true }).click();
      const panel = page.getByRole('dialog');
      for (const chapter of await panel.getByRole('navigation').getByRole('button').all()) {
        await chapter.click();
        expect(await panel.locator('[data-slot]').allTextContents()).not.toContain('–');
      }
    }),
  );

  it('checks guesses, counts them, and changes with its controls, all by keyboard', () =>
    withRun(traced('grpo'), async (page) => {
      const walk = section(page, /Walk through one update/);
      await walk.getByRole('button', { name: 'Begin' }).press('Enter');
      await walk.getByRole('radio', { name: 'D' }).press('Space');
      await page.keyboard.press('Enter');
      await walk.getByText('Right.').waitFor();
      await walk.getByRole('button', { name: 'Next' }).press('Enter');
      await walk.getByRole('radio', { name: /All 4/ }).press('Space');
      await walk.getByRole('button', { name: 'Check' }).press('Enter');
      await walk.getByText('Not quite.').waitFor();
      await walk.getByRole('button', { name: 'Next' }).press('Enter');
      await walk.getByRole('slider').press('End');
      await walk.getByRole('button', { name: 'Check' }).press('Enter');
      // 3 above the mean, a standard deviation of 2.16.
      await walk.getByText('+1.39', { exact: true }).waitFor();
      await walk.getByRole('radio', { name: 'off (none)' }).press('Space');
      await walk.getByText('+3.00', { exact: true }).waitFor();
      await walk.getByRole('button', { name: /^1: Rewards, guessed right/ }).waitFor();
      await walk.getByRole('button', { name: /^2: .* guessed wrong/ }).waitFor();
    }));

  it('has numbers on the axes of its clip plot', () =>
    withRun(traced('grpo'), async (page) => {
      const walk = section(page, /Walk through one update/);
      await walk.getByRole('button', { name: 'Begin' }).click();
      for (let step = 1; step < 4; step++) {
        await walk.getByRole('button', { name: 'Just show me' }).click();
        await walk.getByRole('button', { name: 'Next' }).click();
      }
      await walk.getByRole('button', { name: 'Just show me' }).click();
      const plot = walk.getByRole('img', { name: /^Gain of/ });
      const texts = await plot.locator('text').allTextContents();
      expect(texts.filter((text) => !/\d/.test(text))).toEqual(['ratio →', '↑ gain']);
      const ticks = await plot.locator('text[text-anchor=middle]').allTextContents();
      // The ratio of the first update, and places on both sides of it.
      expect(ticks).toContain('1');
      expect(ticks.length).toBeGreaterThan(3);
      expect(texts.length - ticks.length - 2).toBeGreaterThan(2);
    }));

  it('holds on to its group while the run moves on', () =>
    withRun(traced('grpo'), async (page) => {
      await walkThrough(page);
      await page.getByRole('slider', { name: 'Step' }).fill('7');
      const walk = section(page, /Walk through one update/);
      await walk.getByText(/training step 24/).waitFor();
      await walk.getByRole('button', { name: 'Walk through step 7 instead' }).click();
      await walk.getByText(/training step 7/).waitFor();
    }));

  it('ends early at a group that teaches nothing, and where numbers are missing', async () => {
    await withRun(traced('grpo'), async (page) => {
      await page.getByRole('slider', { name: 'Step' }).fill('3');
      expect(await walkThrough(page)).toEqual(['Rewards', 'No gradient here']);
    });
    await withRun(syntheticRun(STEPS, {}), async (page) => {
      expect(await walkThrough(page)).toHaveLength(6);
      await page.getByText(/no log-probs from after the update/).waitFor();
    });
  });
});

/** Numbers of single tokens at every eighth step, as a kept run has them at some. */
function sparse(): RecordedRun {
  const [all, none] = [traced('grpo'), syntheticRun(STEPS, {})];
  const steps = all.steps.map((report, i) => ((i + 1) % 8 === 0 ? report : none.steps[i]!));
  return { ...all, steps };
}

describe('traces', () => {
  it('come from the nearest step that has them, and nothing below moves', () =>
    withRun(sparse(), async (page) => {
      const slider = page.getByRole('slider', { name: 'Step' });
      const tokens = section(page, /Token by token/);
      const note = tokens.getByText(/^Not every step keeps these numbers/);
      const places = async (): Promise<number[]> => {
        const bar = await tokens.getByLabel('Colour by').boundingBox();
        const [top, walk] = [await tokens.boundingBox(), section(page, /Walk through one update/)];
        return [bar!.y - top!.y, (await walk.boundingBox())!.height];
      };
      await note.waitFor({ state: 'hidden' });
      const traced = await places();
      await slider.fill('21');
      await note.waitFor();
      expect(await places()).toEqual(traced);
      // The walk, too, begins at a step that has all its numbers.
      await page.getByRole('button', { name: 'Begin, with step 24' }).waitFor();
      await tokens.getByRole('button', { name: 'Go to step 24' }).press('Enter');
      await note.waitFor({ state: 'hidden' });
      expect(await page.getByTestId('step').textContent()).toBe('24');
      expect(await places()).toEqual(traced);
    }));

  it('colour tokens by what is chosen, and read numbers out by keyboard', () =>
    withRun(traced('ppo'), async (page) => {
      const tokens = section(page, /Token by token/);
      await tokens.getByLabel('Colour by').selectOption('Value');
      const strip = tokens.getByRole('group', { name: 'Value of each token of try D' });
      await strip.getByRole('button').first().focus();
      await page.keyboard.press('ArrowRight');
      expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toMatch(
        /^rice: /,
      );
      await page.keyboard.press('End');
      await tokens.getByText('end', { exact: true }).last().waitFor();
      expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toMatch(
        /^end: /,
      );
      await tokens.getByText('All numbers of try D').click();
      await tokens
        .getByRole('row', { name: /^plums / })
        .first()
        .waitFor();
      await tokens.getByRole('heading', { name: /changed most/ }).waitFor();
      expect(await accessibilityFaults(page, '[aria-labelledby=tokens]')).toEqual([]);
    }));
});

it('before and now: the first evaluation beside the one at the playhead', () =>
  withRun(traced('grpo'), async (page) => {
    await show(page, 'Watch');
    const part = section(page, /The same prompt, before and now/);
    await part.getByRole('heading', { name: 'Step 8' }).waitFor();
    await part.getByRole('heading', { name: 'Step 24' }).waitFor();
    await part.getByLabel('Prompt').selectOption('1 of 2');
    await page.getByRole('slider', { name: 'Step' }).fill('20');
    await part.getByText('rice and plums, as of step 16.').waitFor();
    // Before the second evaluation there is one text, which is not shown twice.
    const articles = part.getByRole('article');
    expect(await articles.count()).toBe(2);
    await page.getByRole('slider', { name: 'Step' }).fill('10');
    await part.getByText('The next comparison comes at step 16.').waitFor();
    expect(await articles.count()).toBe(1);
    await page.getByRole('slider', { name: 'Step' }).fill('20');
    await part.getByLabel('Prompt').selectOption('2 of 2');
    await part.getByText('try rice 3 ok as of step 16').waitFor();
    await part.getByRole('button', { name: 'See the 4 tries of this step' }).click();
    await section(page, /One prompt, 4 tries/).waitFor();
  }));

it('Learn opens where it is asked why, with the numbers of the group on view', () =>
  withRun(traced('grpo'), async (page) => {
    const why = section(page, /One prompt/).getByRole('button', { name: /^Why\?/ });
    await why.click();
    const panel = page.getByRole('dialog', { name: 'GRPO’s advantage' });
    expect(await panel.locator('[data-slot=advantage]').textContent()).toBe('+1.39');
    expect(await panel.locator('math').count()).toBe(2);
    expect(await accessibilityFaults(page, 'dialog[open]')).toEqual([]);
    await page.keyboard.press('Escape');
    await panel.waitFor({ state: 'hidden' });
    expect(await why.evaluate((element) => element === document.activeElement)).toBe(true);
  }));

it('the tour goes from stop to stop, ends on Esc, and remembers', () =>
  withRun(traced('grpo'), async (page) => {
    const start = page.getByRole('button', { name: 'Take the tour' });
    await start.click();
    const card = page.getByRole('dialog');
    for (let stop = 1; stop < 9; stop++) {
      await card.getByText(`${stop} of 9`).waitFor();
      expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('H2');
      await card.getByRole('button', { name: 'Next' }).click();
    }
    await card.getByText('9 of 9').waitFor();
    expect(await accessibilityFaults(page, 'dialog[open]')).toEqual([]);
    await page.keyboard.press('Escape');
    await card.waitFor({ state: 'hidden' });
    // The page hears of it a moment after the card is gone.
    const again = page.getByRole('button', { name: 'Tour', exact: true });
    await again.waitFor();
    await page.reload();
    await again.waitFor();
  }));

/** What each stop of the tour tells of. */
const TOLD = [
  '.words',
  '[aria-labelledby=before-after] .now',
  '[aria-label="The run"]',
  '[aria-labelledby=group] .tries li:not(.heads)',
  '[aria-labelledby=walk-title]',
  '[aria-labelledby=tokens] .tries li',
  '[aria-labelledby=runs]',
  '[aria-label="Parts of the set-up"]',
  '[aria-labelledby=try]',
];

it('on a telephone, the tour covers neither the navigation nor what it tells of', () =>
  withRun(
    traced('grpo'),
    async (page) => {
      await page.getByRole('button', { name: 'Tour', exact: true }).click();
      const dialog = page.getByRole('dialog');
      const box = async (selector: string) => (await page.locator(selector).first().boundingBox())!;
      for (const [i, selector] of TOLD.entries()) {
        await dialog.getByText(`${i + 1} of 9`).waitFor();
        const isBar = selector.includes('The run');
        // A try, or so much of a section that one sees what it is.
        const inSight = async (): Promise<boolean> => {
          const [told, nav, card] = [
            await box(selector),
            await box('header'),
            await box('.card h2'),
          ];
          const end = isBar ? 844 : card.y;
          const start = isBar ? card.y : nav.y + nav.height;
          return told.y >= start && told.y + Math.min(told.height, 200) <= end;
        };
        await expect.poll(inSight, { message: selector }).toBe(true);
        const [nav, light] = [await box('header'), await box('.light')];
        expect(light.y, selector).toBeGreaterThanOrEqual(nav.y + nav.height);
        if (i + 1 < TOLD.length) await dialog.getByRole('button', { name: 'Next' }).click();
      }
    },
    { viewport: { width: 390, height: 844 } },
  ));

it.each(['light', 'dark'] as const)('a telephone in %s has no faults, and fits', (colorScheme) =>
  withRun(
    traced('grpo'),
    async (page) => {
      await walkThrough(page);
      expect(await accessibilityFaults(page, 'main')).toEqual([]);
      const overflow = (): Promise<number> =>
        page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(await overflow()).toBeLessThanOrEqual(0);
      await page.getByRole('button', { name: 'Learn', exact: true }).click();
      expect(await accessibilityFaults(page, 'dialog[open]')).toEqual([]);
      const panel = page.getByRole('dialog');
      expect(await panel.evaluate((d) => d.scrollWidth - d.clientWidth)).toBeLessThanOrEqual(0);
    },
    { colorScheme, hasTouch: true, viewport: { width: 390, height: 844 } },
  ),
);
