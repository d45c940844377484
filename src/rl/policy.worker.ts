/** Comlink around PolicySession: policy, reference and optimizer live here, on one device. */
import * as Comlink from 'comlink';
import { parse } from 'yaml';
import defaultRecipe from '../../recipes/default.yaml?raw';
import { Gpu } from '../gpu/device.ts';
import { pageBaseFolder, pageModelFolder } from './page-paths.ts';
import { PolicySession, type LiveSurroundings } from './policy-session.ts';
import type { RecipeValues } from './protocol.ts';
import type { Reward } from './reward.ts';
import { browserRunFolder } from './run-folder.browser.ts';
import type { RewardService } from './reward.worker.ts';
import type { JudgeKind, OnLoading } from './session.ts';
import { readPageFile } from './stored-data.ts';

/** A reward in a worker of its own. */
async function rewardWorker(
  path: string,
  kind: JudgeKind,
  question?: string,
  onLoading?: OnLoading,
): Promise<Reward> {
  const worker = new Worker(new URL('./reward.worker.ts', import.meta.url), { type: 'module' });
  const remote = Comlink.wrap<RewardService>(worker);
  const name = await remote.open(path, kind, question, onLoading && Comlink.proxy(onLoading));
  return { name, score: (texts) => remote.score(texts) };
}

const surroundings = async (): Promise<LiveSurroundings> => ({
  gpu: await Gpu.open(navigator.gpu),
  folder: pageModelFolder,
  baseFolder: pageBaseFolder,
  readFile: readPageFile,
  openReward: rewardWorker,
  keptRun: (fresh) => browserRunFolder('live', fresh),
});

Comlink.expose(new PolicySession(surroundings, parse(defaultRecipe) as RecipeValues));
