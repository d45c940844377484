/** The checkpoints of a run: which there are, which of them can be relied on, and which of them stay. */
import { readText, type CheckpointFolder } from '../../model/files.ts';
import { ADAPTER_WEIGHTS } from '../../model/peft.ts';
import { SafetensorsFile } from '../../model/safetensors.ts';
import { isAsMarked, type FileMark } from './file-mark.ts';
import type { RunFolder } from './run-folder.ts';
import { checkpointPath, readState, TRAINER_STATE, type TrainerState } from './trainer-state.ts';

/** A folder of the run, as a model folder. */
export function modelFolder(folder: RunFolder, path: string): CheckpointFolder {
  return {
    name: path,
    open: (file) => folder.open(`${path}/${file}`),
    list: () => folder.list(path),
  };
}

export const runCheckpoint = (folder: RunFolder, step: number): CheckpointFolder =>
  modelFolder(folder, checkpointPath(step));

/** Steps with a checkpoint, complete or not, the latest first. */
export async function checkpointSteps(folder: RunFolder): Promise<number[]> {
  return (await folder.list('checkpoints'))
    .map((name) => Number(/^step-(\d+)$/.exec(name)?.[1] ?? NaN))
    .filter((step) => !Number.isNaN(step))
    .sort((a, b) => b - a);
}

/**
 * How well files are compared with their marks in trainer_state.json: by size, which is enough for a list
 * of runs, or byte by byte, for those who use the weights.
 */
type Care = 'sizes' | 'contents';

interface Search {
  /** The last checkpoint that can be relied on, if there is one. */
  readonly found?: { readonly step: number; readonly state: TrainerState };
  /** What is wrong with the checkpoints after it, a clause each. */
  readonly problems: readonly string[];
  /** Those after it that were never complete: a killed run leaves one, and one that writes now. */
  readonly incomplete: readonly string[];
  /** Whether any checkpoint was finished, whatever has become of it. */
  readonly anySaved: boolean;
}

/**
 * The last checkpoint that is as it was written. If the completions and evaluations since the checkpoint
 * before it are not, that one is better, because they are made again; and so is one of this run.
 * @param foreign says why a checkpoint is of another run; undefined if it is of this one
 */
export async function findCheckpoint(
  folder: RunFolder,
  care: Care,
  foreign: (state: TrainerState) => string | undefined = () => undefined,
): Promise<Search> {
  const problems: string[] = [];
  const incomplete: string[] = [];
  let anySaved = false;
  let withoutRows: Search['found'];
  let ofAnother: Search['found'];
  for (const step of await checkpointSteps(folder)) {
    const state = await readState(folder, step);
    const problem = await problemWith(folder, step, state, care);
    if (problem !== undefined) (state ? problems : incomplete).push(problem);
    anySaved ||= state !== undefined;
    if (problem !== undefined || state === undefined || state === 'damaged') continue;
    const found = { step, state };
    const other = foreign(state);
    if (other !== undefined) {
      problems.push(`${checkpointPath(step)} is of another run: ${other}`);
      ofAnother ??= found;
      continue;
    }
    const lost = care === 'contents' ? await differing(folder, '', state.rows, care) : undefined;
    if (lost === undefined) return { found, problems, incomplete, anySaved };
    problems.push(lost);
    withoutRows ??= found;
  }
  const found = withoutRows ?? ofAnother;
  return { ...(found && { found }), problems, incomplete, anySaved };
}

/** A sentence about the checkpoints after the one that was found; none if there are none. */
export function passedOver({ problems, incomplete }: Search, instead: string): string[] {
  const clauses = [...incomplete, ...problems];
  return clauses.length > 0 ? [`${clauses.join('; ')}: ${instead}.`] : [];
}

/** Step of the last checkpoint whose files have the right sizes. */
export async function lastCheckpoint(folder: RunFolder): Promise<number | undefined> {
  return (await findCheckpoint(folder, 'sizes')).found?.step;
}

/** What is wrong with a checkpoint, in a clause; undefined if nothing is. */
export async function checkpointProblem(
  folder: RunFolder,
  step: number,
  care: Care,
): Promise<string | undefined> {
  return problemWith(folder, step, await readState(folder, step), care);
}

async function problemWith(
  folder: RunFolder,
  step: number,
  state: TrainerState | 'damaged' | undefined,
  care: Care,
): Promise<string | undefined> {
  const at = checkpointPath(step);
  if (state === undefined) return `${at} is not complete`;
  if (state === 'damaged') return `${at}/${TRAINER_STATE} is damaged`;
  if (state.files) return differing(folder, `${at}/`, state.files, care);
  return (await headerProblem(folder, at)) ?? (await headerProblem(folder, `${at}/value`));
}

/** The first file that is not as its mark says, in a clause. */
async function differing(
  folder: RunFolder,
  prefix: string,
  marks: Readonly<Record<string, FileMark>> = {},
  care: Care,
): Promise<string | undefined> {
  for (const [name, mark] of Object.entries(marks)) {
    const source = await folder.open(prefix + name);
    if (!source) return `${prefix}${name} is missing`;
    const same = care === 'sizes' ? source.size === mark.bytes : await isAsMarked(source, mark);
    if (!same) return `${prefix}${name} is damaged`;
  }
  return undefined;
}

/** A file that is not as the folder's trainer_state.json says; undefined for a folder that has no marks. */
export async function damagedFile(
  folder: Pick<CheckpointFolder, 'open'>,
): Promise<string | undefined> {
  const text = await readText(folder, TRAINER_STATE);
  let marks: TrainerState['files'];
  try {
    marks = (JSON.parse(text ?? '{}') as TrainerState).files;
  } catch {
    // Other trainers write NaN into such a file.
  }
  for (const [name, mark] of Object.entries(marks ?? {})) {
    const source = await folder.open(name);
    if (source && !(await isAsMarked(source, mark))) return name;
  }
  return undefined;
}

/**
 * Checkpoints of earlier versions have no marks: of those, the weights and the moments must be there, as
 * long as their headers say. A folder that is not there has no problem.
 */
async function headerProblem(folder: RunFolder, at: string): Promise<string | undefined> {
  const names = await folder.list(at);
  if (names.length === 0) return undefined;
  const weights = names.includes(ADAPTER_WEIGHTS) ? ADAPTER_WEIGHTS : 'model.safetensors';
  for (const name of [weights, 'optimizer.safetensors']) {
    const source = await folder.open(`${at}/${name}`);
    if (!source) return `${at}/${name} is missing`;
    const whole = await SafetensorsFile.open(source).catch(() => undefined);
    if (!whole) return `${at}/${name} is damaged`;
  }
  return undefined;
}

/**
 * Removes all checkpoints except the last complete ones, as transformers does for save_total_limit, and
 * the incomplete ones that a killed run left.
 * @param limit number of checkpoints to keep, at least 1
 */
export async function removeOldCheckpoints(folder: RunFolder, limit: number): Promise<void> {
  let kept = 0;
  for (const step of await checkpointSteps(folder)) {
    if (kept < limit && (await checkpointProblem(folder, step, 'sizes')) === undefined) {
      kept++;
      continue;
    }
    await setAside(folder, step);
    await folder.remove(checkpointPath(step));
  }
}

/** Nobody takes the checkpoint for a good one any more; its other files stay. */
export function setAside(folder: RunFolder, step: number): Promise<void> {
  return folder.remove(`${checkpointPath(step)}/${TRAINER_STATE}`);
}
