import type * as Comlink from 'comlink';
import { connect, type Connection } from '../../app/workers/connection.ts';
import type { ReportSource } from '../run/viewed-run.svelte.ts';
import type { RunsService } from '../../app/workers/runs.worker.ts';

let connection: Connection<Comlink.Remote<RunsService>> | undefined;

/** Started when first needed. If the worker breaks, the next call starts another one. */
export function runsWorker(): Comlink.Remote<RunsService> {
  connection ??= connect<RunsService>(
    new Worker(new URL('../../app/workers/runs.worker.ts', import.meta.url), { type: 'module' }),
    { name: 'The worker that reads runs', advice: 'try again' },
    () => (connection = undefined),
  );
  return connection.service;
}

/** Reads the reports of a stored run from its folder. */
export const storedReports = (id: string): ReportSource => ({
  read: ({ metrics }) => runsWorker().report(id, metrics),
  readAll: () => runsWorker().openWhole(id),
});
