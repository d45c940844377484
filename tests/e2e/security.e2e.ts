/** Nobody gets in: the policy of the page, foreign addresses, and models whose code never ends. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { launchBrowser } from '../../scripts/browser.mjs';
import { VIEWS } from '../../src/ui/views/views.ts';
import { VOCABULARY } from '../../src/rl/world/menu.ts';
import { worldTokenizerFiles } from '../../src/rl/world/tokenizer-files.ts';
import { CONFIGS, randomTensors, saveModel } from '../random-model.ts';
import { violationsOf } from './violations.ts';

let browser: Browser;
let page: Page;
let violations: string[];
let root: string;
const requests: string[] = [];
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'ponder-'));
  browser = await launchBrowser();
  page = await browser.newPage({ reducedMotion: 'reduce' });
  violations = await violationsOf(page);
  page.on('request', (request) => requests.push(request.url()));
});
afterAll(async () => {
  await browser.close();
  await rm(root, { recursive: true });
});

it.each(['', 'measure.html', 'theme.js', 'models/policy/config.json'])(
  'sends the headers with /%s',
  async (path) => {
    const { headers } = await fetch(inject('page') + path);
    expect(headers.get('content-security-policy')).toMatch(
      /^default-src 'self'; .*script-src 'self' 'wasm-unsafe-eval'; frame-ancestors 'none'$/,
    );
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
  },
);

it('shows every view, formulas and all, without breaking its policy', async () => {
  for (const path of [...Object.keys(VIEWS).map((view) => `#/${view}`), 'measure.html']) {
    await page.goto(inject('page') + path);
    await page.getByRole('heading').first().waitFor();
  }
  await page.goto(`${inject('page')}#/understand`);
  // Formulas are the only markup that is not of a component.
  await page.getByRole('button', { name: 'Learn', exact: true }).click();
  const chapters = page.getByRole('dialog').getByRole('navigation').getByRole('button');
  for (const chapter of await chapters.all()) await chapter.click();
  await page.getByRole('group', { name: 'Formula' }).first().waitFor();
  expect(violations).toEqual([]);
});

it.each([
  [
    'a script in the page',
    'document.body.append(script("window.broken = true"))',
    'HTMLScriptElement',
  ],
  ['markup from a text', 'document.body.innerHTML += "<b>x</b>"', 'trusted-types-sink'],
  ['a request to another server', 'void fetch("https://other.invalid/x")', 'connect-src'],
  ['an image of another server', 'new Image().src = "https://other.invalid/x"', 'img-src'],
])('the browser refuses %s', async (_, attempt, directive) => {
  await page.evaluate(`(() => {
    const script = (text) => Object.assign(document.createElement('script'), { text });
    try { ${attempt} } catch {}
  })()`);
  await expect.poll(() => violations.join('\n')).toContain(directive);
  violations.length = 0;
});

it('the page refuses a worker of another server', async () => {
  const refused = page.evaluate(() => new Worker('https://other.invalid/x.js').onmessage);
  await expect(refused).rejects.toThrow("not on this page's own server");
});

it('fetches nothing for a link that names another server', async () => {
  requests.length = 0;
  for (const key of ['model_name_or_path', 'reward_model_name_or_path', 'reward_funcs', 'gold']) {
    for (const address of ['https://other.invalid/x', '//other.invalid/x', 'data:text/plain,1']) {
      await page.goto(`${inject('page')}?#/set-up?${key}=${encodeURIComponent(address)}`);
      await page.reload();
      await page.getByText('What the models will see').click();
      await page.waitForTimeout(300);
    }
  }
  const { origin } = new URL(inject('page'));
  expect(requests.filter((url) => !url.startsWith(origin) && !url.startsWith('blob:'))).toEqual([]);
});

it('names a model whose tokenizer never ends, and takes the next one', async () => {
  const config = { ...CONFIGS['llama, tied']!, vocabSize: VOCABULARY.length };
  for (const name of ['a-endless', 'b-good'])
    await saveModel(at(name), config, randomTensors(config, 1));
  const tokenizer = worldTokenizerFiles()['tokenizer.json'];
  const normalizer = { type: 'Replace', pattern: { Regex: '(x+x+)+y' }, content: '' };
  await writeFile(at('a-endless', 'tokenizer.json'), JSON.stringify({ ...tokenizer, normalizer }));
  await writeFile(at('a-endless', 'chat_template.jinja'), 'x'.repeat(60));
  await page.goto(`${inject('page')}?#/set-up`);

  // Cancelled, it goes at once.
  const folder = page.getByLabel('Model folder');
  await folder.setInputFiles(at('a-endless'));
  const cancel = page.getByRole('button', { name: 'Cancel' });
  await cancel.dispatchEvent('click');
  await cancel.waitFor({ state: 'detached', timeout: 2000 });

  await folder.setInputFiles(root);
  await page
    .getByRole('region', { name: 'The model', exact: true })
    .getByText('The tokenizer in a-endless/tokenizer.json takes longer than 10 seconds')
    .waitFor({ timeout: 30_000 });
  await page
    .getByRole('list', { name: 'Models in this browser' })
    .getByText('b-good')
    .first()
    .waitFor({ timeout: 20_000 });
});

const at = (...path: string[]): string => join(root, ...path);
