import { expect, it, vi } from 'vitest';
import { KERNELS_FOR } from './variants.ts';
import { keepDevices, openNodeGpu } from './node.ts';

it('runs the kernels that PONDER_KERNELS names', async () => {
  vi.stubEnv('PONDER_KERNELS', 'card');
  const gpu = await openNodeGpu();
  expect(gpu.variants).toEqual(KERNELS_FOR.card);
  gpu.close();
  vi.stubEnv('PONDER_KERNELS', 'fast');
  await expect(openNodeGpu()).rejects.toThrow('PONDER_KERNELS is "fast"; it must be card or cpu.');
  vi.unstubAllEnvs();
});

it('opens kept devices again, the first one first, emptied and with their kernels', async () => {
  keepDevices();
  const [policy, judge] = [await openNodeGpu(), await openNodeGpu()];
  expect(judge).not.toBe(policy);
  const view = policy.allocate('weights', 64, 'numbers');
  policy.upload(view, new Float32Array(16).fill(1));
  judge.close();
  policy.close();
  const again = await openNodeGpu();
  expect(again).toBe(policy);
  expect(again.ledger.weights).toBe(0);
  expect(await again.readFloats(again.allocate('weights', 64, 'zeros'))).toEqual(
    new Float32Array(16),
  );
  expect(await openNodeGpu()).toBe(judge);

  const error = new Promise((resolve) => again.device.addEventListener('uncapturederror', resolve));
  again.device.createBuffer({ size: 4, usage: 0 });
  await error;
  again.close();
  // A device that failed is not used again.
  expect(await openNodeGpu()).not.toBe(policy);
});
