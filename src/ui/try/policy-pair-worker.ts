import type * as Comlink from 'comlink';
import type { PolicyPairService } from '../../app/policy-pair.ts';
import { connect, type Connection } from '../../app/workers/connection.ts';

/** A worker that asks policies. `onBroken` hears that it stopped: what it was asked rejects by itself. */
export function connectPolicyPairWorker(
  onBroken: () => void,
): Connection<Comlink.Remote<PolicyPairService>> {
  return connect<PolicyPairService>(
    new Worker(new URL('../../app/workers/policy-pair.worker.ts', import.meta.url), {
      type: 'module',
    }),
    { name: 'The worker that writes the answers', advice: 'try again' },
    onBroken,
  );
}
