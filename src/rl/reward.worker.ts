/** Scores responses on a device of its own, while the policy writes the next ones. */
import * as Comlink from 'comlink';
import { Gpu } from '../gpu/device.ts';
import { pageModelFolder } from './page-paths.ts';
import type { JudgedText, Reward } from './reward.ts';
import { openJudge, type JudgeKind, type OnLoading } from './session.ts';

let judge: Reward | undefined;

const service = {
  /** The name that the reward's metrics carry. */
  async open(path: string, kind: JudgeKind, onLoading?: OnLoading): Promise<string> {
    const gpu = await Gpu.open(navigator.gpu);
    judge = await openJudge(gpu, await pageModelFolder(path), kind, onLoading);
    return judge.name;
  },
  score(texts: readonly JudgedText[]): Promise<number[]> {
    if (!judge) throw new Error('the reward model is not open');
    return judge.score(texts);
  },
};

export type RewardService = typeof service;

Comlink.expose(service);
