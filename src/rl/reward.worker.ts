/** Scores responses on a device of its own, while the policy writes the next ones. */
import * as Comlink from 'comlink';
import { Gpu } from '../gpu/device.ts';
import { urlFolder } from '../model/files.ts';
import type { JudgedText } from './reward.ts';
import type { RewardModel } from './reward-model.ts';
import { openRewardModel } from './session.ts';

let judge: RewardModel | undefined;

const service = {
  async open(url: string): Promise<void> {
    judge = await openRewardModel(await Gpu.open(navigator.gpu), urlFolder(url));
  },
  score(texts: readonly JudgedText[]): Promise<number[]> {
    if (!judge) throw new Error('the reward model is not open');
    return judge.score(texts);
  },
};

export type RewardService = typeof service;

Comlink.expose(service);
