/** The browser's graphics device, with what was measured of the card at an earlier visit. */
import { get, set } from 'idb-keyval';
import { Gpu, type GpuOptions } from '../gpu/device.ts';
import { cardRates, type Notes } from '../gpu/tuning.ts';

/** Where the browser stores nothing, as in some private windows, nothing is remembered. */
const notes: Notes = {
  async recall(name) {
    try {
      return await get<unknown>(name);
    } catch {
      return undefined;
    }
  },
  async remember(name, value) {
    try {
      await set(name, value);
    } catch {
      // The next visit measures again.
    }
  },
};

/**
 * @param features further ones that the device gets if the adapter has them
 * @throws GpuUnavailableError when there is no adapter
 */
export function openGpu(features: GpuOptions['features'] = []): Promise<Gpu> {
  return Gpu.open(navigator.gpu, {
    features,
    // One worker at a time: two that measured at once would slow each other down.
    measure: (gpu) => navigator.locks.request('measure card', () => cardRates(gpu, notes)),
  });
}
