import type * as Comlink from 'comlink';
import { connect, type Connection } from '../../app/workers/connection.ts';
import type { ModelsService } from '../../app/workers/models.worker.ts';
import { TRAINER_STATE } from '../../rl/runs/trainer-state.ts';
import type { DroppedModel } from './dropped-models.ts';

type Models = Connection<Comlink.Remote<ModelsService>>;

const start = (name: string, onBroken?: () => void): Models =>
  connect<ModelsService>(
    new Worker(new URL('../../app/workers/models.worker.ts', import.meta.url), { type: 'module' }),
    { name, advice: 'try again' },
    onBroken,
  );

/** A worker that starts when first needed. If it breaks, the next call starts another one. */
function kept(name: string): () => Models['service'] {
  let connection: Models | undefined;
  return () => (connection ??= start(name, () => (connection = undefined))).service;
}

/** It loads every kernel to plan with. It calls no template and no tokenizer, which may not end. */
export const modelsWorker = kept('The worker that reads models');

/** Shows what models will read, by their templates and tokenizers. */
export const previewWorker = kept('The worker that previews models');

/**
 * Inspects a model that was brought, in a worker of its own.
 * @param signal ends the worker, whatever it does
 */
export async function inspectModel(
  { name, files, state }: DroppedModel,
  signal: AbortSignal,
): Promise<void> {
  const worker = start('The worker that inspects models');
  signal.addEventListener('abort', () => worker.close());
  try {
    const inspected = state ? new Map([...files, [TRAINER_STATE, state]]) : files;
    await worker.service.inspect(name, inspected);
  } finally {
    worker.close();
  }
}
