import { expect, it, vi } from 'vitest';
import { openNodeGpu } from '../gpu/node.ts';
import { makeRecipe } from '../rl/recipe/recipe.ts';
import { DEFAULT_RECIPE } from '../app/default-recipe.ts';
import { MEASURED_FEATURES, type MeasureOptions } from '../app/measure/measure.ts';
import { measureInNode } from './bench-node.ts';

const close = vi.fn();
vi.mock('../gpu/node.ts', () => ({ openNodeGpu: vi.fn(() => Promise.resolve({ close })) }));
vi.mock('../app/measure/measure.ts', async (original) => ({
  ...(await original<object>()),
  measure: (options: MeasureOptions) => Promise.resolve(options),
}));

it('measures all parts on a device with timestamps, and closes it', async () => {
  const asked = { ponder: 'a1b2c3', groups: ['grpo' as const] };
  const options: unknown = await measureInNode('a.yaml', makeRecipe(DEFAULT_RECIPE), asked);
  expect(options).toMatchObject({ ...asked, browser: `Node ${process.version}` });
  expect(openNodeGpu).toHaveBeenCalledWith({ features: MEASURED_FEATURES });
  expect(close).toHaveBeenCalledOnce();
  const tasks = (options as MeasureOptions).tasks(1e10);
  expect(tasks.at(-1)).toMatchObject({ group: 'grpo', name: 'GRPO steps of a.yaml' });
});
