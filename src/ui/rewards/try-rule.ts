import type { JudgedText } from '../../rl/rewards/reward.ts';
import { connect } from '../../app/workers/connection.ts';
import type { RewardService } from '../../app/workers/reward.worker.ts';
import { storedPath } from '../../app/page-paths.ts';

/** Runs a stored rule where training would: in its sandbox, in a worker. Rejects with a sentence. */
export async function tryRule(file: string, texts: readonly JudgedText[]): Promise<number[]> {
  const connection = connect<RewardService>(
    new Worker(new URL('../../app/workers/reward.worker.ts', import.meta.url), { type: 'module' }),
    { name: 'The worker that runs rules', advice: 'try again' },
  );
  try {
    await connection.service.open(storedPath(file), 'rule');
    return await connection.service.score(texts);
  } finally {
    connection.close();
  }
}
