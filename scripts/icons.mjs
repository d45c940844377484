// node scripts/icons.mjs: makes the PNG icons of the installed page from public/icon.svg.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { launchBrowser } from './browser.mjs';
import { root } from './install.mjs';

/**
 * Systems may cut a maskable icon to any shape that contains its middle four fifths.
 * @type {{ file: string, size: number, share: number, ground: string }[]}
 */
const ICONS = [
  { file: 'icon-192.png', size: 192, share: 1, ground: 'transparent' },
  { file: 'icon-512.png', size: 512, share: 1, ground: 'transparent' },
  { file: 'icon-maskable-512.png', size: 512, share: 0.6, ground: '#f2f5ee' },
];

const svg = await readFile(join(root, 'public', 'icon.svg'), 'utf8');
const browser = await launchBrowser();
for (const { file, size, share, ground } of ICONS) {
  const page = await browser.newPage({ viewport: { width: size, height: size } });
  await page.setContent(
    `<style>body { margin: 0; display: grid; place-items: center; height: 100vh; background: ${ground} }
     svg { width: ${100 * share}vw; height: ${100 * share}vh }</style>${svg}`,
  );
  const png = await page.screenshot({ omitBackground: true });
  await writeFile(join(root, 'public', file), png);
  await page.close();
}
await browser.close();
