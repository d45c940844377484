import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { fakeApi } from '../../tests/fake-adapter.ts';
import type { Kernel } from './kernel.ts';
import { KERNELS_FOR } from './variants.ts';
import { keepDevices, openNodeGpu } from './node.ts';
import { cardRates } from './tuning.ts';

vi.mock('./tuning.ts', () => ({ cardRates: vi.fn() }));
beforeEach(() => {
  vi.stubEnv('PONDER_KERNELS', undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
});

// Devices are compared by ===: what toBe prints of two GPUDevices has no end.

it('measures a graphics card', async () => {
  vi.doMock('webgpu', () => ({ create: () => fakeApi(), globals: {} }));
  const rates = { large: 4, medium: 3, narrow: 2, small: 1 };
  const card = { full: rates, alone: rates, packed: ['f16' as const] };
  vi.mocked(cardRates).mockResolvedValue(card);
  const gpu = await openNodeGpu();
  expect(gpu.variants.card).toEqual(card);
  expect(vi.mocked(cardRates).mock.lastCall![0] === gpu).toBe(true);
  vi.doUnmock('webgpu');
});

it('runs the kernels that PONDER_KERNELS names', async () => {
  vi.stubEnv('PONDER_KERNELS', 'card');
  const gpu = await openNodeGpu();
  expect(gpu.variants).toEqual(KERNELS_FOR.card);
  gpu.close();
  vi.stubEnv('PONDER_KERNELS', 'fast');
  await expect(openNodeGpu()).rejects.toThrow(
    'PONDER_KERNELS is "fast"; it must be card, cpu or wide.',
  );
});

it('opens kept devices again, the first one first, emptied and with their kernels', async () => {
  keepDevices();
  const [policy, judge] = [await openNodeGpu(), await openNodeGpu()];
  expect(judge.device === policy.device).toBe(false);
  const compiled = await policy.pipeline(nothing);
  const view = policy.allocate('weights', 64, 'numbers');
  policy.upload(view, new Float32Array(16).fill(1));
  judge.close();
  policy.close();
  const again = await openNodeGpu();
  expect(again.device === policy.device).toBe(true);
  expect((await again.pipeline(nothing)) === compiled).toBe(true);
  expect(again.ledger.weights).toBe(0);
  expect(await again.readFloats(again.allocate('weights', 64, 'zeros'))).toEqual(
    new Float32Array(16),
  );
  expect((await openNodeGpu()).device === judge.device).toBe(true);
  // What still uses the closed device fails, and leaves the next user alone.
  expect(() => policy.upload(view, new Float32Array(16))).toThrow('was closed');
  await expect(policy.read(view)).rejects.toThrow('was closed');
  await again.idle();
});

it('opens a kept device with other kernels, but not with other features', async () => {
  keepDevices();
  const usual = await openNodeGpu();
  usual.close();
  const other = await openNodeGpu({ variants: { rows: 'memory' } });
  expect(other.device === usual.device).toBe(true);
  expect(other.variants).toEqual({ ...usual.variants, rows: 'memory' });
  other.close();
  const timed = await openNodeGpu({ features: ['timestamp-query'] });
  expect(timed.device === usual.device).toBe(false);
});

it('does not use a device again that has failed', async () => {
  const whileOpen = await openNodeGpu();
  const error = new Promise((resolve) => {
    whileOpen.device.addEventListener('uncapturederror', resolve);
  });
  whileOpen.device.createBuffer({ size: 4, usage: 0 });
  await error;
  whileOpen.close();
  const afterwards = await openNodeGpu();
  expect(afterwards.device === whileOpen.device).toBe(false);
  // The error is reported when the device is closed already.
  afterwards.device.createBuffer({ size: 4, usage: 0 });
  afterwards.close();
  const lost = await openNodeGpu();
  expect(lost.device === afterwards.device).toBe(false);
  lost.close();
  lost.device.destroy();
  const last = await openNodeGpu();
  expect(last.device === lost.device).toBe(false);
  await last.idle();
});

const nothing: Kernel = {
  name: 'nothing',
  bindings: ['write'],
  params: {},
  code: '@compute @workgroup_size(1) fn main() {}',
};
