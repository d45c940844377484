/** Comlink around LiveRun: policy, reference and optimizer are here, on one device. */
import * as Comlink from 'comlink';
import { DEFAULT_RECIPE } from '../default-recipe.ts';
import { LIVE_RUN, pageBaseFolder, pageModelFolder } from '../page-paths.ts';
import { LiveRun, type LiveSurroundings } from '../live-run.ts';
import { openGpu } from '../open-gpu.ts';
import { browserRunFolder } from '../../rl/runs/run-folder.browser.ts';
import { connect, type Connection } from './connection.ts';
import type { RewardService } from './reward.worker.ts';
import { readPageFile } from '../stored-data.ts';
import { TASTE_RUN } from '../taste.ts';

async function surroundings(): Promise<LiveSurroundings> {
  const gpu = await openGpu();
  const rewards: Connection<Comlink.Remote<RewardService>>[] = [];
  return {
    gpu,
    folder: pageModelFolder,
    baseFolder: pageBaseFolder,
    readFile: readPageFile,
    // Each in a worker of its own.
    openReward: async (path, kind, question, onLoading) => {
      const reward = connect<RewardService>(
        new Worker(new URL('./reward.worker.ts', import.meta.url), { type: 'module' }),
        { name: 'The reward worker', advice: 'train again' },
      );
      rewards.push(reward);
      const heard = onLoading && Comlink.proxy(onLoading);
      const name = await reward.service.open(path, kind, question, heard);
      return { name, score: (texts) => reward.service.score(texts) };
    },
    // A judge in training does not replace the policy's run.
    keptRun: (fresh, { algorithm }) =>
      browserRunFolder(algorithm === 'reward' ? TASTE_RUN : LIVE_RUN, fresh),
    close: () => {
      for (const reward of rewards) reward.close();
      gpu.close();
    },
  };
}

Comlink.expose(new LiveRun(surroundings, DEFAULT_RECIPE));
