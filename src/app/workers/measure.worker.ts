/** Comlink around the measurement, on devices of its own; closing the worker stops it. */
import type { Gpu } from '../../gpu/device.ts';
import { makeRecipe } from '../../rl/recipe/recipe.ts';
import { DEFAULT_RECIPE } from '../default-recipe.ts';
import {
  measure,
  MEASURED_FEATURES,
  tasksFor,
  VISITOR,
  type Progress,
} from '../measure/measure.ts';
import type { Measurement } from '../measure/measurement.ts';
import { openGpu } from '../open-gpu.ts';
import { pageModelFolder } from '../page-paths.ts';
import { readPageFile } from '../stored-data.ts';
import { serve } from './serve.ts';

const open = (): Promise<Gpu> => openGpu(MEASURED_FEATURES);

const service = {
  /** Measures everything. @param ponder the commit of the build, if it is known */
  async measure(
    ponder: string | null,
    onProgress: (progress: Progress) => void,
  ): Promise<Measurement> {
    return measure({
      gpu: await open(),
      patience: VISITOR,
      browser: navigator.userAgent,
      ponder,
      tasks: (rate) =>
        tasksFor(rate, {
          name: 'recipes/default.yaml',
          recipe: makeRecipe(DEFAULT_RECIPE),
          around: { openGpu: open, folder: pageModelFolder, readFile: readPageFile },
        }),
      onProgress,
    });
  },
};

export type MeasureService = typeof service;

serve(service);
