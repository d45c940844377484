import * as Comlink from 'comlink';
import type { PolicyPairService } from '../../app/policy-pair.ts';

/** A worker that asks policies; `close` ends it and frees its GPU memory. */
export interface PolicyPairConnection {
  service: Comlink.Remote<PolicyPairService>;
  /** Rejects with a sentence should the worker stop: what it was asked is never answered then. */
  broken: Promise<never>;
  close(): void;
}

export function connectPolicyPairWorker(): PolicyPairConnection {
  const worker = new Worker(new URL('../../app/workers/policy-pair.worker.ts', import.meta.url), {
    type: 'module',
  });
  const broken = new Promise<never>((_, reject) => {
    worker.onerror = (event) => {
      event.preventDefault();
      // A script that fails to load has no message.
      const what = event.message
        ? `The worker that writes the answers stopped (${event.message}).`
        : 'The models could not be loaded; check the connection.';
      reject(new Error(`${what} Please try again.`));
    };
  });
  const service = Comlink.wrap<PolicyPairService>(worker);
  return {
    service,
    broken,
    close: () => {
      service[Comlink.releaseProxy]();
      worker.terminate();
    },
  };
}
