/** `ponder train --matrix`: many runs of one recipe, in one process, or a command for each. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { keepDevices } from '../gpu/node.ts';
import { matrixRuns, type MatrixRun } from '../rl/recipe/matrix.ts';
import { RecipeError, type Recipe } from '../rl/recipe/recipe.ts';
import { readText } from '../rl/runs/run-folder.ts';
import { nodeRunFolder } from '../rl/runs/run-folder.node.ts';
import { differences, originOf, valuesOf } from '../rl/runs/same-run.ts';
import { TrainingError } from '../rl/trainers/trainer.ts';
import { command } from './changed-run.ts';
import { namingScripts, runFolderOf } from './open.ts';
import { stopAsked, Stopped } from './stop-signals.ts';
import { oneLine, table } from './text.ts';

/** A recipe with a matrix, and where its runs go. */
interface Asked {
  /** Of the recipe. */
  readonly path: string;
  /** Each run has a folder in it; undefined for that of the recipe. */
  readonly out: string | undefined;
  /** Recipe keys as they were given on the command line. */
  readonly others: Readonly<Record<string, string>>;
}

export interface RunPlace extends Asked {
  readonly out: string;
  readonly resume: boolean;
  /** The command that goes on after a stop. */
  readonly goOn: string;
}

type TrainRun = (recipe: Recipe, place: RunPlace) => Promise<Record<string, number>>;

export interface RunResult {
  readonly out: string;
  /** undefined for a run that was finished before. */
  readonly metrics?: Record<string, number>;
}

/** One command a run, which begins it or continues it, in any order and on any machine. */
export async function matrixCommands(asked: Asked): Promise<string[]> {
  const { runs, out } = await runsOf(asked);
  return runs.map(
    ({ name, overrides }) => `${command(asked.path, join(out, name), overrides)} --resume`,
  );
}

/**
 * Trains what is not finished, one run after the other. A run that fails does not stop the others.
 * @throws TrainingError at the end, if a run failed; Stopped after a signal
 */
export async function trainMatrix(
  asked: Asked,
  train: TrainRun,
): Promise<{ runs: readonly RunResult[] }> {
  const { runs, out: all } = await runsOf(asked);
  for (const notice of new Set(runs.flatMap(({ notices }) => notices))) {
    process.stderr.write(`${notice}\n`);
  }
  // Kernels are compiled once for all runs.
  keepDevices();
  const goOn = `${command(asked.path, all, asked.others)} --matrix`;
  const results: RunResult[] = [];
  const failures: string[] = [];
  for (const [i, { name, recipe, overrides: others }] of runs.entries()) {
    const out = join(all, name);
    const signal = stopAsked();
    if (signal) throw new Stopped(signal, `stopped before ${name}. Go on with: ${goOn}`);
    const say = (what: string): void => {
      process.stderr.write(`${i + 1} of ${runs.length}: ${name}${what}\n`);
    };
    if (await isFinished(out, recipe)) {
      say(' is finished');
      results.push({ out });
      continue;
    }
    say('');
    try {
      const metrics = await train(recipe, { path: asked.path, out, others, resume: true, goOn });
      results.push({ out, metrics });
    } catch (error) {
      if (error instanceof Stopped) throw error;
      const reason = oneLine(error instanceof Error ? error.message : String(error));
      process.stderr.write(`ponder: ${name}: ${reason}\n`);
      failures.push(name);
    }
  }
  if (failures.length > 0) {
    throw new TrainingError(
      `${failures.length} of ${runs.length} runs failed (see above): ${failures.join(', ')}. The same command ` +
        'tries them again, and leaves out the finished ones.',
    );
  }
  return { runs: results };
}

export function runsTable(runs: readonly RunResult[]): string {
  const measures = ['step', 'reward', 'accuracy', 'loss'] as const;
  const shown = measures.filter((key) => runs.some(({ metrics }) => metrics && key in metrics));
  return table([
    ['run', ...shown],
    ...runs.map(({ out, metrics }) => [
      out,
      ...shown.map((key) => metrics?.[key] ?? 'finished before'),
    ]),
  ]);
}

async function runsOf({ path, out, others }: Asked): Promise<{ runs: MatrixRun[]; out: string }> {
  const text = await readFile(path, 'utf8').catch(() => {
    throw new RecipeError(`${path} cannot be read; name a recipe with a matrix.`);
  });
  const runs = namingScripts(() => matrixRuns(text, path, others));
  return { runs, out: runFolderOf(out, runs[0]!.recipe) };
}

/** Whether a run of this recipe, or of one that trains the same, has ended; another recipe is refused where training begins. */
async function isFinished(out: string, recipe: Recipe): Promise<boolean> {
  const folder = nodeRunFolder(out);
  if ((await readText(folder, 'summary.json')) === undefined) return false;
  const values = valuesOf(await readText(folder, 'recipe.yaml'));
  if (values?.['max_steps'] !== recipe.max_steps) return false;
  return differences({ recipe: values }, originOf(recipe, {})).length === 0;
}
