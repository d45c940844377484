/**
 * A whole run as the files of one folder: what it wrote with its last checkpoint, in data/ the rules and
 * prompts that it used, and in models/ the models that the visitor brought. The command line takes its
 * recipe.yaml as it is, where the folder lies inside the folder of Ponder. Models that ship with Ponder are
 * not included.
 */
import { parseDocument, stringify } from 'yaml';
import { mapPaths, STORED } from '../../rl/recipe/paths.ts';
import type { FileSource } from '../../model/files.ts';
import { copy, inMemory, type ExportFile } from '../../rl/runs/export.ts';
import { findCheckpoint } from '../../rl/runs/checkpoints.ts';
import { readText, ROW_FOLDERS, within, type RunFolder } from '../../rl/runs/run-folder.ts';
import { checkpointPath } from '../../rl/runs/trainer-state.ts';
import { readRecipe } from './recipe-of-run.ts';

/** The folders of an exported run: rules and prompts, and models. */
export const DATA = 'data';
export const MODELS = 'models';

/** What the visitor brought, by its name. */
export interface Brought {
  /** A rule, or a file of prompts. */
  data(name: string): Promise<string>;
  /** The files of a model, and those of its base if it is an adapter; empty to leave it out. */
  models(name: string): Promise<readonly BroughtModel[]>;
}

export interface BroughtModel {
  name: string;
  /** Their paths begin with the model's name. */
  files: readonly FileSource[];
}

/** @param top name of the exported folder, which the paths in its recipe begin with */
export async function exportRun(
  runs: RunFolder,
  id: string,
  top: string,
  brought: Brought,
): Promise<ExportFile[]> {
  const run = within(runs, id);
  const step = (await findCheckpoint(run, 'contents')).found?.step;
  const folders = [...ROW_FOLDERS, ...(step ? [checkpointPath(step)] : [])];
  const files = await copies(run, ['metrics.jsonl', 'summary.json', 'run.json']);
  for (const folder of folders) files.push(...(await filesIn(run, folder)));
  const yaml = await readText(run, 'recipe.yaml');
  if (yaml === undefined) return files;
  const models = new Map<string, BroughtModel>();
  for (const name of modelsIn(yaml)) {
    for (const model of await brought.models(name)) models.set(model.name, model);
  }
  const { text, data } = portableRecipe(yaml, top, models);
  files.unshift(inMemory('recipe.yaml', encoded(text)));
  for (const name of data) {
    // A rule or a file of prompts may have been removed since.
    const content = await brought.data(name).catch(() => undefined);
    if (content !== undefined) files.push(inMemory(`${DATA}/${name}`, encoded(content)));
  }
  for (const { files: sources } of models.values()) {
    files.push(...sources.map((source) => copy(`${MODELS}/${source.path}`, source)));
  }
  return files;
}

/** Names of the models in a recipe that the visitor brought; none if it is no recipe. */
function modelsIn(yaml: string): Set<string> {
  const names = new Set<string>();
  if (parseDocument(yaml).errors.length > 0) return names;
  const model = (path: string): string => {
    if (path.startsWith(STORED)) names.add(path.slice(STORED.length));
    return path;
  };
  mapPaths(readRecipe(yaml), { model, file: (path) => path });
  return names;
}

/** The recipe with paths that the command line can open, and the names of the files in data/. */
function portableRecipe(
  yaml: string,
  top: string,
  included: ReadonlyMap<string, BroughtModel>,
): { text: string; data: Set<string> } {
  if (parseDocument(yaml).errors.length > 0) return { text: yaml, data: new Set() };
  const data = new Set<string>();
  const missing = new Set<string>();
  const recipe = mapPaths(readRecipe(yaml), {
    model: (path) => {
      if (!path.startsWith(STORED)) return path;
      const name = path.slice(STORED.length);
      if (included.has(name)) return `${top}/${MODELS}/${name}`;
      missing.add(name);
      return name;
    },
    file: (path) => {
      if (!path.startsWith(STORED)) return path;
      data.add(path.slice(STORED.length));
      return `${top}/${DATA}/${path.slice(STORED.length)}`;
    },
  });
  const command = `npm run ponder -- train ${top}/recipe.yaml --out`;
  const notes = [
    'Unpack the .zip in the folder of Ponder.',
    ...[...missing].map((name) => `Put the model folder ${name} there, too.`),
    `To train again: ${command} NEW-FOLDER`,
    `To go on from the last checkpoint: ${command} ${top} --resume`,
  ];
  const how = notes.map((note) => `# ${note}\n`).join('');
  return { text: how + stringify(recipe), data };
}

async function copies(run: RunFolder, paths: readonly string[]): Promise<ExportFile[]> {
  const sources = await Promise.all(paths.map((path) => run.open(path)));
  return sources.flatMap((source, i) => (source ? [copy(paths[i]!, source)] : []));
}

/** All files in a folder and in its folders. */
async function filesIn(run: RunFolder, folder: string): Promise<ExportFile[]> {
  const paths = (await run.list(folder)).map((name) => `${folder}/${name}`);
  const files = await copies(run, paths);
  const isFile = new Set(files.map(({ path }) => path));
  for (const path of paths) if (!isFile.has(path)) files.push(...(await filesIn(run, path)));
  return files;
}

const encoded = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);
