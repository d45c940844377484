import { recipeGroups } from '../rl/recipe/keys.ts';
import type { Recipe } from '../rl/recipe/recipe.ts';
import { findCheckpoint } from '../rl/runs/checkpoints.ts';
import { holdRunFolder } from '../rl/runs/lock.node.ts';
import { Run } from '../rl/runs/run.ts';
import type { RunFolder } from '../rl/runs/run-folder.ts';
import { ChangedRunError } from '../rl/runs/same-run.ts';
import { openTrainer } from '../app/opening/trainer.ts';
import { UsageError } from './arguments.ts';
import { changedRun } from './changed-run.ts';
import { defineCommand, optionTable } from './command.ts';
import { nodeSurroundings, openRecipe } from './open.ts';
import { Progress } from './progress.ts';
import { refuseFullDisk } from './room.ts';
import { table } from './text.ts';

/** Every recipe key with its help and default, in the groups of recipe/keys.ts. */
function recipeHelp(): string {
  const groups = recipeGroups.map(({ title, keys, only }) => {
    const whose = only ? ` (${only.join(', ')})` : '';
    return `${title}${whose}\n${optionTable(keys)}`;
  });
  return `Recipe keys, in the recipe or as --key value:\n\n${groups.join('\n')}`;
}

export const train = defineCommand({
  name: 'train',
  positionals: { RECIPE: 'A YAML file, such as recipes/default.yaml.' },
  summary:
    'Trains a model with a recipe and writes a run folder; any recipe key can be given as --key value.',
  options: {
    out: { type: 'text', help: 'Folder of the run.' },
    resume: {
      type: 'flag',
      default: false,
      help: 'Continues from the last checkpoint in --out; without one, the run begins.',
    },
  },
  takesOthers: true,
  notes: recipeHelp(),
  async run({ positionals: [path = ''], options: { out, resume }, others }) {
    const recipe = await openRecipe(path, others);
    const held = await holdRunFolder(out);
    const { folder } = held;
    try {
      if (!resume) await refuseSecondRun(out, folder);
      const last = await trainIn(folder, recipe, { out, resume }).catch((error: unknown) => {
        throw error instanceof ChangedRunError
          ? changedRun(error, { path, recipe, out, others })
          : error;
      });
      return { out, ...last };
    } finally {
      await held.release();
    }
  },
  format: (result) => table(Object.entries(result).map(([key, value]) => [key, value])),
});

/** A run without a checkpoint may be replaced: nothing of it could go on. */
async function refuseSecondRun(out: string, folder: RunFolder): Promise<void> {
  const { found, anySaved } = await findCheckpoint(folder, 'sizes');
  if (!anySaved) return;
  const reached = found ? `, saved after step ${found.step}` : '';
  throw new UsageError(
    `${out} already holds a run${reached}; add --resume to continue it, or name another folder`,
  );
}

/** Trains until the recipe's last step. @returns the metrics of the last step */
async function trainIn(
  folder: RunFolder,
  recipe: Recipe,
  { out, resume }: { out: string; resume: boolean },
): Promise<Record<string, number>> {
  const around = await nodeSurroundings();
  try {
    const { trainer, tokenizerFiles, inputs } = await openTrainer(recipe, around);
    const run = new Run(recipe, trainer, folder, tokenizerFiles, inputs);
    const goesOn = resume && (await run.resume());
    await refuseFullDisk(out, recipe, trainer);
    if (!goesOn) await run.begin();
    for (const notice of run.notices) process.stderr.write(`${out}: ${notice}\n`);
    const progress = new Progress(recipe.max_steps, trainer.step);
    let last = { step: trainer.step } as Record<string, number>;
    while (!run.finished) {
      last = (await run.advance()).metrics;
      const value = last.reward ?? last.accuracy ?? last.loss ?? 0;
      progress.update(trainer.step, `${headline(last)} ${value.toFixed(3)}`);
    }
    progress.clear();
    return last;
  } finally {
    around.close();
  }
}

function headline(row: Record<string, number>): string {
  return 'reward' in row ? 'reward' : 'accuracy' in row ? 'accuracy' : 'loss';
}
