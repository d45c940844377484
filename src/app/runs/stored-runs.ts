/**
 * The runs that a browser stores: a folder for each, which is all that is known of the run. What is
 * missing or not whole in a folder is named; the rest of the run is there.
 */
import { ADAPTER_WEIGHTS } from '../../model/peft.ts';
import { SafetensorsFile } from '../../model/safetensors.ts';
import type { MetricsRow, StepReport } from '../../rl/report.ts';
import type { RecipeValues } from '../../rl/recipe/values.ts';
import { recordedSteps } from '../../rl/runs/record.ts';
import {
  checkpointPath,
  lastCheckpoint,
  readText,
  within,
  type RunFolder,
} from '../../rl/runs/run-folder.ts';
import { readFacts, unknownFacts, type RunFacts } from './facts.ts';
import { chosenOf, readRecipe } from './recipe-of-run.ts';

export interface StoredRun {
  /** The name of its folder. */
  id: string;
  facts: RunFacts;
  /** As it would be given to train the run again; empty if it cannot be read. */
  recipe: RecipeValues;
  maxSteps: number;
  rows: MetricsRow[];
  /** Step of the last complete checkpoint; 0 if there is none. */
  savedStep: number;
  /** Whether all steps are done. */
  finished: boolean;
  /** What is missing or not whole, a sentence each. */
  problems: string[];
}

/**
 * Oldest first.
 * @param page the page's default recipe
 */
export async function listRuns(runs: RunFolder, page: RecipeValues): Promise<StoredRun[]> {
  const found = await Promise.all((await runs.list('')).map((id) => readRun(runs, id, page)));
  return found.sort((a, b) => a.facts.started - b.facts.started);
}

export async function readRun(runs: RunFolder, id: string, page: RecipeValues): Promise<StoredRun> {
  const run = within(runs, id);
  const problems: string[] = [];
  const facts = await readFacts(run, id).catch(() => {
    problems.push('run.json is not whole: the name and the note are lost.');
    return undefined;
  });
  const recipe = await recipeOf(run, problems);
  const savedStep = (await lastCheckpoint(run)) ?? 0;
  if (savedStep > 0) problems.push(...(await checkpointProblems(run, savedStep)));
  return {
    id,
    facts: facts ?? unknownFacts(id),
    recipe: chosenOf(recipe, page),
    maxSteps: Number(recipe['max_steps'] ?? 0),
    rows: await rowsOf(run, problems),
    savedStep,
    finished: (await run.open('summary.json')) !== undefined,
    problems,
  };
}

async function recipeOf(run: RunFolder, problems: string[]): Promise<RecipeValues> {
  const yaml = await readText(run, 'recipe.yaml');
  try {
    if (yaml !== undefined) return readRecipe(yaml);
    problems.push('recipe.yaml is missing: this run cannot go on.');
  } catch {
    problems.push('recipe.yaml is not whole: this run cannot go on.');
  }
  return {};
}

/** The rows before the first that is not whole. */
async function rowsOf(run: RunFolder, problems: string[]): Promise<MetricsRow[]> {
  const text = await readText(run, 'metrics.jsonl');
  if (text === undefined) problems.push('metrics.jsonl is missing: this run has no curves.');
  const rows: MetricsRow[] = [];
  for (const line of (text ?? '').split('\n')) {
    if (line === '') continue;
    try {
      rows.push(JSON.parse(line) as MetricsRow);
    } catch {
      problems.push(`metrics.jsonl is not whole after step ${rows.at(-1)?.step ?? 0}.`);
      break;
    }
  }
  return rows;
}

/** Whether the weights and the moments are there, as long as their headers say. */
async function checkpointProblems(run: RunFolder, step: number): Promise<string[]> {
  const at = checkpointPath(step);
  const names = await run.list(at);
  const weights = names.includes(ADAPTER_WEIGHTS) ? ADAPTER_WEIGHTS : 'model.safetensors';
  const problems: string[] = [];
  for (const name of [weights, 'optimizer.safetensors']) {
    const source = await run.open(`${at}/${name}`);
    const whole = source && (await SafetensorsFile.open(source).catch(() => undefined));
    if (whole) continue;
    const what = source ? 'not whole' : 'missing';
    problems.push(`${at}/${name} is ${what}: this run cannot go on from step ${step}.`);
  }
  return problems;
}

export interface OpenedRun {
  reports: StepReport[];
  /** Files that cannot be read, a sentence each. */
  problems: string[];
}

/** All that the run has recorded, with every trace. */
export async function openRun(runs: RunFolder, id: string): Promise<OpenedRun> {
  const problems: string[] = [];
  const reports = await recordedSteps(within(runs, id), id, {
    traceSteps: 1,
    onDamage: (file, error) => problems.push(`${file} cannot be read (${String(error)}).`),
  });
  return { reports, problems };
}

/** Bytes of a file, or of all files in a folder. */
export async function sizeOf(folder: RunFolder, path = ''): Promise<number> {
  const source = path === '' ? undefined : await folder.open(path);
  if (source) return source.size;
  const names = await folder.list(path);
  const sizes = await Promise.all(
    names.map((name) => sizeOf(folder, path === '' ? name : `${path}/${name}`)),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** A tab that was closed before the first step left such a run; nothing of it is worth keeping. */
export async function isEmpty(
  runs: RunFolder,
  { id, rows, savedStep }: StoredRun,
): Promise<boolean> {
  if (savedStep > 0 || rows.some(({ step }) => step > 0)) return false;
  const written = await Promise.all(
    ['completions', 'checkpoints'].map((name) => within(runs, id).list(name)),
  );
  return written.every((names) => names.length === 0);
}
