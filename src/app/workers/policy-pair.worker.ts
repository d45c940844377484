/** Comlink around PolicyPair, which has its own device, so it also works while a run trains. */
import * as Comlink from 'comlink';
import { parse } from 'yaml';
import defaultRecipe from '../../../recipes/default.yaml?raw';
import { Gpu } from '../../gpu/device.ts';
import { PolicyPair, type PolicyPairSurroundings } from '../policy-pair.ts';
import { pageBaseFolder, pageModelFolder } from '../page-paths.ts';
import { nowhere } from '../../rl/runs/run-folder.ts';
import { browserRunFolder } from '../../rl/runs/run-folder.browser.ts';
import { readPageFile } from '../stored-data.ts';

const surroundings = async (): Promise<PolicyPairSurroundings> => ({
  gpu: await Gpu.open(navigator.gpu),
  folder: pageModelFolder,
  baseFolder: pageBaseFolder,
  readFile: readPageFile,
  // Some private windows have no storage.
  keptRun: () => browserRunFolder('live', false).catch(() => nowhere),
});

Comlink.expose(new PolicyPair(surroundings, parse(defaultRecipe) as Record<string, unknown>));
