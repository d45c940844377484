/** The stored runs: listed, opened, measured, written to a .zip and read from one. */
import * as Comlink from 'comlink';
import { DEFAULT_RECIPE } from '../default-recipe.ts';
import { formatBytes } from '../format.ts';
import { messageOf } from '../message-of.ts';
import { moveEarlierRuns } from '../runs/earlier-version.ts';
import { exportRun } from '../runs/export-run.ts';
import { newRunId, writeFacts, type RunFacts } from '../runs/facts.ts';
import { importRun } from '../runs/import-run.ts';
import { heldRuns, whileFactsHeld, whileHeld } from '../runs/lock.ts';
import {
  isEmpty,
  listRuns,
  openRun,
  sizeOf,
  type OpenedRun,
  type StoredRun,
} from '../runs/stored-runs.ts';
import { readStoredData, storeData } from '../stored-data.ts';
import { writeZip } from '../take-home.ts';
import { browserRuns } from '../../rl/runs/run-folder.browser.ts';
import { within } from '../../rl/runs/run-folder.ts';

let cancelling = new AbortController();
/** Facts are written one after the other, so that the last ones stay. */
let writing: Promise<void> = Promise.resolve();
let moved: Promise<void> | undefined;

const service = {
  async list(): Promise<StoredRun[]> {
    const runs = await browserRuns();
    // An earlier version's rows are not worth an error.
    await (moved ??= moveEarlierRuns(runs, DEFAULT_RECIPE).catch(() => undefined));
    const listed = await listRuns(runs, DEFAULT_RECIPE);
    const held = await heldRuns();
    const kept: StoredRun[] = [];
    for (const run of listed) {
      if (!(await isEmpty(runs, run)) || held.has(run.id)) kept.push(run);
      else await whileHeld(run.id, () => runs.remove(run.id)).catch(() => undefined);
    }
    return kept;
  },

  async open(id: string): Promise<OpenedRun> {
    return openRun(await browserRuns(), id);
  },

  /** Bytes of all its files. */
  async size(id: string): Promise<number> {
    return sizeOf(await browserRuns(), id);
  },

  /** Only the tab that trains the run, or any tab if none does, may call this. */
  async saveFacts(id: string, facts: RunFacts): Promise<void> {
    const write = async (): Promise<void> => {
      const runs = await browserRuns();
      // The run may have been removed.
      if ((await runs.list(id)).length > 0) await writeFacts(within(runs, id), facts);
    };
    const held = (): Promise<void> => whileFactsHeld(id, write);
    await (writing = writing.then(held, held));
  },

  /** With its weights. @throws if another tab trains it */
  async remove(id: string): Promise<void> {
    const runs = await browserRuns();
    await whileHeld(id, () => runs.remove(id));
  },

  /** @returns the .zip NAME.zip, on disk */
  async export(id: string, name: string, onProgress: (share: number) => void): Promise<File> {
    cancelling = new AbortController();
    const files = await exportRun(await browserRuns(), id, name, readStoredData);
    return writeZip(name, files, {
      signal: cancelling.signal,
      onProgress: wholePercents(onProgress),
    });
  },

  /** @returns the new run's id */
  async import(zip: File, onProgress: (share: number) => void): Promise<string> {
    cancelling = new AbortController();
    const id = newRunId();
    const shelf = {
      read: (name: string) => readStoredData(name).catch(() => undefined),
      write: storeData,
    };
    const options = { signal: cancelling.signal, onProgress: wholePercents(onProgress) };
    const runs = await browserRuns();
    const { quota = Infinity, usage = 0 } = await navigator.storage.estimate();
    if (zip.size > quota - usage) {
      const [needed, free] = [formatBytes(zip.size), formatBytes(quota - usage)];
      throw new Error(
        `${zip.name} takes ${needed}, and this browser has ${free} left; delete runs or models.`,
      );
    }
    await whileHeld(id, () => importRun(runs, id, zip, shelf, options)).catch((error: unknown) => {
      throw new Error(`${zip.name}: ${messageOf(error)}`);
    });
    return id;
  },

  cancel(): void {
    cancelling.abort();
  },
};

/** Only whole percents are sent to the page. */
function wholePercents(onProgress: (share: number) => void): (share: number) => void {
  let last = -1;
  return (share) => {
    if (Math.floor(100 * share) === last) return;
    last = Math.floor(100 * share);
    onProgress(share);
  };
}

export type RunsService = typeof service;

Comlink.expose(service);
