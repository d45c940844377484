/** A GRPO run as a folder that verl goes on with, on one machine or on a Ray cluster. */
import { Tokenizer } from '../../../model/tokenizer.ts';
import type { ExportFile } from '../../../rl/runs/export.ts';
import { rateSentence, referenceSentence } from '../fresh-start.ts';
import { handoverRows } from '../rows.ts';
import {
  ABOUT_FILES,
  dataSentence,
  fillReadme,
  modelFolders,
  refuseFinished,
  refuseSpecialThinkEnd,
  scoringFacts,
  scoringFiles,
  textFile,
  type HandoverSource,
} from '../source.ts';
import { overrides, verlRecipe } from './recipe.ts';
import { parquet } from './rows.ts';
import readme from './README.md?raw';
import requirements from './requirements.txt?raw';
import reward from './reward.py?raw';
import script from './train.sh?raw';

/**
 * The files of the folder.
 * @throws RecipeError where verl cannot go on with the run; nothing is written then
 */
export async function verlFiles(source: HandoverSource): Promise<ExportFile[]> {
  const { recipe, step, policy } = source;
  refuseFinished(source);
  verlRecipe(recipe, step, false);
  const tokenizer = await Tokenizer.load(policy.tokenizer);
  if (recipe.thinking) refuseSpecialThinkEnd(tokenizer, 'verl');
  const scoring = await scoringFiles(source);
  const rows = await handoverRows(recipe, step, tokenizer, source.readFile);
  const hasTest = rows.test.length > 0;
  const lines = overrides(verlRecipe(recipe, step, hasTest)).map((line) => `  ${line} \\`);
  const data = recipe.world ?? 'ponder';
  const files = [
    textFile(
      'train.sh',
      script.replace('{overrides}', () => lines.join('\n')),
    ),
    textFile('run.json', `${JSON.stringify(await scoringFacts(source), null, 2)}\n`),
    parquet('train.parquet', data, rows.train),
    ...(hasTest ? [parquet('test.parquet', data, rows.test)] : []),
    textFile('reward.py', reward),
    textFile('requirements.txt', requirements),
    ...scoring,
    ...(await modelFolders(source, false)),
  ];
  return [readmeOf(source, files), ...files];
}

const ABOUT: Record<string, string> = {
  'train.sh': 'Starts verl with the recipe in verl’s words.',
  'run.json': 'What scoring.py needs to know of the run.',
  'train.parquet': 'The prompts of the steps that are left, in order.',
  'test.parquet': 'Held-out prompts; training does not read them.',
  'reward.py': 'The reward, as verl calls it.',
  ...ABOUT_FILES,
};

function readmeOf({ recipe, step, policy }: HandoverSource, files: readonly ExportFile[]) {
  const batch = recipe.per_device_train_batch_size * recipe.gradient_accumulation_steps;
  const values = {
    step: String(step),
    steps: String(recipe.max_steps),
    prompts: String(batch / recipe.num_generations),
    group: String(recipe.num_generations),
    source: dataSentence(recipe),
    rate: rateSentence(recipe),
    reference: referenceSentence(recipe, policy.adapter !== undefined),
  };
  return fillReadme(readme, values, files, ABOUT);
}
