/** Comlink around PolicyPair, which has its own device, so it also works while a run trains. */
import { DEFAULT_RECIPE } from '../default-recipe.ts';
import { PolicyPair, type PolicyPairSurroundings } from '../policy-pair.ts';
import { openGpu } from '../open-gpu.ts';
import { pageBaseFolder, pageModelFolder } from '../page-paths.ts';
import { nowhere, within } from '../../rl/runs/run-folder.ts';
import { browserRuns } from '../../rl/runs/run-folder.browser.ts';
import { readPageFile } from '../stored-data.ts';
import { serve } from './serve.ts';

const surroundings = async (): Promise<PolicyPairSurroundings> => ({
  gpu: await openGpu(),
  folder: pageModelFolder,
  baseFolder: pageBaseFolder,
  readFile: readPageFile,
  // Some private windows have no storage.
  run: (id) =>
    browserRuns().then(
      (runs) => within(runs, id),
      () => nowhere,
    ),
});

serve(new PolicyPair(surroundings, DEFAULT_RECIPE));
