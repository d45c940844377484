/**
 * A whole run as the files of one folder: what it wrote with its last checkpoint, and in data/ the rules
 * and prompts that it used. The command line takes its recipe.yaml as it is, where the folder lies inside
 * the folder of Ponder; models that the visitor brought are named, not included.
 */
import { parseDocument, stringify } from 'yaml';
import { mapPaths, STORED } from '../../rl/recipe/paths.ts';
import { copy, inMemory, type ExportFile } from '../../rl/runs/export.ts';
import { findCheckpoint } from '../../rl/runs/checkpoints.ts';
import { readText, within, type RunFolder } from '../../rl/runs/run-folder.ts';
import { checkpointPath } from '../../rl/runs/trainer-state.ts';
import { readRecipe } from './recipe-of-run.ts';

/** The folder of rules and prompts inside an exported run. */
export const DATA = 'data';

/**
 * @param top name of the exported folder, which the paths in its recipe begin with
 * @param readStored reads a file that the visitor brought, by its name
 */
export async function exportRun(
  runs: RunFolder,
  id: string,
  top: string,
  readStored: (name: string) => Promise<string>,
): Promise<ExportFile[]> {
  const run = within(runs, id);
  const step = (await findCheckpoint(run, 'contents')).found?.step;
  const folders = ['completions', 'evaluations', ...(step ? [checkpointPath(step)] : [])];
  const files = await copies(run, ['metrics.jsonl', 'summary.json', 'run.json']);
  for (const folder of folders) files.push(...(await filesIn(run, folder)));
  const yaml = await readText(run, 'recipe.yaml');
  if (yaml === undefined) return files;
  const { text, data } = portableRecipe(yaml, top);
  files.unshift(inMemory('recipe.yaml', encoded(text)));
  for (const name of data) {
    // A rule or a file of prompts may have been removed since.
    const content = await readStored(name).catch(() => undefined);
    if (content !== undefined) files.push(inMemory(`${DATA}/${name}`, encoded(content)));
  }
  return files;
}

/** The recipe with paths that the command line can open, and the names of the files in data/. */
function portableRecipe(yaml: string, top: string): { text: string; data: Set<string> } {
  if (parseDocument(yaml).errors.length > 0) return { text: yaml, data: new Set() };
  const data = new Set<string>();
  const models = new Set<string>();
  const recipe = mapPaths(readRecipe(yaml), {
    model: (path) => {
      if (!path.startsWith(STORED)) return path;
      models.add(path.slice(STORED.length));
      return path.slice(STORED.length);
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
    ...[...models].map((name) => `Put the model folder ${name} there, too.`),
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
