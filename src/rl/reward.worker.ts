/** Scores responses on a device of its own, while the policy writes the next ones. */
import * as Comlink from 'comlink';
import { Gpu } from '../gpu/device.ts';
import { pageModelFolder } from './page-paths.ts';
import type { JudgedText } from './reward.ts';
import type { RewardModel } from './reward-model.ts';
import { openRewardModel } from './session.ts';

let judge: RewardModel | undefined;

const service = {
  async open(path: string): Promise<void> {
    judge = await openRewardModel(await Gpu.open(navigator.gpu), await pageModelFolder(path));
  },
  score(texts: readonly JudgedText[]): Promise<number[]> {
    if (!judge) throw new Error('the reward model is not open');
    return judge.score(texts);
  },
};

export type RewardService = typeof service;

Comlink.expose(service);
