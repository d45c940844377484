import { afterEach, expect, it, vi } from 'vitest';
import { fakeApi } from '../../../tests/fake-adapter.ts';
import type { MeasureOptions } from '../measure/measure.ts';

const rates = { large: 4e12, medium: 3e12, narrow: 2e12, small: 1e12 };
const card = { full: rates, alone: rates, packed: ['f16' as const] };

vi.mock('idb-keyval', () => ({ get: () => Promise.resolve({ date: Date.now(), rates: card }) }));
const served: { measure?: (ponder: null, onProgress: () => void) => Promise<unknown> } = {};
vi.mock('./serve.ts', () => ({ serve: (service: object) => Object.assign(served, service) }));
vi.mock('../measure/measure.ts', async (original) => ({
  ...(await original<object>()),
  measure: (options: MeasureOptions) => Promise.resolve(options),
}));
afterEach(() => vi.unstubAllGlobals());

it('measures the tiles that training runs on this card, on a device with timestamps', async () => {
  vi.stubGlobal('navigator', {
    gpu: fakeApi({ features: ['subgroups', 'timestamp-query'] }),
    locks: { request: (_: string, work: () => unknown) => work() },
  });
  await import('./measure.worker.ts');
  const { gpu } = (await served.measure!(null, () => undefined)) as MeasureOptions;
  expect(gpu.variants.card).toEqual(card);
  expect([...gpu.device.features]).toEqual(['subgroups', 'timestamp-query']);
});
