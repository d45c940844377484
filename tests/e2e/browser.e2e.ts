import { expect, inject, it } from 'vitest';
import { launchBrowser } from '../../scripts/browser.mjs';

it('the end-to-end tests have a browser with fonts and a WebGPU adapter', async () => {
  const browser = await launchBrowser();
  try {
    const page = await browser.newPage();
    await page.goto(inject('page'));
    const device = await page.evaluate(async () => {
      const adapter = await navigator.gpu.requestAdapter();
      return (await adapter?.requestDevice())?.limits.maxComputeWorkgroupSizeX;
    });
    expect(device).toBeGreaterThanOrEqual(256);
    const width = await page.evaluate(() => {
      const context = document.createElement('canvas').getContext('2d')!;
      return context.measureText('ponder').width;
    });
    expect(width).toBeGreaterThan(0);
  } finally {
    await browser.close();
  }
});
