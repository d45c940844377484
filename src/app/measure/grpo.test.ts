/** GRPO steps that all do the same, so that the numbers of one are known. */
import { expect, it } from 'vitest';
import type { Gpu } from '../../gpu/device.ts';
import { openNodeGpu } from '../../gpu/node.ts';
import { nodeFolder } from '../../model/node-files.ts';
import { makeRecipe } from '../../rl/recipe/recipe.ts';
import { Bench } from './bench.ts';
import { CeilingProbes } from './ceilings.ts';
import { grpoRow, type GrpoTask } from './grpo.ts';
import { MEASURED_FEATURES } from './measure.ts';

const openGpu = (): Promise<Gpu> => openNodeGpu({ features: MEASURED_FEATURES });

it('gives the numbers of one step, however many were taken', async () => {
  const own = await openGpu();
  const probes = await CeilingProbes.open(own, 2 ** 20);
  const opened: Gpu[] = [];
  const task: GrpoTask = {
    name: 'tiny',
    recipe: makeRecipe({
      ...{ algorithm: 'grpo', seed: 0, model_name_or_path: 'public/models/policy' },
      ...{ reward_funcs: ['rule.js'], thinking: false },
      datasets: [{ path: 'json', data_files: 'prompts.jsonl' }],
      ...{ max_steps: 20, per_device_train_batch_size: 6, num_generations: 3 },
      // One token each, so that no step has more of them than another.
      ...{ max_prompt_length: 24, max_completion_length: 1 },
    }),
    around: {
      async openGpu() {
        opened.push(await openGpu());
        return opened.at(-1)!;
      },
      folder: nodeFolder,
      readFile: (path) =>
        Promise.resolve(
          path === 'rule.js'
            ? 'export default (prompt, response) => response.length;'
            : '{"prompt": "dinner"}\n{"prompt": "supper"}\n',
        ),
    },
  };
  const small = { name: 'small', layout: 'nn', m: 16, n: 32, k: 32 } as const;
  const row = await grpoRow(new Bench(own, probes, [], 0.01, 60), task, { shape: small, rate: 1 });
  probes.free();
  own.close();

  expect(opened).toHaveLength(1);
  const [{ counters, peakBytes }] = opened as [Gpu];
  const { timings, step } = row as Required<typeof row>;
  // One step warms up, and one more is profiled.
  const steps = timings + (row.kernels ? 2 : 1);
  expect(row.flops).toBeCloseTo(counters.flops / steps);
  expect(row.tokensPerSecond! * row.seconds!).toBeCloseTo(6);
  expect(row.grpo!.completionLength).toBe(1);
  expect(Number.isInteger(step.dispatches)).toBe(true);
  expect(Number.isInteger(step.submits)).toBe(true);
  expect(Number.isInteger(step.readbacks)).toBe(true);
  if (row.kernels) {
    const launches = row.kernels.reduce((sum, kernel) => sum + kernel.launches, 0);
    expect(launches).toBe(step.dispatches);
  }
  expect(step.peakBytes).toBe(peakBytes);
});
