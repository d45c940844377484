import * as Comlink from 'comlink';
import type { GenerateService } from '../../rl/generate-session.ts';

/** A worker that asks policies; `close` ends it and frees its GPU memory. */
export interface GenerateConnection {
  service: Comlink.Remote<GenerateService>;
  close(): void;
}

/** `onCrash` hears of errors that no call can return, such as a script that fails to load. */
export function connectGenerateWorker(onCrash: () => void): GenerateConnection {
  const worker = new Worker(new URL('../../rl/generate.worker.ts', import.meta.url), {
    type: 'module',
  });
  worker.onerror = onCrash;
  const service = Comlink.wrap<GenerateService>(worker);
  return {
    service,
    close: () => {
      service[Comlink.releaseProxy]();
      worker.terminate();
    },
  };
}
