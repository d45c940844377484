/** What is in reach: controls without scrolling, places that hold still, and few clicks. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchBrowser } from '../../scripts/browser.mjs';
import { followedRun } from './traced-run.ts';
import { begins, reaches, show, STEPS, withPage } from './with-page.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());

const SIZES = [
  [1280, 720],
  [390, 844],
] as const;
const VIEWS = ['Watch', 'Understand', 'Runs', 'Set up', 'Try'];

/** By view and, in "Set up", by the part that a phone shows. Watch has a test of its own. */
const CONTROLS: [view: string, part: string | null, names: [string, string | RegExp][]][] = [
  [
    'Try',
    null,
    [
      ['button', 'Ask both'],
      ['button', 'Another try'],
      ['button', 'New menu'],
    ],
  ],
  [
    'Runs',
    null,
    [
      ['button', 'Open a run (.zip)'],
      ['button', 'Open a folder of TRL or verl'],
    ],
  ],
  [
    'Set up',
    'Model',
    [
      ['combobox', /^The policy/],
      ['button', 'Choose a folder'],
      ['combobox', 'My graphics card has'],
    ],
  ],
  [
    'Set up',
    'Rewards and prompts',
    [
      ['combobox', 'A reward model'],
      ['combobox', /^A chat model/],
      ['button', 'Write a rule'],
      ['combobox', /^A judge that only watches/],
      ['combobox', 'Prompts to train on'],
      ['button', 'Choose a file'],
    ],
  ],
  [
    'Set up',
    'Recipe',
    [
      ['searchbox', 'Find a setting'],
      ['combobox', /^Algorithm/],
      ['switch', /^Think first/],
      ['textbox', /^Seed/],
      ['textbox', /^Steps/],
      ['textbox', /^Learning rate/],
      ['textbox', /^Tries for each prompt/],
      ['textbox', /^KL penalty/],
      ['textbox', /^Temperature/],
      ['button', 'A link for a class'],
    ],
  ],
];

it.each(SIZES)('at %i x %i every control that matters is in sight', (width, height) =>
  withPage(browser, { viewport: { width, height } }, async (page) => {
    await reaches(page, STEPS);
    const bar = page.getByRole('region', { name: 'The run' });
    for (const [view, part, controls] of CONTROLS) {
      await show(page, view);
      if (part && width < 1120) await page.getByRole('button', { name: part, exact: true }).click();
      const end = (await bar.boundingBox())!.y;
      for (const [role, name] of controls) {
        const exact = typeof name === 'string';
        const control = page
          .getByRole('main')
          .getByRole(role as 'button', { name, exact })
          .first();
        await control.waitFor();
        const { y, height: tall } = (await control.boundingBox())!;
        expect(y + tall, `${view}: ${String(name)}`).toBeLessThanOrEqual(end);
      }
      await bar.getByRole('button', { name: 'Train', exact: true }).waitFor();
    }
  }),
);

it.each(SIZES)('at %i x %i the bar says how long it takes and what is saved', (width, height) =>
  withPage(browser, { recipe: { max_steps: 1000 }, viewport: { width, height } }, async (page) => {
    await reaches(page, STEPS);
    const bar = page.getByRole('region', { name: 'The run' });
    // Of what is pressed; and of what tells of the run, below which the page goes on on a telephone.
    const places = async (): Promise<number[]> => {
      const { y } = (await bar.getByRole('button').first().boundingBox())!;
      const panel = (await page.locator('.panel').boundingBox())!;
      return [y, width < 704 ? panel.height : 0].map(Math.round);
    };
    const before = await places();
    await bar.getByRole('button', { name: 'Train', exact: true }).click();
    await begins(page);
    await reaches(page, 2);
    await bar.getByText(/^saved at step \d+$/).waitFor();
    expect(await places()).toEqual(before);
    expect(await page.waitForFunction(cutOfProgress).then((cut) => cut.jsonValue())).toBe('0 px');
    await bar.getByRole('button', { name: 'Pause', exact: true }).click();
    await bar.getByRole('button', { name: 'Continue', exact: true }).waitFor();
    expect(await places()).toEqual(before);
    for (const name of ['Continue', 'One step', 'Stop']) {
      await bar.getByRole('button', { name, exact: true }).waitFor();
    }
    await bar.getByText(/^\d+ (s|min) left$/).waitFor();
    await bar.getByText(/^saved at step \d+$/).waitFor();
    const { y, height: tall } = (await bar.boundingBox())!;
    expect(y + tall).toBeLessThanOrEqual(height);
    const overflow = await page.evaluate(
      () => document.documentElement.scrollWidth - window.innerWidth,
    );
    expect(overflow).toBeLessThanOrEqual(0);
  }),
);

/** Runs in the page: how much of "(50%)" the bar cuts off; '' while the status has no progress. */
function cutOfProgress(): string {
  const heading = document.querySelector('[aria-label="The run"] h2')!;
  const texts = document.createTreeWalker(heading, NodeFilter.SHOW_TEXT);
  for (let text = texts.nextNode(); text; text = texts.nextNode()) {
    const start = text.nodeValue!.search(/\(\d+%\)/);
    if (start < 0) continue;
    const range = document.createRange();
    range.setStart(text, start);
    range.setEnd(text, text.nodeValue!.length);
    const { right } = range.getBoundingClientRect();
    return `${Math.max(0, Math.ceil(right - heading.getBoundingClientRect().right))} px`;
  }
  return '';
}

it('on a telephone, the first screen says what this is, above all that moves, and trains', () =>
  withPage(browser, { viewport: { width: 390, height: 700 } }, async (page) => {
    await reaches(page, STEPS);
    const sentence = page.getByText(/^It plans dinners\./).filter({ visible: true });
    const what = (await sentence.boundingBox())!;
    const chart = page.getByRole('img', { name: /^Is it getting better/ }).first();
    expect(what.y + what.height).toBeLessThanOrEqual((await chart.boundingBox())!.y);
    await page.getByText('“Train” trains it in this tab.').waitFor();
    const train = page.getByRole('button', { name: 'Train', exact: true });
    const { y, height } = (await train.boundingBox())!;
    expect(y + height).toBeLessThanOrEqual(700);
  }));

it('on a telephone, the answers come into sight when they are asked for', () =>
  withPage(browser, { viewport: { width: 390, height: 844 }, hash: '#/try' }, async (page) => {
    const answer = page.getByRole('article', { name: 'Before training' });
    await answer.waitFor();
    const start = async (): Promise<number> => (await answer.boundingBox())!.y;
    expect(await start()).toBeGreaterThan(844);
    await page.getByRole('button', { name: 'Ask both' }).click();
    await expect.poll(start).toBeLessThan(844 / 2);
  }));

/** Shows a view, and waits for its code. */
async function opened(page: Page, view: string): Promise<void> {
  await show(page, view);
  await page.locator('.view:not([hidden]) h2:visible').first().waitFor();
  await page.waitForLoadState('networkidle');
}

describe.each(SIZES)('at %i x %i nothing grows under a click', (width, height) => {
  const run = followedRun(STEPS, { algorithm: 'grpo', loss_type: 'grpo', beta: 0.04 });

  it('when a view opens', () =>
    withPage(browser, { run, viewport: { width, height } }, async (page) => {
      await reaches(page, STEPS);
      await page.evaluate(recordMoves);
      for (const view of VIEWS) {
        await opened(page, view);
        expect(await page.evaluate(() => scrollY)).toBe(0);
      }
      // What the bar hides may move.
      const bar = (await page.getByRole('region', { name: 'The run' }).boundingBox())!;
      const moves = await page.evaluate(() => window.moves);
      expect(moves.filter(({ from }) => from < bar.y)).toEqual([]);
    }));

  it('when something is opened, chosen or changed', () =>
    withPage(browser, { run, viewport: { width, height } }, async (page) => {
      await reaches(page, STEPS);
      let all = 0;
      for (const view of VIEWS) {
        await opened(page, view);
        const { clicked, moved } = await page.evaluate(clickAll);
        expect.soft(moved, view).toEqual([]);
        all += clicked;
      }
      expect(all).toBeGreaterThan(40);
    }));
});

declare global {
  interface Window {
    moves: { what: string; from: number; to: number }[];
  }
}

/** Runs in the page: keeps what was and is to be seen, and has moved up or down. */
function recordMoves(): void {
  window.moves = [];
  interface Source {
    node: Node | null;
    previousRect: DOMRect;
    currentRect: DOMRect;
  }
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries() as unknown as { sources: Source[] }[]) {
      for (const { node, previousRect, currentRect } of entry.sources) {
        const [from, to] = [previousRect.y, currentRect.y];
        if (!previousRect.height || !currentRect.height || Math.abs(to - from) < 1) continue;
        window.moves.push({ what: node?.textContent?.slice(0, 60) ?? '', from, to });
      }
    }
  }).observe({ type: 'layout-shift' });
}

/** Runs in the page: clicks all that opens or changes a part of the view, and sees whether it stays. */
async function clickAll(): Promise<{ clicked: number; moved: string[] }> {
  const LEADS_AWAY =
    /^(Ask|Another try|Choose a|Open|Train|Copy|Show|See|Go to|Begin|Download|Why|Learn)|link|CSV|JSON/;
  /** The first tokens of a try are as good as all. */
  const isOneOfMany = (target: Element): boolean =>
    target.matches('[role=group] > *') && [...target.parentElement!.children].indexOf(target) > 2;
  const nameOf = (target: HTMLElement): string =>
    (
      target.ariaLabel ??
      target.closest('label')?.textContent ??
      (target.textContent || target.id)
    ).trim();
  const settled = (): Promise<unknown> =>
    new Promise((resolve) => setTimeout(() => requestAnimationFrame(resolve), 30));

  const all = document.querySelectorAll<HTMLElement>(
    'main summary, main button, main input:is([type=checkbox], [type=radio])',
  );
  const moved: string[] = [];
  let clicked = 0;
  for (const target of all) {
    const name = nameOf(target);
    if (!target.checkVisibility() || target.matches(':disabled') || isOneOfMany(target)) continue;
    // What closes at the end of the page has nothing below to keep it in its place.
    if (target.matches('details[open] > summary')) continue;
    if (LEADS_AWAY.test(name) || target.ariaHasPopup) continue;
    target.scrollIntoView({ block: 'center' });
    await settled();
    const before = target.getBoundingClientRect().y;
    target.click();
    await settled();
    clicked++;
    const after = target.getBoundingClientRect().y;
    if (target.checkVisibility() && Math.abs(after - before) > 1) {
      moved.push(`${target.tagName} ${name.slice(0, 60)}: ${before} to ${after}`);
    }
    document.querySelector<HTMLDialogElement>('dialog[open]')?.close();
  }
  return { clicked, moved };
}

it('a twin with another learning rate takes three clicks from the run on view', () =>
  withPage(browser, { recipe: { max_steps: 4 } }, async (page) => {
    await reaches(page, STEPS);
    await page
      .getByRole('navigation', { name: 'Views' })
      .getByRole('link', { name: 'Runs', exact: true })
      .click();
    await page.locator('summary', { hasText: 'Train a twin of The recorded run' }).click();
    const rate = page.getByRole('textbox', { name: 'Learning rate' });
    await expect.poll(() => rate.evaluate((r) => r === document.activeElement)).toBe(true);
    await page.keyboard.type('0.001');
    await page.getByRole('button', { name: 'Train it', exact: true }).click();
    await page.getByRole('heading', { name: 'Trained for 4 steps' }).waitFor();
    await page.getByRole('row').filter({ hasText: 'learning_rate: 0.001' }).waitFor();
  }));
