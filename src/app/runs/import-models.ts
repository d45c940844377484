/** Stores the models in the .zip of a run. */
import type { FileEntry } from '@zip.js/zip.js/lib/zip-core-native.js';
import { basename, type FileSource } from '../../model/files.ts';
import { isModelFile } from '../../model/model-files.ts';
import { ADAPTER_CONFIG } from '../../model/peft.ts';
import { freeName } from '../../model/same-files.ts';
import type { Streamed } from '../../model/stored-models.ts';
import { baseAmong } from '../page-paths.ts';
import { contents, ImportError, streamOf, textOf, type Entry } from './zip-entries.ts';

/** Where models are stored in the browser, by name. */
export interface ModelShelf {
  /** Their paths begin with the model's name; undefined if there is no such model. */
  modelFiles(name: string): Promise<readonly FileSource[] | undefined>;
  storeModel(name: string, files: ReadonlyMap<string, Streamed>): Promise<void>;
  removeModel(name: string): Promise<void>;
}

const OF_A_MODEL = /^models\/(?!\.\.?\/)([^/]+)\/(.+)$/;

/** Name of the model and path of its file; undefined for any other file. */
export function placeOfModel(path: string): { name: string; file: string } | undefined {
  const [, name, file] = OF_A_MODEL.exec(path) ?? [];
  return name !== undefined && isModelFile(file!) ? { name, file: file! } : undefined;
}

/**
 * Stores models, each under a name where no other model lies.
 * @param onBytes is told how many more bytes are stored; it throws to cancel
 * @returns the names
 */
export async function storeModels(
  entries: readonly Entry[],
  shelf: ModelShelf,
  onBytes: (bytes: number) => void,
): Promise<Map<string, string>> {
  const models = new Map<string, Map<string, FileEntry>>();
  for (const { path, entry } of entries) {
    const place = placeOfModel(path);
    if (!place) continue;
    const { name, file } = place;
    const files = models.get(name) ?? new Map<string, FileEntry>();
    models.set(name, files.set(file, entry));
  }
  const names = new Map<string, string>();
  for (const [name, files] of models) {
    // What is only compared is not counted as stored.
    const compared = streamed(files, () => onBytes(0));
    const own = await freeName(name, compared, (stored) => shelf.modelFiles(stored));
    if (!own.isThere) await shelf.storeModel(own.name, streamed(files, onBytes));
    names.set(name, own.name);
  }
  return names;
}

const streamed = (
  files: ReadonlyMap<string, FileEntry>,
  onBytes: (bytes: number) => void,
): Map<string, Streamed> =>
  new Map(
    [...files].map(([file, entry]) => [
      file,
      { size: entry.uncompressedSize, stream: () => streamOf(contents(entry, onBytes)) },
    ]),
  );

/**
 * An adapter names its base itself, so its base cannot be stored under another name.
 * @throws ImportError if it was
 */
export async function refuseOtherBases(
  entries: readonly Entry[],
  models: ReadonlyMap<string, string>,
): Promise<void> {
  const renamed = [...models].filter(([name, own]) => own !== name).map(([name]) => name);
  if (renamed.length === 0) return;
  for (const { path, entry } of entries) {
    if (basename(path) !== ADAPTER_CONFIG) continue;
    const base = baseAmong(renamed, baseNamedIn(await textOf(entry)));
    if (base === undefined) continue;
    throw new ImportError(
      `An adapter of this run needs its base ${base}, and this browser has another model ${base}; ` +
        'delete that model, then open the .zip again.',
    );
  }
}

/** '' if it names none. */
function baseNamedIn(adapterConfig: string): string {
  try {
    const { base_model_name_or_path: base } = JSON.parse(adapterConfig) as Record<string, unknown>;
    return typeof base === 'string' ? base : '';
  } catch {
    // Whoever opens the adapter tells what is wrong with it.
    return '';
  }
}
