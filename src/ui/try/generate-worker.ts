import * as Comlink from 'comlink';
import type { GenerateService } from '../../rl/generate-session.ts';

/** A worker that asks policies; `close` ends it and frees its GPU memory. */
export interface GenerateConnection {
  service: Comlink.Remote<GenerateService>;
  /** Rejects with a sentence should the worker stop: what it was asked is never answered then. */
  broken: Promise<never>;
  close(): void;
}

export function connectGenerateWorker(): GenerateConnection {
  const worker = new Worker(new URL('../../rl/generate.worker.ts', import.meta.url), {
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
  const service = Comlink.wrap<GenerateService>(worker);
  return {
    service,
    broken,
    close: () => {
      service[Comlink.releaseProxy]();
      worker.terminate();
    },
  };
}
