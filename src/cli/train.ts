import { recipeGroups } from '../rl/recipe/keys.ts';
import { Run } from '../rl/runs/run.ts';
import { nodeRunFolder } from '../rl/runs/run-folder.node.ts';
import { openTrainer } from '../app/opening/trainer.ts';
import { UsageError } from './arguments.ts';
import { defineCommand, optionTable } from './command.ts';
import { nodeSurroundings, openRecipe } from './open.ts';
import { Progress } from './progress.ts';
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
    resume: { type: 'flag', default: false, help: 'Continues from the last checkpoint in --out.' },
  },
  takesOthers: true,
  notes: recipeHelp(),
  async run({ positionals: [path = ''], options, others }) {
    const recipe = await openRecipe(path, others);
    const folder = nodeRunFolder(options.out);
    const around = await nodeSurroundings();
    try {
      const { trainer, tokenizerFiles } = await openTrainer(recipe, around);
      const run = new Run(recipe, trainer, folder, tokenizerFiles);
      if (!options.resume) {
        if ((await folder.list('.')).includes('recipe.yaml')) {
          throw new UsageError(
            `${options.out} already holds a run; add --resume to continue it, or name another folder`,
          );
        }
        await run.begin();
      } else if (!(await run.resume())) {
        throw new UsageError(
          `${options.out} has no complete checkpoint to resume from; leave --resume out`,
        );
      }
      const progress = new Progress(recipe.max_steps, trainer.step);
      let last = { step: trainer.step } as Record<string, number>;
      while (!run.finished) {
        last = (await run.advance()).metrics;
        const value = last.reward ?? last.accuracy ?? last.loss ?? 0;
        progress.update(trainer.step, `${headline(last)} ${value.toFixed(3)}`);
      }
      progress.clear();
      return { out: options.out, ...last };
    } finally {
      around.close();
    }
  },
  format: (result) => table(Object.entries(result).map(([key, value]) => [key, value])),
});

function headline(row: Record<string, number>): string {
  return 'reward' in row ? 'reward' : 'accuracy' in row ? 'accuracy' : 'loss';
}
