// A headless browser with WebGPU for the end-to-end tests and the benchmark: an installed Chrome or
// Chromium if one starts, else the one in the npm package @sparticuz/chromium.
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { chmod, rename, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress } from 'node:zlib';
import { ensureInstalled } from './install.mjs';
import { chromiumPackage, unpackChromiumArchive } from './software-gpu.mjs';

await ensureInstalled('tests');
const { chromium } = await import('playwright-core');

// In addition to Playwright's own flags: no background traffic, and WebGPU on Vulkan.
const COMMON_FLAGS = [
  '--disable-domain-reliability',
  '--no-pings',
  '--enable-unsafe-webgpu',
  '--enable-features=Vulkan',
];
const SOFTWARE_FLAGS = ['--use-webgpu-adapter=swiftshader'];
const HARDWARE_FLAGS = ['--ignore-gpu-blocklist', '--use-angle=vulkan'];

/**
 * Starts a browser and returns Playwright's handle for it.
 * @param {{ adapter?: 'software' | 'hardware', args?: string[] }} options The software adapter is the
 *   default because it gives the same results everywhere; `args` are further Chromium flags.
 */
export async function launchBrowser({ adapter = 'software', args = [] } = {}) {
  const flags = [
    ...COMMON_FLAGS,
    ...(adapter === 'software' ? SOFTWARE_FLAGS : HARDWARE_FLAGS),
    ...args,
  ];
  for (const executablePath of installedBrowsers()) {
    try {
      return await chromium.launch({ executablePath, args: flags });
    } catch {
      // It is too old, broken or not allowed to start; the packaged browser is tried next.
    }
  }
  const { executablePath, env } = await packagedBrowser();
  return chromium.launch({ executablePath, args: flags, env: { ...process.env, ...env } });
}

function installedBrowsers() {
  const names = ['google-chrome', 'google-chrome-stable', 'chromium', 'chromium-browser'];
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean);
  const candidates = [
    process.env.CHROME_PATH,
    ...names.flatMap((name) => folders.map((folder) => join(folder, name))),
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  ];
  return candidates.filter((path) => path && existsSync(path));
}

async function packagedBrowser() {
  // Chromium looks for its graphics libraries in its own folder.
  const folder = await unpackChromiumArchive('swiftshader');
  const executablePath = join(folder, 'chromium');
  if (!existsSync(executablePath)) {
    const partial = `${executablePath}.${process.pid}`;
    await pipeline(
      createReadStream(join(chromiumPackage, 'chromium.br')),
      createBrotliDecompress(),
      createWriteStream(partial),
    );
    await chmod(partial, 0o755);
    await rename(partial, executablePath);
  }
  // A minimal machine has neither NSS nor fonts; the package has both.
  const libraries = join(await unpackChromiumArchive('al2023'), 'lib');
  /** @type {Record<string, string>} */
  const env = {
    LD_LIBRARY_PATH: [libraries, process.env.LD_LIBRARY_PATH].filter(Boolean).join(':'),
  };
  if (!existsSync('/usr/share/fonts')) env.FONTCONFIG_FILE = await fontConfiguration();
  return { executablePath, env };
}

async function fontConfiguration() {
  const folder = await unpackChromiumArchive('fonts');
  const file = join(folder, 'packaged-fonts.conf');
  const folders = `<dir>${folder}</dir><cachedir>${join(folder, 'cache')}</cachedir>`;
  await writeFile(file, `<fontconfig>${folders}</fontconfig>`);
  return file;
}
