import * as Comlink from 'comlink';
import type { JudgedText } from '../../rl/rewards/reward.ts';
import type { RewardService } from '../../app/workers/reward.worker.ts';
import { storedDataPath } from '../../app/stored-data.ts';

/** Runs a stored rule where training would: in its sandbox, in a worker. Rejects with a sentence. */
export async function tryRule(file: string, texts: readonly JudgedText[]): Promise<number[]> {
  const worker = new Worker(new URL('../../app/workers/reward.worker.ts', import.meta.url), {
    type: 'module',
  });
  const broken = new Promise<never>((_, reject) => {
    worker.onerror = () =>
      reject(new Error('The rule could not be run: check the connection and reload the page.'));
  });
  const remote = Comlink.wrap<RewardService>(worker);
  const run = async (): Promise<number[]> => {
    await remote.open(storedDataPath(file), 'rule');
    return remote.score(texts);
  };
  try {
    return await Promise.race([run(), broken]);
  } finally {
    worker.terminate();
  }
}
