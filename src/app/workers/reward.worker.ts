/** Scores responses on its own device while the policy writes the next ones. */
import { pageBaseFolder, pageModelFolder } from '../page-paths.ts';
import type { JudgedText, Reward } from '../../rl/rewards/reward.ts';
import { openReward } from '../opening/rewards.ts';
import type { RewardKind, OnLoading } from '../opening/surroundings.ts';
import { openGpu } from '../open-gpu.ts';
import { readPageFile } from '../stored-data.ts';
import { serve } from './serve.ts';

let judge: Reward | undefined;

const service = {
  /** Returns the name that the reward has in the metrics. */
  async open(
    path: string,
    kind: RewardKind,
    question?: string,
    onLoading?: OnLoading,
  ): Promise<string> {
    const around = {
      folder: pageModelFolder,
      baseFolder: pageBaseFolder,
      readFile: readPageFile,
      ...(onLoading && { onLoading }),
    };
    judge = await openReward(path, kind, question, openGpu, around);
    return judge.name;
  },
  score(texts: readonly JudgedText[]): Promise<number[]> {
    if (!judge) throw new Error('the reward is not open');
    return judge.score(texts);
  },
};

export type RewardService = typeof service;

serve(service);
