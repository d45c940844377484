/** Opens a run from a .zip that export-run.ts described, or of any run folder. Weights are streamed. */
import {
  BlobReader,
  configure,
  ZipReader,
  type FileEntry,
} from '@zip.js/zip.js/lib/zip-core-native.js';
import { stringify } from 'yaml';
import { basename } from '../../model/files.ts';
import { isModelFile } from '../../model/model-files.ts';
import { mapPaths, STORED } from '../../rl/recipe/paths.ts';
import type { Streamed } from '../../model/stored-models.ts';
import type { RecipeValues } from '../../rl/recipe/values.ts';
import { readText, ROW_FOLDERS, within, type RunFolder } from '../../rl/runs/run-folder.ts';
import { TRAINER_STATE } from '../../rl/runs/trainer-state.ts';
import { DATA, MODELS } from './export-run.ts';
import { readFacts, unknownFacts, writeFacts } from './facts.ts';
import { readRecipe } from './recipe-of-run.ts';

// The caller is a worker already.
configure({ useWebWorkers: false });

/** A .zip that cannot be opened as a run; the message says what to do. */
export class ImportError extends Error {
  override name = 'ImportError';
}

/** Where rules, prompts and models are stored in the browser, by name. */
export interface DataShelf {
  /** undefined if there is no such file. */
  read(name: string): Promise<string | undefined>;
  write(name: string, text: string): Promise<void>;
  remove(name: string): Promise<void>;
  /** Bytes of a stored model; undefined if there is none. */
  modelSize(name: string): Promise<number | undefined>;
  storeModel(name: string, files: ReadonlyMap<string, Streamed>): Promise<void>;
  removeModel(name: string): Promise<void>;
}

interface ImportOptions {
  /** Is told how many bytes the unpacked run takes; rejects if there is too little room. */
  checkRoom?: (bytes: number) => Promise<void>;
  /** Share of the bytes that are stored, 0 to 1. */
  onProgress?: (share: number) => void;
  signal?: AbortSignal;
}

type Bytes = Uint8Array<ArrayBuffer>;

/** The files of a run, by their paths in its folder. */
const OF_A_RUN = new RegExp(
  `^(recipe\\.yaml|metrics\\.jsonl|summary\\.json|run\\.json|(${ROW_FOLDERS.join('|')})/step-\\d+\\.jsonl|checkpoints/step-\\d+/(value/)?[\\w.-]+)$`,
);
const OF_A_MODEL = /^models\/(?!\.\.?\/)([^/]+)\/(.+)$/;
const OF_DATA = /^data\/(?!\.\.?$)[^/]+$/;

/** Name of the model and path of its file; undefined for any other file. */
function placeOfModel(path: string): { name: string; file: string } | undefined {
  const [, name, file] = OF_A_MODEL.exec(path) ?? [];
  return name !== undefined && isModelFile(file!) ? { name, file: file! } : undefined;
}

/**
 * Stores the run under a new `id`. If it cannot be stored, nothing stays of it, of its rules or its models.
 * @throws ImportError if the file is no zip of a run, or is damaged
 */
export async function importRun(
  runs: RunFolder,
  id: string,
  zip: Blob,
  given: DataShelf,
  { checkRoom, onProgress, signal }: ImportOptions = {},
): Promise<void> {
  const { shelf, takeBack } = withTakeBack(given);
  const reader = new ZipReader(new BlobReader(zip), { checkSignature: true });
  const run = within(runs, id);
  try {
    const { top, entries } = await entriesOfRun(reader);
    const total = entries.reduce((sum, { entry }) => sum + entry.uncompressedSize, 0);
    await checkRoom?.(total);
    const names = await storeData(entries, shelf);
    let done = 0;
    for (const { path, entry } of entries) {
      if (!OF_A_RUN.test(path)) continue;
      signal?.throwIfAborted();
      const counted = (bytes: number): void => onProgress?.((done += bytes) / total);
      await run.write(path, contents(entry, counted, signal));
    }
    for (const [name, own] of await storeModels(entries, shelf, (bytes) => {
      signal?.throwIfAborted();
      onProgress?.((done += bytes) / total);
    })) {
      names.set(`${MODELS}/${name}`, own);
    }
    await ownPaths(run, top, names);
    const facts = (await readFacts(run, id).catch(() => undefined)) ?? unknownFacts(id);
    delete facts.deleted;
    await writeFacts(run, { ...facts, overlaid: false });
  } catch (error) {
    await run.remove('').catch(() => undefined);
    await takeBack();
    throw error;
  } finally {
    await reader.close();
  }
}

/** A shelf that can remove again what was stored on it. */
function withTakeBack(shelf: DataShelf): { shelf: DataShelf; takeBack: () => Promise<void> } {
  const removals: (() => Promise<void>)[] = [];
  return {
    shelf: {
      ...shelf,
      write(name, text) {
        // A write that fails may leave an empty file.
        removals.push(() => shelf.remove(name));
        return shelf.write(name, text);
      },
      storeModel(name, files) {
        removals.push(() => shelf.removeModel(name));
        return shelf.storeModel(name, files);
      },
    },
    async takeBack() {
      for (const remove of removals) await remove().catch(() => undefined);
    },
  };
}

interface Entry {
  /** Inside the run's folder. */
  path: string;
  entry: FileEntry;
}

async function entriesOfRun(reader: ZipReader<Blob>): Promise<{ top: string; entries: Entry[] }> {
  const all = await reader.getEntries().catch(() => {
    throw new ImportError(
      'This file is not a complete .zip; choose the .zip of a run that Ponder exported.',
    );
  });
  const files = all.filter((entry): entry is FileEntry => !entry.directory);
  const recipes = files.filter(({ filename }) => basename(filename) === 'recipe.yaml');
  const [recipe] = recipes.sort((a, b) => a.filename.length - b.filename.length);
  if (!recipe) {
    throw new ImportError('This .zip holds no run: there is no recipe.yaml in it.');
  }
  const top = recipe.filename.slice(0, -'recipe.yaml'.length);
  const entries = files
    .filter(({ filename }) => filename.startsWith(top))
    .map((entry) => ({ path: entry.filename.slice(top.length), entry }))
    .filter(({ path }) => OF_A_RUN.test(path) || OF_DATA.test(path) || placeOfModel(path));
  // A checkpoint is complete when its last file is there.
  const isLast = ({ path }: Entry): number => Number(path.endsWith(TRAINER_STATE));
  return { top, entries: entries.sort((a, b) => isLast(a) - isLast(b)) };
}

/** Stores rules and prompts, each under a name where no other content lies. @returns the names */
async function storeData(
  entries: readonly Entry[],
  shelf: DataShelf,
): Promise<Map<string, string>> {
  const names = new Map<string, string>();
  for (const { path, entry } of entries) {
    if (!OF_DATA.test(path)) continue;
    const text = await textOf(entry);
    names.set(basename(path), await storedAs(basename(path), text, shelf));
  }
  return names;
}

async function storedAs(name: string, text: string, shelf: DataShelf): Promise<string> {
  // "mine.test.jsonl" is held out of "mine.jsonl".
  const [, base = name, ending = ''] = /^(.+?)((?:\.test)?\.\w+)$/.exec(name) ?? [];
  for (let i = 1; ; i++) {
    const free = i === 1 ? name : `${base}-${i}${ending}`;
    const there = await shelf.read(free);
    if (there === undefined) await shelf.write(free, text);
    if (there === undefined || there === text) return free;
  }
}

/** Stores models, each under a name where no other lies. @returns the names */
async function storeModels(
  entries: readonly Entry[],
  shelf: DataShelf,
  onBytes: (bytes: number) => void,
): Promise<Map<string, string>> {
  const models = new Map<string, Map<string, Streamed>>();
  for (const { path, entry } of entries) {
    const place = placeOfModel(path);
    if (!place) continue;
    const { name, file } = place;
    const files = models.get(name) ?? new Map<string, Streamed>();
    models.set(name, files);
    files.set(file, {
      size: entry.uncompressedSize,
      stream: () => streamOf(contents(entry, onBytes)),
    });
  }
  const names = new Map<string, string>();
  for (const [name, files] of models) {
    const bytes = [...files.values()].reduce((sum, { size }) => sum + size, 0);
    for (let i = 1; !names.has(name); i++) {
      const free = i === 1 ? name : `${name}-${i}`;
      const there = await shelf.modelSize(free);
      if (there === undefined) await shelf.storeModel(free, files);
      if (there === undefined || there === bytes) names.set(name, free);
    }
  }
  return names;
}

const streamOf = (pieces: AsyncGenerator<Bytes>): ReadableStream<Bytes> =>
  new ReadableStream({
    async pull(controller) {
      const next = await pieces.next();
      if (next.done) controller.close();
      else controller.enqueue(next.value);
    },
  });

/** Replaces the paths in the run's recipe by those of this browser. */
async function ownPaths(
  run: RunFolder,
  top: string,
  names: ReadonlyMap<string, string>,
): Promise<void> {
  const yaml = (await readText(run, 'recipe.yaml')) ?? '';
  const shipped = (path: string): boolean => path.startsWith('public/') || path.startsWith(STORED);
  const recipe = mapPaths(recipeIn(yaml), {
    model: (path) =>
      shipped(path) ? path : STORED + (names.get(`${MODELS}/${basename(path)}`) ?? basename(path)),
    file: (path) => {
      if (shipped(path)) return path;
      const name = basename(path);
      return path === `${top}${DATA}/${name}` || names.has(name)
        ? STORED + (names.get(name) ?? name)
        : path;
    },
  });
  await run.write('recipe.yaml', stringify(recipe));
}

function recipeIn(yaml: string): RecipeValues {
  try {
    return readRecipe(yaml);
  } catch {
    throw new ImportError('recipe.yaml in this .zip is not a recipe; export the run again.');
  }
}

async function textOf(entry: FileEntry): Promise<string> {
  const pieces: Bytes[] = [];
  for await (const piece of contents(entry)) pieces.push(piece);
  return new Blob(pieces).text();
}

/** The bytes of an entry, piece by piece. */
async function* contents(
  entry: FileEntry,
  onBytes?: (bytes: number) => void,
  signal?: AbortSignal,
): AsyncGenerator<Bytes> {
  const { readable, writable } = new TransformStream<Bytes, Bytes>();
  const unpacked = entry
    .getData(writable, { ...(signal && { signal }) })
    .catch((error: unknown) => {
      signal?.throwIfAborted();
      throw new ImportError(`${entry.filename} in this .zip is damaged; export the run again.`, {
        cause: error,
      });
    });
  // If it fails before its first byte, the stream neither ends nor fails.
  const damaged = new Promise<never>((_, reject) => void unpacked.catch(reject));
  damaged.catch(() => undefined);
  const reader = readable.getReader();
  for (;;) {
    const { done, value } = await Promise.race([damaged, reader.read().catch(() => damaged)]);
    if (done) break;
    yield value;
    onBytes?.(value.byteLength);
  }
  await unpacked;
}
