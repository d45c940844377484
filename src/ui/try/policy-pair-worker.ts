import type * as Comlink from 'comlink';
import type { PolicyPairService } from '../../app/policy-pair-service.ts';
import { connect, type Connection } from '../../app/workers/connection.ts';

/** Starts a worker that asks policies. When it stops, `onBroken` is called and pending calls reject. */
export function connectPolicyPairWorker(
  onBroken: () => void,
): Connection<Comlink.Remote<PolicyPairService>> {
  return connect<PolicyPairService>(
    new Worker(new URL('../../app/workers/policy-pair.worker.ts', import.meta.url), {
      type: 'module',
    }),
    { name: 'The worker that writes the responses', advice: 'try again' },
    onBroken,
  );
}
