/**
 * A run as a folder that TRL goes on with, on one card or many: policy, reference, rewards, prompts,
 * recipe, and the few lines of Python that put them together.
 */
import { stringify } from 'yaml';
import { Tokenizer } from '../../../model/tokenizer.ts';
import { jsonLines } from '../../../rl/data/json-lines.ts';
import { rewardNames } from '../../../rl/recipe/reward-names.ts';
import { recipeYaml, type Recipe } from '../../../rl/recipe/recipe.ts';
import { copy, type ExportFile } from '../../../rl/runs/export.ts';
import { readRecipe } from '../../runs/recipe-of-run.ts';
import type { Origin } from '../back/trl.ts';
import { handoverRows } from '../rows.ts';
import {
  ABOUT_FILES,
  dataSentence,
  endsOf,
  fillReadme,
  modelFolders,
  refuseFinished,
  scoringFacts,
  scoringFiles,
  textFile,
  type HandoverSource,
} from '../source.ts';
import { trlRecipe, updatesPerStep } from './recipe.ts';
import deepspeed from './deepspeed.yaml?raw';
import fsdp from './fsdp.yaml?raw';
import readme from './README.md?raw';
import requirements from './requirements.txt?raw';
import rewards from './rewards.py?raw';
import train from './train.py?raw';

export type { HandoverSource } from '../source.ts';

/**
 * The files of the folder.
 * @throws RecipeError where TRL cannot go on with the run; nothing is written then
 */
export async function trlFiles(source: HandoverSource): Promise<ExportFile[]> {
  const { recipe, step, policy, moments } = source;
  refuseFinished(source);
  const yaml = stringify(trlRecipe(recipe, step, rewardNames(recipe)));
  const sampled = recipe.algorithm === 'grpo';
  const scoring = sampled ? await scoringFiles(source) : [];
  const tokenizer = await Tokenizer.load(policy.tokenizer);
  const rows = await handoverRows(recipe, step, tokenizer, source.readFile);
  const ends = await endsOf(source, tokenizer);
  const compares = recipe.algorithm === 'dpo' || (sampled && recipe.beta > 0);
  const models = await modelFolders(source, compares);
  const run = {
    algorithm: recipe.algorithm,
    // In optimizer steps.
    step: step * updatesPerStep(recipe),
    adapter: policy.adapter !== undefined,
    reference: models.some(({ path }) => path.startsWith('reference/')),
    moments: moments !== undefined,
    test: rows.test.length > 0,
    ...scoringFacts(source, ends),
    turn_end: ends.turnEnd,
    // Comes back with the output, as ponder.json.
    origin: originOf(source),
  };
  const texts: Record<string, string> = {
    'recipe.yaml': yaml,
    'run.json': `${JSON.stringify(run, null, 2)}\n`,
    'train.jsonl': jsonLines(rows.train),
    ...(rows.test.length > 0 && { 'test.jsonl': jsonLines(rows.test) }),
    'train.py': train,
    ...(sampled && { 'rewards.py': rewards }),
    'requirements.txt': requirements + (isQuantised(recipe) ? 'bitsandbytes\n' : ''),
    'deepspeed.yaml': deepspeed,
    'fsdp.yaml': fsdp,
  };
  const files = [
    ...Object.entries(texts).map(([path, text]) => textFile(path, text)),
    ...scoring,
    ...(moments ? [copy('optimizer.safetensors', moments)] : []),
    ...models,
  ];
  return [readmeOf(source, files), ...files];
}

function originOf({ recipe, step }: HandoverSource): Origin {
  return {
    recipe: readRecipe(recipeYaml(recipe)),
    ...{ step, updates: updatesPerStep(recipe) },
  };
}

const ABOUT: Record<string, string> = {
  'recipe.yaml': 'The recipe, in TRL’s words.',
  'run.json': 'What train.py and scoring.py need to know of the run.',
  'train.jsonl': 'What the steps that are left will read, in order.',
  'test.jsonl': 'Held-out prompts or pairs; training does not read them.',
  'train.py': 'Puts it all together and trains.',
  'rewards.py': 'The rewards, as TRL calls them.',
  'optimizer.safetensors': 'Adam’s moments.',
  'requirements.txt': 'The versions with which this was tried.',
  'deepspeed.yaml':
    'For accelerate: each card has all weights, and a part of the gradients and moments.',
  'fsdp.yaml': 'For accelerate: each card has a part of the weights, gradients and moments.',
  ...ABOUT_FILES,
};

const EXAMPLES = {
  grpo: 'completions',
  sft: 'examples',
  reward: 'pairs',
  dpo: 'pairs',
  ppo: 'completions',
};

const isQuantised = ({ load_in_4bit: in4, load_in_8bit: in8 }: Recipe): boolean => in4 || in8;

const QUANTISED =
  ' The weights of the base are rounded by bitsandbytes there, in another way than in Ponder, so that all\n' +
  'numbers differ a little.';

function readmeOf({ recipe, step }: HandoverSource, files: readonly ExportFile[]): ExportFile {
  const { per_device_train_batch_size: batch, gradient_accumulation_steps: parts } = recipe;
  const inParts = parts > 1 ? `, in ${parts} parts of ${batch}` : '';
  const values = {
    algorithm: recipe.algorithm.toUpperCase(),
    step: String(step),
    steps: String(recipe.max_steps),
    batch: String(batch),
    examples: `${batch * parts} ${EXAMPLES[recipe.algorithm]}${inParts}`,
    source: dataSentence(recipe),
    quantised: isQuantised(recipe) ? QUANTISED : '',
  };
  return fillReadme(readme, values, files, ABOUT);
}
