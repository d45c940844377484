/** Comlink around PolicySession: policy, reference and optimizer live here, on one device. */
import * as Comlink from 'comlink';
import { parse } from 'yaml';
import defaultRecipe from '../../recipes/default.yaml?raw';
import { Gpu } from '../gpu/device.ts';
import { urlFolder } from '../model/files.ts';
import { PolicySession, type LiveSurroundings } from './policy-session.ts';
import type { Reward } from './reward.ts';
import { browserRunFolder } from './run-folder.browser.ts';
import type { RewardService } from './reward.worker.ts';

/** The reward model in a worker of its own, as a reward. */
async function rewardWorker(url: string): Promise<Reward> {
  const worker = new Worker(new URL('./reward.worker.ts', import.meta.url), { type: 'module' });
  const remote = Comlink.wrap<RewardService>(worker);
  await remote.open(url);
  return { name: 'reward_model', score: (texts) => remote.score(texts) };
}

/**
 * Paths in recipes are relative to the page, which is one folder above the built workers; what lies
 * under public/ in the source tree is served beside the page.
 */
const atPage = (path: string): string =>
  new URL(path.replace(/^public\//, ''), self.location.origin + pageFolder()).href;

function pageFolder(): string {
  const { pathname } = self.location;
  const assets = pathname.lastIndexOf('/assets/');
  return assets >= 0 ? pathname.slice(0, assets + 1) : '/';
}

const surroundings = async (): Promise<LiveSurroundings> => ({
  gpu: await Gpu.open(navigator.gpu),
  folder: (path) => Promise.resolve(urlFolder(atPage(path))),
  readFile: async (path) => (await fetch(atPage(path))).text(),
  openReward: (path) => rewardWorker(atPage(path)),
  keptRun: (fresh) => browserRunFolder('live', fresh),
});

Comlink.expose(new PolicySession(surroundings, parse(defaultRecipe) as Record<string, unknown>));
