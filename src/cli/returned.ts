/** What TRL or verl wrote in a folder, read as a run. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { openReturned, type Opened } from '../app/handover/back/open.ts';
import { weightFiles, type FileSource } from '../model/files.ts';
import { nodeFile, nodeFolder } from '../model/node-files.ts';
import { ADAPTER_CONFIG, ADAPTER_WEIGHTS } from '../model/peft.ts';

/**
 * undefined if the folder is no output of TRL or verl.
 * @throws ReturnError if none of its files can be read
 */
export async function readReturned(path: string): Promise<Opened | undefined> {
  const files = new Map<string, FileSource>();
  for (const folder of ['', 'completions', ...(await trlCheckpoints(path))]) {
    const names = await readdir(join(path, folder)).catch(() => []);
    for (const name of names.sort()) {
      const source = READ.test(name) ? await nodeFile(join(path, folder, name)) : undefined;
      if (source) files.set(folder === '' ? name : `${folder}/${name}`, source);
    }
  }
  return openReturned(files);
}

const READ = /\.(jsonl|parquet)$|^(trainer_state|ponder)\.json$/;

/** Names of the checkpoints that transformers' Trainer wrote in a folder, the latest first. */
async function trlCheckpoints(path: string): Promise<string[]> {
  const stepOf = (name: string): number => Number(/^checkpoint-(\d+)$/.exec(name)?.[1] ?? NaN);
  const names = await readdir(path).catch(() => []);
  return names.filter((name) => stepOf(name) >= 0).sort((a, b) => stepOf(b) - stepOf(a));
}

/**
 * The folder of the model in an output of TRL: the output itself if training ended, else the last
 * checkpoint in it that is whole. Any other path stays as it is.
 */
export async function modelIn(path: string): Promise<string> {
  for (const name of ['', ...(await trlCheckpoints(path))]) {
    const folder = join(path, name);
    if (await isModel(folder)) return name === '' ? path : folder;
  }
  return path;
}

/** Whether a folder has a model with all its weights: a killed training leaves some of several shards. */
async function isModel(path: string): Promise<boolean> {
  const names = new Set(await readdir(path).catch(() => []));
  if (names.has(ADAPTER_CONFIG)) return names.has(ADAPTER_WEIGHTS);
  if (!names.has('config.json')) return false;
  return nodeFolder(path)
    .then(weightFiles)
    .then(
      () => true,
      () => false,
    );
}
