/** A worker's side of a connection (connection.ts). */
import * as Comlink from 'comlink';
import { watchForeign } from '../../model/foreign.ts';
import type { ForeignMessage } from './foreign-deadline.ts';

/** Lets the thread that began this worker call `service`, and watch the worker's foreign calls. */
export function serve(service: object): void {
  watchForeign((foreign) => self.postMessage({ foreign } satisfies ForeignMessage));
  Comlink.expose(service);
}
