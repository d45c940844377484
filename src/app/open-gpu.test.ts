/** What a page opens its devices with: the rates of the card that were remembered, and further features. */
import { afterEach, expect, it, vi } from 'vitest';
import { MEASURED_FEATURES } from './measure/measure.ts';
import type { MeasureOptions } from './measure/measure.ts';
import { openGpu } from './open-gpu.ts';

const rates = { large: 4e12, medium: 3e12, narrow: 2e12, small: 1e12 };
const card = { full: rates, alone: rates };

vi.mock('idb-keyval', () => ({ get: () => Promise.resolve(card) }));
/** Of the measuring worker. */
const served: { measure?: (ponder: null, onProgress: () => void) => Promise<unknown> } = {};
vi.mock('./workers/serve.ts', () => ({
  serve: (service: object) => Object.assign(served, service),
}));
vi.mock('./measure/measure.ts', async (original) => ({
  ...(await original<object>()),
  measure: ({ gpu, tasks }: MeasureOptions) => Promise.resolve({ gpu, tasks: tasks(1e13) }),
}));
afterEach(() => vi.unstubAllGlobals());

/** A card that can do nothing. */
function stubCard(): void {
  const adapter = {
    info: {
      vendor: 'v',
      architecture: 'a',
      device: 'd',
      description: 'x',
      isFallbackAdapter: false,
    },
    features: new Set(['subgroups', 'timestamp-query']),
    limits: {},
    requestDevice: ({ requiredFeatures }: { requiredFeatures: string[] }) =>
      Promise.resolve({
        features: new Set(requiredFeatures),
        lost: new Promise(() => {}),
        addEventListener: () => {},
      }),
  };
  vi.stubGlobal('navigator', {
    gpu: { requestAdapter: () => Promise.resolve(adapter) },
    locks: { request: (_: string, work: () => unknown) => work() },
  });
}

it('training runs the tiles that suit what was measured of the card', async () => {
  stubCard();
  const { variants, device } = await openGpu();
  expect(variants.card).toEqual(card);
  expect([...device.features]).toEqual(['subgroups']);
});

it('"Measure this browser" measures the same tiles, on a device that also has timestamps', async () => {
  stubCard();
  await import('./workers/measure.worker.ts');
  const { gpu } = (await served.measure!(null, () => undefined)) as MeasureOptions;
  expect(gpu.variants.card).toEqual(card);
  expect([...gpu.device.features]).toEqual(['subgroups', 'timestamp-query']);
  expect(MEASURED_FEATURES).toContain('timestamp-query');
});
