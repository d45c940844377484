/**
 * The runs that a browser stores: a folder for each, which is all that is known of the run. What is
 * missing or not whole in a folder is named; the rest of the run is there.
 */
import type { MetricsRow, StepReport } from '../../rl/report.ts';
import type { RecipeValues } from '../../rl/recipe/values.ts';
import { recordedSteps } from '../../rl/runs/record.ts';
import { findCheckpoint } from '../../rl/runs/checkpoints.ts';
import { readText, within, type RunFolder } from '../../rl/runs/run-folder.ts';
import { recipeToGoOn, valuesOf } from '../../rl/runs/same-run.ts';
import type { TrainerState } from '../../rl/runs/trainer-state.ts';
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
    problems.push('run.json is damaged: the name and the note are lost.');
    return undefined;
  });
  const { found, problems: damaged } = await findCheckpoint(run, 'sizes');
  const recipe = await recipeOf(run, problems, found?.state);
  const savedStep = found?.step ?? 0;
  if (damaged.length > 0) {
    const goesOn = found ? `the run continues from step ${savedStep}` : 'this run cannot continue';
    problems.push(`${damaged.join('; ')}: ${goesOn}.`);
  }
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

async function recipeOf(
  run: RunFolder,
  problems: string[],
  state: TrainerState | undefined,
): Promise<RecipeValues> {
  const yaml = await readText(run, 'recipe.yaml');
  if (state?.recipe) return recipeToGoOn(state, valuesOf(yaml));
  try {
    if (yaml !== undefined) return readRecipe(yaml);
    problems.push('recipe.yaml is missing: this run cannot continue.');
  } catch {
    problems.push('recipe.yaml is damaged: this run cannot continue.');
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
      problems.push(`metrics.jsonl is damaged after step ${rows.at(-1)?.step ?? 0}.`);
      break;
    }
  }
  return rows;
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
    onDamage: (place) => problems.push(`${place} is damaged: its row is lost.`),
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
