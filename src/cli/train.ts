import { recipeGroups } from '../rl/recipe/keys.ts';
import { isFlag, type Recipe } from '../rl/recipe/recipe.ts';
import { findCheckpoint } from '../rl/runs/checkpoints.ts';
import { holdRunFolder } from '../rl/runs/lock.node.ts';
import { Run } from '../rl/runs/run.ts';
import type { RunFolder } from '../rl/runs/run-folder.ts';
import { StorageError } from '../rl/runs/storage-error.ts';
import { ChangedRunError } from '../rl/runs/same-run.ts';
import { gaveUp, Losses } from '../app/lost-device.ts';
import { openTrainer } from '../app/opening/trainer.ts';
import { TrainingError } from '../rl/trainers/trainer.ts';
import { UsageError } from './arguments.ts';
import { changedRun, command } from './changed-run.ts';
import { defineCommand, optionTable } from './command.ts';
import { matrixCommands, runsTable, trainMatrix, type RunPlace, type RunResult } from './matrix.ts';
import { nodeSurroundings, openRecipe, runFolderOf } from './open.ts';
import { Progress } from './progress.ts';
import { refuseFullDisk } from './room.ts';
import { savedOnStop, stopAsked, Stopped } from './stop-signals.ts';
import { table } from './text.ts';

/** Every recipe key with its help and default, in the groups of recipe/keys.ts. */
function recipeHelp(): string {
  const groups = recipeGroups.map(({ title, keys, only }) => {
    const whose = only ? ` (${only.join(', ')})` : '';
    return `${title}${whose}\n${optionTable(keys)}`;
  });
  return (
    'Recipe keys, in the recipe or as --key value. A list is a,b or [a, b] (with a comma inside a name: ' +
    `["a,b"]); a key that is true needs no value.\n\n${groups.join('\n')}`
  );
}

/** The commands of many runs, the runs, or one run with the metrics of its last step. */
type Result =
  | { readonly commands: readonly string[] }
  | { readonly runs: readonly RunResult[] }
  | { readonly out: string };

export const train = defineCommand({
  name: 'train',
  positionals: { RECIPE: 'A YAML file, such as recipes/default.yaml.' },
  summary:
    'Trains a model with a recipe and writes a run folder; any recipe key can be given as --key value.',
  options: {
    out: {
      type: 'text',
      optional: true,
      help: 'Folder of the run; without it, output_dir of the recipe.',
    },
    resume: {
      type: 'flag',
      default: false,
      help: 'Continues from the last checkpoint in --out; without one, the run begins.',
    },
    matrix: {
      type: 'flag',
      default: false,
      help: 'Trains every combination of the lists in the matrix of the recipe, each in a folder of its own in --out; the same command continues.',
    },
    print: {
      type: 'flag',
      default: false,
      help: 'With --matrix: prints one command for each run, for a scheduler, and trains nothing.',
    },
  },
  others: { isFlag },
  notes: recipeHelp(),
  async run({
    positionals: [path = ''],
    options: { out: given, resume, matrix, print },
    others,
  }): Promise<Result> {
    if (print && !matrix) throw new UsageError('--print needs --matrix; add it');
    if (matrix) {
      const asked = { path, out: given, others };
      return print ? { commands: await matrixCommands(asked) } : trainMatrix(asked, trainRun);
    }
    const recipe = await openRecipe(path, others);
    const out = runFolderOf(given, recipe);
    const goOn = `${command(path, out, others)} --resume`;
    return { out, ...(await trainRun(recipe, { path, out, others, resume, goOn })) };
  },
  format: (result) => {
    if ('commands' in result) return result.commands.map((line) => `${line}\n`).join('');
    if ('runs' in result) return runsTable(result.runs);
    return table(Object.entries<string | number>(result).map(([key, value]) => [key, value]));
  },
});

/** Trains one run in a folder of its own. @returns the metrics of its last step */
async function trainRun(
  recipe: Recipe,
  { path, out, others, resume, goOn }: RunPlace,
): Promise<Record<string, number>> {
  const held = await holdRunFolder(out);
  const { folder } = held;
  try {
    if (!resume) await refuseSecondRun(out, folder);
    return await trainIn(folder, recipe, { out, resume, goOn }).catch((error: unknown) => {
      throw error instanceof ChangedRunError
        ? changedRun(error, { path, recipe, out, others })
        : error;
    });
  } finally {
    await held.release();
  }
}

/** A run without a checkpoint may be replaced, unless it is finished: nothing of it could go on. */
async function refuseSecondRun(out: string, folder: RunFolder): Promise<void> {
  const { found, anySaved } = await findCheckpoint(folder, 'sizes');
  if (!anySaved && (await folder.open('summary.json')))
    throw new UsageError(`${out} already holds a finished run; name another folder`);
  if (!anySaved) return;
  const reached = found ? `, saved after step ${found.step}` : '';
  throw new UsageError(
    `${out} already holds a run${reached}; add --resume to continue it, or name another folder`,
  );
}

type Place = Pick<RunPlace, 'out' | 'resume' | 'goOn'>;
type Around = Awaited<ReturnType<typeof nodeSurroundings>>;

/** Trains until the recipe's last step, also when devices are lost. @returns the metrics of that step */
async function trainIn(
  folder: RunFolder,
  recipe: Recipe,
  { out, resume, goOn }: Place,
): Promise<Record<string, number>> {
  const losses = new Losses();
  let again = resume;
  for (;;) {
    const done = { steps: 0, last: 0 };
    let around: Around | undefined;
    try {
      around = await nodeSurroundings();
      return await trainOn(around, folder, recipe, { out, resume: again, goOn }, done);
    } catch (error) {
      if (!(await losses.explain(error, around?.gpu, done.steps))) throw error;
      if (!losses.goesOn(done.last)) throw new TrainingError(gaveUp(error));
      process.stderr.write(
        `${out}: ${losses.sentence} The run goes on from its last checkpoint.\n`,
      );
      again = true;
    } finally {
      around?.close();
    }
    await losses.settle();
  }
}

/** @param done is told how many steps were done here, and the number of the last */
async function trainOn(
  around: Around,
  folder: RunFolder,
  recipe: Recipe,
  { out, resume, goOn }: Place,
  done: { steps: number; last: number },
): Promise<Record<string, number>> {
  const { trainer, tokenizerFiles, inputs } = await openTrainer(recipe, around);
  const run = new Run(recipe, trainer, folder, tokenizerFiles, inputs);
  let progress: Progress | undefined;
  let begun = false;
  const onStop = (): void => {
    progress?.clear();
    process.stderr.write(`${out}: ${begun ? stopSentence(run) : 'stops before its next step.'}\n`);
  };
  return savedOnStop(onStop, async () => {
    const goesOn = resume && (await run.resume());
    await refuseFullDisk(out, recipe, trainer);
    if (!goesOn) await run.begin();
    begun = true;
    for (const notice of run.notices) process.stderr.write(`${out}: ${notice}\n`);
    if (run.finished) process.stderr.write(`${out}: ${finishedSentence(run)}\n`);
    progress = new Progress(recipe.max_steps, trainer.step);
    let last = { step: trainer.step } as Record<string, number>;
    while (!run.finished && !stopAsked()) {
      last = (await run.advance().catch((error: unknown) => stopped(error, run))).metrics;
      done.steps++;
      done.last = trainer.step;
      const value = last.reward ?? last.accuracy ?? last.loss ?? 0;
      progress.update(trainer.step, `${headline(last)} ${value.toFixed(3)}`);
    }
    progress.clear();
    const signal = stopAsked();
    if (run.finished || !signal) return last;
    await run.save().catch((error: unknown) => stopped(error, run));
    throw new Stopped(signal, `${out} is stopped and ${saved(run)}. Go on with: ${goOn}`);
  });
}

const finishedSentence = ({ trainer: { step } }: Run): string =>
  `the run is finished: it has ${step} steps already. To go on, give a larger --max_steps.`;

const saved = ({ savedStep }: Run): string =>
  savedStep === 0 ? 'has no step yet' : `saved after step ${savedStep}`;

/** What is lost is what no checkpoint has. */
function stopSentence({ savedStep }: Run): string {
  const lost = savedStep === 0 ? 'all steps' : `the steps after step ${savedStep}`;
  return (
    'stops after this step, and saves it. A second Ctrl-C, or kill, stops at once: then ' +
    `${lost} are lost.`
  );
}

/** A full disk stops the run, not what is on it. */
function stopped(error: unknown, { savedStep }: Run): never {
  if (!(error instanceof StorageError) || savedStep === 0) throw error;
  throw new StorageError(`${error.message}: with --resume, from step ${savedStep}`, {
    cause: error,
  });
}

function headline(row: Record<string, number>): string {
  return 'reward' in row ? 'reward' : 'accuracy' in row ? 'accuracy' : 'loss';
}
