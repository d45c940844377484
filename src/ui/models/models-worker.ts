import type * as Comlink from 'comlink';
import { connect, type Connection } from '../../app/workers/connection.ts';
import type { ModelsService } from '../../app/workers/models.worker.ts';

let connection: Connection<Comlink.Remote<ModelsService>> | undefined;

/**
 * Started when first needed, because it loads every kernel to plan with. If the worker breaks, the
 * next call starts another one.
 */
export function modelsWorker(): Comlink.Remote<ModelsService> {
  connection ??= connect<ModelsService>(
    new Worker(new URL('../../app/workers/models.worker.ts', import.meta.url), { type: 'module' }),
    { name: 'The worker that reads models', advice: 'try again' },
    () => (connection = undefined),
  );
  return connection.service;
}

/**
 * Inspects a model that was brought.
 * @param signal ends the worker, because foreign code in it may not end
 */
export async function inspectModel(
  name: string,
  files: ReadonlyMap<string, File>,
  signal: AbortSignal,
): Promise<void> {
  const worker = modelsWorker();
  const inspecting = connection;
  const end = (): void => {
    inspecting?.close();
    if (connection === inspecting) connection = undefined;
  };
  signal.addEventListener('abort', end, { once: true });
  try {
    await worker.inspect(name, files);
  } finally {
    signal.removeEventListener('abort', end);
  }
}
