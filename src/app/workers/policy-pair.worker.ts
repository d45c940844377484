/** Comlink around PolicyPair, which has its own device, so it also works while a run trains. */
import * as Comlink from 'comlink';
import { DEFAULT_RECIPE } from '../default-recipe.ts';
import { PolicyPair, type PolicyPairSurroundings } from '../policy-pair.ts';
import { openGpu } from '../open-gpu.ts';
import { LIVE_RUN, pageBaseFolder, pageModelFolder } from '../page-paths.ts';
import { nowhere } from '../../rl/runs/run-folder.ts';
import { browserRunFolder } from '../../rl/runs/run-folder.browser.ts';
import { readPageFile } from '../stored-data.ts';

const surroundings = async (): Promise<PolicyPairSurroundings> => ({
  gpu: await openGpu(),
  folder: pageModelFolder,
  baseFolder: pageBaseFolder,
  readFile: readPageFile,
  // Some private windows have no storage.
  keptRun: () => browserRunFolder(LIVE_RUN, false).catch(() => nowhere),
});

Comlink.expose(new PolicyPair(surroundings, DEFAULT_RECIPE));
