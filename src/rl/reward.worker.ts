/** Scores responses on a device of its own, while the policy writes the next ones. */
import * as Comlink from 'comlink';
import { Gpu } from '../gpu/device.ts';
import { pageModelFolder } from './page-paths.ts';
import type { JudgedText, Reward } from './reward.ts';
import { openJudge, type JudgeKind } from './session.ts';

let judge: Reward | undefined;

const service = {
  /** The name that the reward's metrics carry. */
  async open(path: string, kind: JudgeKind): Promise<string> {
    judge = await openJudge(await Gpu.open(navigator.gpu), await pageModelFolder(path), kind);
    return judge.name;
  },
  score(texts: readonly JudgedText[]): Promise<number[]> {
    if (!judge) throw new Error('the reward model is not open');
    return judge.score(texts);
  },
};

export type RewardService = typeof service;

Comlink.expose(service);
