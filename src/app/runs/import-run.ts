/** Opens a run from a .zip that export-run.ts described, or of any run folder. Weights are streamed. */
import {
  BlobReader,
  configure,
  ZipReader,
  type FileEntry,
} from '@zip.js/zip.js/lib/zip-core-native.js';
import { stringify } from 'yaml';
import { basename } from '../../model/files.ts';
import { mapPaths, STORED } from '../../rl/recipe/paths.ts';
import type { RecipeValues } from '../../rl/recipe/values.ts';
import { readText, ROW_FOLDERS, within, type RunFolder } from '../../rl/runs/run-folder.ts';
import { TRAINER_STATE } from '../../rl/runs/trainer-state.ts';
import { DATA, MODELS } from './export-run.ts';
import { readFacts, unknownFacts, writeFacts } from './facts.ts';
import { placeOfModel, refuseOtherBases, storeModels, type ModelShelf } from './import-models.ts';
import { readRecipe } from './recipe-of-run.ts';
import { contents, ImportError, textOf, type Entry } from './zip-entries.ts';

// The caller is a worker already.
configure({ useWebWorkers: false });

/** Where rules, prompts and models are stored in the browser, by name. */
export interface DataShelf extends ModelShelf {
  /** undefined if there is no such file. */
  read(name: string): Promise<string | undefined>;
  write(name: string, text: string): Promise<void>;
  remove(name: string): Promise<void>;
}

interface ImportOptions {
  /** Is told how many bytes the unpacked run takes; rejects if there is too little room. */
  checkRoom?: (bytes: number) => Promise<void>;
  /** Share of the bytes that are stored, 0 to 1. */
  onProgress?: (share: number) => void;
  signal?: AbortSignal;
}

/** The files of a run, by their paths in its folder. */
const OF_A_RUN = new RegExp(
  `^(recipe\\.yaml|metrics\\.jsonl|summary\\.json|run\\.json|(${ROW_FOLDERS.join('|')})/step-\\d+\\.jsonl|checkpoints/step-\\d+/(value/)?[\\w.-]+)$`,
);
const OF_DATA = /^data\/(?!\.\.?$)[^/]+$/;

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
    const models = await storeModels(entries, shelf, (bytes) => {
      signal?.throwIfAborted();
      onProgress?.((done += bytes) / total);
    });
    for (const [name, own] of models) names.set(`${MODELS}/${name}`, own);
    await refuseOtherBases(entries, models);
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
