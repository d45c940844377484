/** The stored runs: listed, opened, measured, written to a .zip and read from one. */
import { DEFAULT_RECIPE } from '../default-recipe.ts';
import { formatBytes } from '../format.ts';
import { messageOf } from '../message-of.ts';
import { moveEarlierRuns } from '../runs/earlier-version.ts';
import { exportRun, type BroughtModel } from '../runs/export-run.ts';
import { changeFacts, newRunId, type FactsChange } from '../runs/facts.ts';
import { importRun } from '../runs/import-run.ts';
import { keepLast, readReport } from '../runs/kept-reports.ts';
import { heldRuns, whileFactsHeld, whileHeld } from '../runs/lock.ts';
import { removeLater, removeRun, restoreRun } from '../runs/removal.ts';
import {
  isEmpty,
  listRuns,
  openRun,
  sizeOf,
  type OpenedRun,
  type StoredRun,
} from '../runs/stored-runs.ts';
import { blobSource, readJson, type FileSource } from '../../model/files.ts';
import { ADAPTER_CONFIG } from '../../model/peft.ts';
import {
  removeStoredModel,
  storedFiles,
  storedFolder,
  storedModels,
  storeModel,
  type Streamed,
} from '../../model/stored-models.ts';
import { baseAmong } from '../page-paths.ts';
import { readStoredData, removeStoredData, storeData } from '../stored-data.ts';
import { writeZip } from '../take-home.ts';
import type { MetricsRow, StepReport } from '../../rl/report.ts';
import { browserRuns } from '../../rl/runs/run-folder.browser.ts';
import { serve } from './serve.ts';

let cancelling = new AbortController();
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
      if (run.facts.deleted !== undefined) {
        removeLater(runs, run.id, run.facts.deleted);
        continue;
      }
      if (!(await isEmpty(runs, run)) || held.has(run.id)) kept.push(run);
      else await whileHeld(run.id, () => runs.remove(run.id)).catch(() => undefined);
    }
    return kept;
  },

  /** With the completions of the last steps. */
  async open(id: string): Promise<OpenedRun> {
    const { reports, problems } = await openRun(await browserRuns(), id);
    return { reports: keepLast(reports), problems };
  },

  /** With all completions, which may be much. */
  async openWhole(id: string): Promise<StepReport[]> {
    return (await openRun(await browserRuns(), id)).reports;
  },

  /** One step with its completions, by its row of metrics. */
  async report(id: string, row: MetricsRow): Promise<StepReport | undefined> {
    return readReport(await browserRuns(), id, row);
  },

  /** Bytes of all its files. */
  async size(id: string): Promise<number> {
    return sizeOf(await browserRuns(), id);
  },

  /** @returns false if the run has no folder yet, or none any more */
  async changeFacts(id: string, change: FactsChange): Promise<boolean> {
    const runs = await browserRuns();
    return whileFactsHeld(id, () => changeFacts(runs, id, change));
  },

  /** Its folder goes after a moment, in which `restore` brings it back. @throws if another tab trains it */
  async remove(id: string): Promise<void> {
    await removeRun(await browserRuns(), id);
  },

  async restore(id: string): Promise<void> {
    await restoreRun(await browserRuns(), id);
  },

  /**
   * @param withModels also the models that the visitor brought
   * @returns the .zip NAME.zip, on disk
   */
  async export(
    id: string,
    name: string,
    withModels: boolean,
    onProgress: (share: number) => void,
  ): Promise<File> {
    cancelling = new AbortController();
    const models = withModels ? broughtModels : (): Promise<[]> => Promise.resolve([]);
    const files = await exportRun(await browserRuns(), id, name, { data: readStoredData, models });
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
      remove: removeStoredData,
      modelFiles: storedSources,
      storeModel: (name: string, files: ReadonlyMap<string, Streamed>) =>
        storeModel(name, files, { signal: cancelling.signal }),
      removeModel: removeStoredModel,
    };
    const options = {
      signal: cancelling.signal,
      onProgress: wholePercents(onProgress),
      checkRoom: (bytes: number) => refuseIfFull('The run', bytes),
    };
    const runs = await browserRuns();
    await whileHeld(id, () => importRun(runs, id, zip, shelf, options)).catch((error: unknown) => {
      throw new Error(`${zip.name}: ${messageOf(error)}`);
    });
    return id;
  },

  /**
   * Stores the run in an output of TRL or verl.
   * @returns the new run's id; undefined if the files are no such output
   */
  async openReturned(
    files: ReadonlyMap<string, File>,
    onProgress: (share: number) => void,
  ): Promise<string | undefined> {
    cancelling = new AbortController();
    const { signal } = cancelling;
    const { openReturned, storeReturned } = await import('../handover/back/open.ts');
    const sources = [...files].map(([path, file]) => [path, blobSource(path, file)] as const);
    const returned = await openReturned(new Map(sources));
    if (!returned) return undefined;
    const id = newRunId();
    const runs = await browserRuns();
    // As text, completions take about four times what they take as .parquet.
    const rows = [...files].filter(([path]) => /\.(parquet|jsonl)$/.test(path));
    await refuseIfFull(returned.name, 4 * rows.reduce((sum, [, { size }]) => sum + size, 0));
    const report = wholePercents(onProgress);
    const goOn = (share: number): void => {
      signal.throwIfAborted();
      report(share);
    };
    await whileHeld(id, () => storeReturned(runs, id, returned, goOn));
    return id;
  },

  cancel(): void {
    cancelling.abort();
  },
};

/** @throws Error if the browser has too little room */
async function refuseIfFull(name: string, bytes: number): Promise<void> {
  const { quota = Infinity, usage = 0 } = await navigator.storage.estimate();
  if (bytes <= quota - usage) return;
  const [needed, free] = [formatBytes(bytes), formatBytes(quota - usage)];
  throw new Error(
    `${name} takes ${needed}, and this browser has ${free} left; delete runs or models.`,
  );
}

/** The files of a stored model; undefined if there is none. */
const storedSources = (name: string): Promise<FileSource[] | undefined> =>
  storedFiles(name).catch(() => undefined);

/** A stored model, and the stored base of an adapter. */
async function broughtModels(name: string): Promise<BroughtModel[]> {
  const files = await storedSources(name);
  if (!files) return [];
  const adapter = await readJson(await storedFolder(name), ADAPTER_CONFIG);
  const base = adapter?.['base_model_name_or_path'];
  const stored = typeof base === 'string' ? baseAmong(await storedModels(), base) : undefined;
  return [{ name, files }, ...(stored === undefined ? [] : await broughtModels(stored))];
}

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

serve(service);
