/** Comlink around LiveRun: policy, reference and optimizer live here, on one device. */
import * as Comlink from 'comlink';
import { parse } from 'yaml';
import defaultRecipe from '../../../recipes/default.yaml?raw';
import { Gpu } from '../../gpu/device.ts';
import { pageBaseFolder, pageModelFolder } from '../page-paths.ts';
import { LiveRun, type LiveSurroundings } from '../live-run.ts';
import type { RecipeValues } from '../../rl/recipe/values.ts';
import type { Reward } from '../../rl/rewards/reward.ts';
import { browserRunFolder } from '../../rl/runs/run-folder.browser.ts';
import type { RewardService } from './reward.worker.ts';
import type { JudgeKind, OnLoading } from '../opening/surroundings.ts';
import { readPageFile } from '../stored-data.ts';
import { JUDGE_RUN } from '../taste.ts';

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
  // A judge in training does not take the place of the policy's run.
  keptRun: (fresh, { algorithm }) =>
    browserRunFolder(algorithm === 'reward' ? JUDGE_RUN : 'live', fresh),
});

Comlink.expose(new LiveRun(surroundings, parse(defaultRecipe) as RecipeValues));
