/** The page's connection to the worker that measures (src/app/workers/measure.worker.ts). */
import type * as Comlink from 'comlink';
import { connect, type Connection } from '../../app/workers/connection.ts';
import type { MeasureService } from '../../app/workers/measure.worker.ts';

export type MeasureConnection = Connection<Comlink.Remote<MeasureService>>;

export function openMeasureWorker(): MeasureConnection {
  return connect<MeasureService>(
    new Worker(new URL('../../app/workers/measure.worker.ts', import.meta.url), { type: 'module' }),
    { name: 'The measuring worker', advice: 'measure again' },
  );
}
