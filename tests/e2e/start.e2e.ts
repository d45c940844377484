import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it } from 'vitest';
import { launchBrowser } from '../../scripts/browser.mjs';

const root = join(import.meta.dirname, '..', '..');

it('npm start serves the built page on the next free port, which works after Ctrl-C, too', async () => {
  const occupant = createServer().listen(4173, 'localhost');
  await Promise.race([once(occupant, 'listening'), once(occupant, 'error')]);
  // A shell may ask for development; the page is built for production all the same.
  const env = { ...process.env, NODE_ENV: 'development' };
  const browser = await launchBrowser();
  const start = spawn(process.execPath, ['scripts/start.mjs'], { cwd: root, stdio: 'pipe', env });
  try {
    const exited = once(start, 'exit');
    const line = await firstLine(start.stdout, /^Ponder is at /);
    const address = /http:\/\/localhost:(\d+)$/.exec(line)!;
    expect(Number(address[1])).toBeGreaterThan(4173);

    const page = await fetch(address[0]);
    expect(page.headers.get('content-type')).toMatch(/^text\/html/);
    const script = /src="\.\/(assets\/[^"]+\.js)"/.exec(await page.text())![1]!;
    const module = await fetch(`${address[0]}/${script}`);
    expect(module.status).toBe(200);
    expect(module.headers.get('content-type')).toMatch(/^text\/javascript/);

    const assets = join(root, 'dist/page/assets');
    const scripts = (await readdir(assets)).filter((name) => name.endsWith('.js'));
    expect(scripts.length).toBeGreaterThan(1);
    for (const name of scripts) {
      // Svelte writes this on elements in a build for development.
      expect(await readFile(join(assets, name), 'utf8'), name).not.toContain('__svelte_meta');
    }

    const tab = await browser.newPage({ reducedMotion: 'reduce' });
    await tab.goto(address[0]);
    await tab.getByText('ready to work offline').waitFor();
    start.kill('SIGINT');
    await exited;
    await tab.reload();
    await expect.poll(() => tab.getByTestId('step').textContent()).toBe('150');
  } finally {
    await browser.close();
    start.kill('SIGKILL');
    occupant.close();
  }
});

async function firstLine(stream: NodeJS.ReadableStream, pattern: RegExp): Promise<string> {
  for await (const line of createInterface(stream)) if (pattern.test(line)) return line;
  throw new Error('the command ended without saying where the page is');
}
