import * as Comlink from 'comlink';
import type { TrainingListener, TrainingService } from '../../app/training-service.ts';
import { connect, type Connection } from '../../app/workers/connection.ts';

/** Starts a policy worker. `onBroken` gets a sentence when the worker stops, at any time. */
export function connectPolicyWorker(
  onBroken: (reason: Error) => void,
): Connection<TrainingService> {
  const connection = connect<TrainingService>(
    new Worker(new URL('../../app/workers/policy.worker.ts', import.meta.url), { type: 'module' }),
    { name: 'The training worker', advice: 'reload the page' },
    onBroken,
  );
  const { service: remote } = connection;
  return {
    service: {
      // Functions cannot be posted: the worker calls the listener through a proxy.
      begin: (run, listener: TrainingListener) => remote.begin(run, Comlink.proxy(listener)),
      goOn: (run, listener: TrainingListener) => remote.goOn(run, Comlink.proxy(listener)),
      start: () => remote.start(),
      pause: () => remote.pause(),
      step: () => remote.step(),
      save: () => remote.save(),
      stop: () => remote.stop(),
    },
    close: () => connection.close(),
  };
}
