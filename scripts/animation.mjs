// node scripts/animation.mjs: makes .github/page.webp, the animation in the README. It shows the built
// page (npm run build) while it replays the recorded run. It needs img2webp from Debian's package webp.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { preview } from 'vite';
import { launchBrowser } from './browser.mjs';
import { root } from './install.mjs';

/**
 * The scenes in order: the view of the page, the positions of the slider (1 is before training), and the
 * milliseconds of each frame; the last frame of a scene stays for `rest`.
 * @type {{ view: string, heads: number[], ms: number, rest: number }[]}
 */
const SCENES = [
  { view: 'watch', heads: [1, 1, ...range(4, 151, 3)], ms: 70, rest: 900 },
  { view: 'understand', heads: [2, 6, 12, 21, 31, 46, 81, 151], ms: 450, rest: 1800 },
];

const server = await preview({ root, logLevel: 'warn', preview: { port: 4173 } });
const browser = await launchBrowser();
const page = await browser.newPage({
  viewport: { width: 1280, height: 720 },
  // 960 x 540 points.
  deviceScaleFactor: 0.75,
  // The replay does not start by itself.
  reducedMotion: 'reduce',
  serviceWorkers: 'block',
});
await page.goto(server.resolvedUrls?.local[0] ?? '');
const slider = page.getByRole('slider', { name: 'Step', disabled: false });
await slider.waitFor();

const folder = mkdtempSync(join(tmpdir(), 'ponder-animation-'));
/** @type {string[]} */
const frames = [];
for (const { view, heads, ms, rest } of SCENES) {
  await page.evaluate((hash) => (location.hash = hash), `#/${view}`);
  await page.locator(`#view-${view} h2`).first().waitFor();
  for (const [i, head] of heads.entries()) {
    await slider.evaluate((input, value) => {
      /** @type {HTMLInputElement} */ (input).valueAsNumber = value;
      input.dispatchEvent(new Event('input', { bubbles: true }));
    }, head);
    const file = join(folder, `${frames.length}.png`);
    await page.screenshot({ path: file });
    frames.push('-d', String(i === heads.length - 1 ? rest : ms), file);
  }
}
await browser.close();
await server.close();

const options = ['-loop', '0', '-lossless', '-m', '6'];
const out = join(root, '.github', 'page.webp');
const { status } = spawnSync('img2webp', [...options, ...frames, '-o', out], { stdio: 'inherit' });
rmSync(folder, { recursive: true });
if (status !== 0) {
  console.error('img2webp failed; install the package webp and try again.');
  process.exitCode = 1;
}

/** @param {number} from @param {number} to inclusive @param {number} by */
function range(from, to, by) {
  return Array.from({ length: Math.floor((to - from) / by) + 1 }, (_, i) => from + i * by);
}
