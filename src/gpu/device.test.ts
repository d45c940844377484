import { expect, it, vi } from 'vitest';
import { fakeApi } from '../../tests/fake-adapter.ts';
import { Gpu } from './device.ts';
import { KERNELS_FOR } from './variants.ts';

const { card: FOR_CARDS, cpu: FOR_CPUS, wide: WIDE } = KERNELS_FOR;

it.each([
  ['a CPU', ['subgroups'], 4, true, '', FOR_CPUS],
  ['lavapipe', ['subgroups'], 8, true, 'llvmpipe: Mesa 25.0.7-2 (LLVM 15.0.6)', FOR_CPUS],
  ['a newer lavapipe', ['subgroups'], 8, true, 'llvmpipe: Mesa 26.2.6-1 (LLVM 22.1.8)', WIDE],
  ['another adapter in software', ['subgroups'], 8, true, '', FOR_CARDS],
  ['a card', ['subgroups'], 32, false, '', FOR_CARDS],
  ['an adapter without subgroups', [], 4, false, '', { ...FOR_CARDS, rows: 'memory' }],
] as const)(
  'chooses the kernel variants for %s',
  async (_, features, subgroupMaxSize, isFallbackAdapter, description, variants) => {
    const api = fakeApi({ features, subgroupMaxSize, isFallbackAdapter, description });
    const { variants: chosen } = await Gpu.open(api);
    expect(chosen).toEqual(variants);
  },
);

it("runs the kernels for cards on an Arm card, though its subgroups are as small as a CPU's", async () => {
  const { variants } = await Gpu.open(fakeApi({ subgroupMaxSize: 4, vendor: 'arm' }));
  expect(variants).toEqual(FOR_CARDS);
});

it('runs the variants that it is told to', async () => {
  const api = fakeApi({ subgroupMaxSize: 4 });
  const { variants } = await Gpu.open(api, { variants: { matmul: 'blocked' } });
  expect(variants).toEqual({ ...FOR_CPUS, matmul: 'blocked' });
});

it('measures a graphics card, unless the caller chose its products or it is software', async () => {
  const rates = { large: 4, medium: 3, narrow: 2, small: 1 };
  const card = { full: rates, alone: rates, packed: ['f16' as const] };
  const measure = vi.fn(() => Promise.resolve(card));
  const api = fakeApi();
  expect((await Gpu.open(api, { measure })).variants).toEqual({ ...FOR_CARDS, card });
  const told = await Gpu.open(api, { measure, variants: { matmul: 'blocked' } });
  expect(told.variants).toEqual(FOR_CARDS);
  const onCpu = await Gpu.open(fakeApi({ subgroupMaxSize: 4 }), { measure });
  expect(onCpu.variants).toEqual(FOR_CPUS);
  const software = await Gpu.open(fakeApi({ isFallbackAdapter: true }), { measure });
  expect(software.variants).toEqual(FOR_CARDS);
  expect(measure).toHaveBeenCalledTimes(1);
});

it('begins with submits of the size that a measured card allows, else with small ones', async () => {
  const rates = { large: 1e12, medium: 8e11, narrow: 6e11, small: 3e11 };
  const measure = () => Promise.resolve({ full: rates, alone: rates, packed: [] });
  let kept: Gpu | undefined;
  const keep = (gpu: Gpu) => (kept = gpu);
  const measured = await Gpu.open(fakeApi(), { measure, keep });
  expect(measured.pace.rate).toBe(5e11);
  measured.pace.rate = 5e12;
  measured.close();
  const measureAgain = vi.fn();
  const again = await kept!.reopen({ measure: measureAgain });
  expect(measureAgain).not.toHaveBeenCalled();
  expect(again.variants.card!.full).toEqual(rates);
  expect(again.pace.rate).toBe(5e12);
  expect((await Gpu.open(fakeApi())).pace.rate).toBe(5e9);
  const weakest = { large: 1e9, medium: 1e9, narrow: 1e9, small: 1e9 };
  const slow = () => Promise.resolve({ full: weakest, alone: weakest, packed: [] });
  expect((await Gpu.open(fakeApi(), { measure: slow })).pace.rate).toBe(5e9);
  const wrong = { large: 1e15, medium: 1e15, narrow: 1e15, small: 1e15 };
  const fast = () => Promise.resolve({ full: wrong, alone: wrong, packed: [] });
  expect((await Gpu.open(fakeApi(), { measure: fast })).pace.rate).toBe(1e12);
});

it('asks for the features that its kernels use, and no others', async () => {
  const features = ['shader-f16', 'subgroups', 'timestamp-query'];
  const { device } = await Gpu.open(fakeApi({ features }));
  expect([...device.features]).toEqual(['subgroups']);
});

it('refuses to open without an adapter', async () => {
  await expect(Gpu.open(undefined)).rejects.toThrow('WebGPU is not available here');
});

it('opens an adapter that says nothing of itself, as in Chrome before 127', async () => {
  const gpu = await Gpu.open(fakeApi({ features: [], info: undefined }));
  expect(gpu.variants.matmul).toBe('blocked');
  expect(gpu.info.vendor).toBe('');
});
