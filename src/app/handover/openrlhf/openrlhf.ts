/** A GRPO run as a folder that OpenRLHF goes on with, on one machine or on a Ray cluster. */
import { Tokenizer } from '../../../model/tokenizer.ts';
import { jsonLines } from '../../../rl/data/json-lines.ts';
import type { Row } from '../../../rl/data/rows.ts';
import type { ExportFile } from '../../../rl/runs/export.ts';
import { rateSentence, referenceSentence } from '../fresh-start.ts';
import { handoverRows } from '../rows.ts';
import {
  ABOUT_FILES,
  dataSentence,
  fillReadme,
  modelFolders,
  refuseFinished,
  scoringFacts,
  scoringFiles,
  textFile,
  type HandoverSource,
} from '../source.ts';
import { argumentLines, openrlhfRecipe } from './recipe.ts';
import readme from './README.md?raw';
import requirements from './requirements.txt?raw';
import reward from './reward.py?raw';
import script from './train.sh?raw';

/**
 * The files of the folder.
 * @throws RecipeError where OpenRLHF cannot go on with the run; nothing is written then
 */
export async function openrlhfFiles(source: HandoverSource): Promise<ExportFile[]> {
  const { recipe, step, policy } = source;
  refuseFinished(source);
  openrlhfRecipe(recipe, step, false);
  const tokenizer = await Tokenizer.load(policy.tokenizer);
  const scoring = await scoringFiles(source);
  const rows = await handoverRows(recipe, step, tokenizer, source.readFile);
  const hasTest = rows.test.length > 0;
  const lines = argumentLines(openrlhfRecipe(recipe, step, hasTest));
  const files = [
    textFile(
      'train.sh',
      script.replace('{arguments}', () => lines.map((line) => `  ${line} \\`).join('\n')),
    ),
    textFile('run.json', `${JSON.stringify(await scoringFacts(source), null, 2)}\n`),
    textFile('train.jsonl', jsonLines(rows.train.map(labelled))),
    ...(hasTest ? [textFile('test.jsonl', jsonLines(rows.test.map(labelled)))] : []),
    textFile('reward.py', reward),
    textFile('requirements.txt', requirements),
    ...scoring,
    ...(await modelFolders(source, false)),
  ];
  return [readmeOf(source, files), ...files];
}

/** OpenRLHF gives the reward function nothing but prompt and label. */
const labelled = ({ prompt, turns, row }: Row): Row => ({
  prompt,
  label: JSON.stringify({ turns, row }),
});

const ABOUT: Record<string, string> = {
  'train.sh': 'Starts OpenRLHF with the recipe in OpenRLHF’s words.',
  'run.json': 'What scoring.py needs to know of the run.',
  'train.jsonl': 'The prompts of the steps that are left.',
  'test.jsonl': 'Held-out prompts; training does not read them.',
  'reward.py': 'The reward, as OpenRLHF calls it.',
  ...ABOUT_FILES,
};

function readmeOf({ recipe, step }: HandoverSource, files: readonly ExportFile[]): ExportFile {
  const completions = recipe.per_device_train_batch_size * recipe.gradient_accumulation_steps;
  const values = {
    step: String(step),
    steps: String(recipe.max_steps),
    prompts: String(completions / recipe.num_generations),
    group: String(recipe.num_generations),
    completions: String(completions),
    source: dataSentence(recipe),
    rate: rateSentence(recipe),
    reference: referenceSentence(recipe, false),
  };
  return fillReadme(readme, values, files, ABOUT);
}
