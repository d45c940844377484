/** Reads the files of a finished run for analysis; a missing or broken file is a UsageError. */
import { readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { noteOn, type Opened } from '../app/handover/back/open.ts';
import { ReturnError } from '../app/handover/back/returned.ts';
import { ORIGIN } from '../app/handover/back/trl.ts';
import type { Evaluated } from '../rl/evaluation/evaluate.ts';
import { ADAPTER_CONFIG } from '../model/peft.ts';
import type { MetricsRow } from '../rl/report.ts';
import { parseRecipe, type Recipe } from '../rl/recipe/recipe.ts';
import { checkpointProblem, findCheckpoint, passedOver } from '../rl/runs/checkpoints.ts';
import { readText } from '../rl/runs/run-folder.ts';
import { nodeRunFolder } from '../rl/runs/run-folder.node.ts';
import { checkpointPath, TRAINER_STATE } from '../rl/runs/trainer-state.ts';
import { UsageError } from './arguments.ts';
import { modelIn, readReturned } from './returned.ts';

interface RunData {
  metrics: MetricsRow[];
  /** Absent where TRL or verl trained, and the recipe did not come back with their output. */
  recipe?: Recipe;
  /** What the output of TRL or verl lacks. */
  notice?: string;
}

/** @param path of a run, or of an output of TRL or verl */
export async function readRun(path: string): Promise<RunData> {
  const folder = nodeRunFolder(path);
  const returned = (await folder.open('metrics.jsonl')) ? undefined : await readReturned(path);
  if (returned) {
    const recipe = recipeOf(returned);
    const { metrics } = returned;
    return { metrics, ...(recipe && { recipe }), notice: noteOn(returned) };
  }
  const read = async (file: string): Promise<string> => {
    const text = await readText(folder, file);
    if (text === undefined)
      throw new UsageError(`${path} has no ${file}; name the folder of a run`);
    return text;
  };
  // One after the other, so that if both are missing the error always names the same one.
  const metrics = await read('metrics.jsonl');
  const yaml = await read('recipe.yaml');
  return {
    metrics: parseLines(
      metrics,
      join(path, 'metrics.jsonl'),
      isMetricsRow,
      'name the folder of another run',
    ),
    recipe: parseRecipe(yaml, join(path, 'recipe.yaml')).recipe,
  };
}

/** The recipe of a run that was handed over; that of any other is unknown. */
function recipeOf({ recipe }: Opened): Recipe | undefined {
  if (recipe['model_name_or_path'] === undefined) return undefined;
  return parseRecipe(stringify(recipe), ORIGIN).recipe;
}

/** A policy's folder, and its run if it is a checkpoint of one. */
export interface PolicyFolder {
  path: string;
  of?: { run: string; recipe: Recipe };
}

/**
 * @param path of a model, of a checkpoint inside a run, or of a run or an output of TRL, which mean their
 *   last checkpoint
 */
export async function findPolicy(path: string): Promise<PolicyFolder> {
  const whole = await isRun(path);
  if (!whole && basename(dirname(resolve(path))) !== 'checkpoints') {
    // A model needs no logs.
    const returned = await readReturned(path).catch((error: unknown) => {
      if (error instanceof ReturnError) return undefined;
      throw error;
    });
    const recipe = returned && recipeOf(returned);
    return { path: await modelIn(path), ...(recipe && { of: { run: path, recipe } }) };
  }
  const run = whole ? path : join(path, '..', '..');
  const folder = nodeRunFolder(run);
  const yaml = await readText(folder, 'recipe.yaml');
  if (yaml === undefined) return { path };
  const of = { run, recipe: parseRecipe(yaml, join(run, 'recipe.yaml')).recipe };
  if (!whole) return { path, of };
  const checkpoint = await lastCheckpointIn(run);
  return checkpoint === undefined ? { path } : { path: checkpoint, of };
}

/** Whether it is the folder of a run, and no checkpoint, model or file. */
async function isRun(path: string): Promise<boolean> {
  return (await readText(nodeRunFolder(path), 'recipe.yaml')) !== undefined;
}

/**
 * The folder of a run's last checkpoint that is as it was written; undefined if the folder is no run. Later
 * checkpoints that are not as they were written are named on standard error.
 * @throws UsageError for a run without such a checkpoint, unless there is a model beside its recipe
 */
export async function lastCheckpointIn(run: string): Promise<string | undefined> {
  if (!(await isRun(run))) return undefined;
  const search = await findCheckpoint(nodeRunFolder(run), 'contents');
  if (!search.found) {
    const folder = nodeRunFolder(run);
    if ((await folder.open('config.json')) ?? (await folder.open(ADAPTER_CONFIG))) return undefined;
    throw new UsageError(`${run} has no complete checkpoint; name the folder of a model`);
  }
  const path = checkpointPath(search.found.step);
  for (const sentence of passedOver(search, `${path} is used`)) {
    process.stderr.write(`${run}: ${sentence}\n`);
  }
  return join(run, path);
}

/** @throws UsageError if the folder is a checkpoint of a run, and not as it was written */
export async function refuseDamaged(path: string): Promise<void> {
  const isInside = basename(dirname(resolve(path))) === 'checkpoints';
  const [, step] = /^step-(\d+)$/.exec(basename(resolve(path))) ?? [];
  if (!isInside || step === undefined) return;
  const run = join(path, '..', '..');
  const folder = nodeRunFolder(run);
  if ((await folder.open(`${checkpointPath(Number(step))}/${TRAINER_STATE}`)) === undefined) return;
  const problem = await checkpointProblem(folder, Number(step), 'contents');
  if (problem === undefined) return;
  throw new UsageError(`${join(run, problem)}; name another checkpoint of the run`);
}

/** The first and the last evaluation of a run; undefined when it has fewer than two. */
export async function readEvaluations(
  path: string,
): Promise<[Evaluated[], Evaluated[]] | undefined> {
  const folder = nodeRunFolder(path);
  const returned = (await folder.open('metrics.jsonl')) ? undefined : await readReturned(path);
  if (returned) return returnedEvaluations(returned);
  const steps = (await folder.list('evaluations'))
    .map((name) => Number(/^step-(\d+)\.jsonl$/.exec(name)?.[1] ?? NaN))
    .filter((step) => !Number.isNaN(step))
    .sort((a, b) => a - b);
  if (steps.length < 2) return undefined;
  const [before, after] = [steps[0]!, steps.at(-1)!].map((step) =>
    readRows(join(path, 'evaluations', `step-${step}.jsonl`)),
  );
  return [await before!, await after!];
}

async function returnedEvaluations({
  steps,
  read,
}: Opened): Promise<[Evaluated[], Evaluated[]] | undefined> {
  const rows = await Promise.all(steps.map(read));
  const judged = rows.flatMap(({ evaluations }) => (evaluations ? [evaluations] : []));
  return judged.length < 2 ? undefined : [judged[0]!, judged.at(-1)!];
}

export async function readRows(path: string): Promise<Evaluated[]> {
  const remedy = 'name a file that eval --out wrote';
  const text = await readFile(path, 'utf8').catch(() => {
    throw new UsageError(`${path} cannot be read; ${remedy}`);
  });
  const rows = parseLines(text, path, isEvaluated, remedy);
  if (rows.length === 0) throw new UsageError(`${path} is empty; ${remedy}`);
  return rows;
}

function isMetricsRow({ step }: Partial<MetricsRow>): boolean {
  return typeof step === 'number';
}

function isEvaluated({ prompt, response, thought }: Partial<Evaluated>): boolean {
  const hasTexts = typeof prompt === 'string' && typeof response === 'string';
  return hasTexts && (thought === null || typeof thought === 'string');
}

/** Reads JSONL; `isRow` checks that a line has the fields that are needed. */
function parseLines<T extends object>(
  text: string,
  path: string,
  isRow: (row: Partial<T>) => boolean,
  remedy: string,
): T[] {
  const lines = text.replaceAll('\0', '').split('\n');
  return lines.flatMap((line, i) => {
    if (line.trim() === '') return [];
    const place = `${path}, line ${i + 1}`;
    let row: unknown;
    try {
      row = JSON.parse(line);
    } catch {
      // Half a last row: the run was killed while it wrote that row.
      if (i > 0 && i === lines.length - 1) return [];
      throw new UsageError(`${place} is not JSON; ${remedy}`);
    }
    if (typeof row === 'object' && row !== null && isRow(row)) return [row as T];
    throw new UsageError(`${place} lacks fields that are needed; ${remedy}`);
  });
}
