import * as Comlink from 'comlink';
import type { TrainingListener, TrainingService } from '../../app/training-service.ts';

/** A policy worker under its own roof: `close` ends it and frees its GPU memory. */
export interface Connection {
  service: TrainingService;
  close(): void;
}

/** `onCrash` hears of errors that no call can return, such as a script that fails to load. */
export function connectPolicyWorker(onCrash: (message: string) => void): Connection {
  const worker = new Worker(new URL('../../app/workers/policy.worker.ts', import.meta.url), {
    type: 'module',
  });
  worker.onerror = (event) =>
    onCrash(
      event.message
        ? `The training worker stopped: ${event.message}. Reload the page to start again.`
        : 'The training worker could not be loaded. Check the connection and reload the page.',
    );
  const remote = Comlink.wrap<TrainingService>(worker);
  return {
    service: {
      // Functions cannot be posted: the worker calls the listener through a proxy.
      open: (recipe, listener: TrainingListener, resume) =>
        remote.open(recipe, Comlink.proxy(listener), resume),
      start: () => remote.start(),
      pause: () => remote.pause(),
      step: () => remote.step(),
      stop: () => remote.stop(),
    },
    close: () => {
      remote[Comlink.releaseProxy]();
      worker.terminate();
    },
  };
}
