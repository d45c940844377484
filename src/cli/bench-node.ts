/** `bench --adapter node`: measures in this process, on the device that training from the command line uses. */
import {
  measure,
  MEASURED_FEATURES,
  tasksFor,
  THOROUGH,
  type MeasureOptions,
} from '../app/measure/measure.ts';
import type { Measurement } from '../app/measure/measurement.ts';
import { openNodeGpu } from '../gpu/node.ts';
import type { Recipe } from '../rl/recipe/recipe.ts';
import { recipeFiles } from './open.ts';

const openGpu = () => openNodeGpu({ features: MEASURED_FEATURES });

/** @param name of the recipe, in the result */
export async function measureInNode(
  name: string,
  recipe: Recipe,
  options: Pick<MeasureOptions, 'ponder' | 'groups' | 'onProgress'>,
): Promise<Measurement> {
  const gpu = await openGpu();
  try {
    return await measure({
      ...options,
      gpu,
      patience: THOROUGH,
      browser: `Node ${process.version}`,
      tasks: (rate) => tasksFor(rate, { name, recipe, around: { openGpu, ...recipeFiles } }),
    });
  } finally {
    gpu.close();
  }
}
