import { expect, it } from 'vitest';
import { FAMILIES } from './families.ts';
import { LEAST_BINDING, longest, pageSays, plan, USUAL_BINDING, type Setting } from './limits.ts';

const setting = (change: Partial<Setting> = {}): Setting => ({
  // Fewer layers, because planning a layer takes time.
  config: { ...FAMILIES['Llama 3.2 1B']!, layers: 4 },
  ...{ bits: 'int4', group: 4, memory: 3e9, maxBinding: USUAL_BINDING },
  ...change,
});

it('finds the longest context that the page accepts too: 64 tokens more do not fit', () => {
  const length = longest(setting())!;
  expect(length).toBeGreaterThan(1024);
  expect(pageSays(setting(), length)).toBeUndefined();
  expect(pageSays(setting(), length + 64)).toMatch(/it takes .* GB, and about/);
});

it('stops at the largest binding where that comes before the memory', () => {
  const small = setting({ maxBinding: LEAST_BINDING, memory: 24e9 });
  const length = longest(small)!;
  expect(plan(small, length).largest).toBeLessThanOrEqual(LEAST_BINDING);
  expect(pageSays(small, length + 64)).toMatch(/in one piece/);
});

it('says when a matrix is larger than a binding, or a model than the card', () => {
  const config = FAMILIES['Llama 3.1 8B']!;
  const group = { config, group: 4 };
  expect(
    longest(setting({ ...group, bits: 'f16', maxBinding: LEAST_BINDING, memory: 1e12 })),
  ).toBeUndefined();
  expect(longest(setting({ ...group, bits: 'int4' }))).toBeUndefined();
});

it('knows the sizes of the checkpoints', () => {
  // Numbers of the layers and of the tables in f16: two bytes each, and an adapter of 1% beside them.
  const parameters = { 'SmolLM2 135M': 135e6, 'Llama 3.2 1B': 1.236e9 };
  for (const [name, count] of Object.entries(parameters)) {
    const { ledger } = plan(
      setting({ config: FAMILIES[name]!, bits: 'f16', maxBinding: Infinity }),
      320,
    );
    const weights = ledger.weights - ledger.gradients;
    expect(weights / (2 * count), name).toBeCloseTo(1, 2);
  }
});
