/** Comlink around LiveRun: policy, reference and optimizer are here, on one device. */
import * as Comlink from 'comlink';
import { DEFAULT_RECIPE } from '../default-recipe.ts';
import { pageBaseFolder, pageModelFolder } from '../page-paths.ts';
import type { LiveSurroundings } from '../live-devices.ts';
import { LiveRun } from '../live-run.ts';
import { openGpu } from '../open-gpu.ts';
import { browserRuns } from '../../rl/runs/run-folder.browser.ts';
import { within } from '../../rl/runs/run-folder.ts';
import { connect, type Connection } from './connection.ts';
import type { RewardService } from './reward.worker.ts';
import { ELSEWHERE, holdRun } from '../runs/lock.ts';
import { readPageFile } from '../stored-data.ts';
import { serve } from './serve.ts';

async function surroundings(): Promise<LiveSurroundings> {
  const gpu = await openGpu();
  let release = (): void => undefined;
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
    claim: async (id) => {
      const runs = await browserRuns();
      const held = await holdRun(id);
      if (!held) throw new Error(ELSEWHERE);
      release = held;
      return within(runs, id);
    },
    close: () => {
      release();
      for (const reward of rewards) reward.close();
      gpu.close();
    },
  };
}

serve(new LiveRun(surroundings, DEFAULT_RECIPE));
