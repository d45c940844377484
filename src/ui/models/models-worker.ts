import * as Comlink from 'comlink';
import type { ModelsService } from '../../app/workers/models.worker.ts';

let remote: Comlink.Remote<ModelsService> | undefined;

/** Started when first needed: it knows every kernel, in order to plan with them. */
export function modelsWorker(): Comlink.Remote<ModelsService> {
  remote ??= Comlink.wrap<ModelsService>(
    new Worker(new URL('../../app/workers/models.worker.ts', import.meta.url), { type: 'module' }),
  );
  return remote;
}
