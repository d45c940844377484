/**
 * A GRPO run as a folder for a trainer on Ray: a script with the recipe as its arguments, prompts, rewards and
 * models. What differs between such trainers is a value here.
 */
import { Tokenizer } from '../../model/tokenizer.ts';
import type { Row } from '../../rl/data/rows.ts';
import { RecipeError, type Recipe } from '../../rl/recipe/recipe.ts';
import type { ExportFile } from '../../rl/runs/export.ts';
import { rateSentence, referenceSentence } from './fresh-start.ts';
import { handoverRows } from './rows.ts';
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
} from './source.ts';

export interface RayTrainer {
  name: string;
  /** README.md and train.sh have {names} that are replaced. */
  texts: Record<'README.md' | 'requirements.txt' | 'reward.py' | 'train.sh', string>;
  /**
   * The recipe as arguments, for the steps that are left after `step`.
   * @throws RecipeError for what the trainer does not have
   */
  argumentLines: (recipe: Recipe, step: number, hasTest: boolean) => string[];
  /** @param rows with prompt (a text), turns and row, as handoverRows gives them */
  data: (name: 'train' | 'test', rows: readonly Row[], recipe: Recipe) => ExportFile;
  /** Whether the reward gets a text without special tokens. */
  removesSpecial: boolean;
}

/**
 * The files of the folder.
 * @throws RecipeError where the trainer cannot go on with the run; nothing is written then
 */
export async function rayFiles(trainer: RayTrainer, source: HandoverSource): Promise<ExportFile[]> {
  const { recipe, step, policy } = source;
  const { texts, argumentLines, data } = trainer;
  refuseFinished(source);
  argumentLines(recipe, step, false);
  const tokenizer = await Tokenizer.load(policy.tokenizer);
  if (trainer.removesSpecial && recipe.thinking) refuseSpecialThinkEnd(tokenizer, trainer.name);
  const scoring = await scoringFiles(source);
  const facts = scoringFacts(source, await endsOf(source, tokenizer));
  const { train, test } = await handoverRows(recipe, step, tokenizer, source.readFile);
  const lines = argumentLines(recipe, step, test.length > 0).map((line) => `  ${line} \\`);
  const script = texts['train.sh'].replace('{arguments}', () => lines.join('\n'));
  const files = [
    textFile('train.sh', script),
    textFile('run.json', `${JSON.stringify(facts, null, 2)}\n`),
    data('train', train, recipe),
    ...(test.length > 0 ? [data('test', test, recipe)] : []),
    textFile('reward.py', texts['reward.py']),
    textFile('requirements.txt', texts['requirements.txt']),
    ...scoring,
    ...(await modelFolders(source, false)),
  ];
  return [readmeOf(trainer, source, files), ...files];
}

function readmeOf(
  { name, texts }: RayTrainer,
  { recipe, step, policy }: HandoverSource,
  files: readonly ExportFile[],
): ExportFile {
  const completions = recipe.per_device_train_batch_size * recipe.gradient_accumulation_steps;
  const values = {
    step: String(step),
    steps: String(recipe.max_steps),
    prompts: String(completions / recipe.num_generations),
    group: String(recipe.num_generations),
    completions: String(completions),
    source: dataSentence(recipe),
    rate: rateSentence(recipe),
    reference: referenceSentence(recipe, policy.adapter !== undefined),
  };
  const prompts = 'The prompts of the steps that are left.';
  const heldOut = 'Held-out prompts; training does not read them.';
  const about = {
    'train.sh': `Starts ${name} with the recipe in ${name}’s words.`,
    'run.json': 'What scoring.py needs to know of the run.',
    ...{ 'train.parquet': prompts, 'train.jsonl': prompts },
    ...{ 'test.parquet': heldOut, 'test.jsonl': heldOut },
    'reward.py': `The reward, as ${name} calls it.`,
    ...ABOUT_FILES,
  };
  return fillReadme(texts['README.md'], values, files, about);
}

/** @throws RecipeError if the end of a thought is a special token, which the reward would not get */
function refuseSpecialThinkEnd(tokenizer: Tokenizer, trainer: string): void {
  if (tokenizer.decode(tokenizer.encode('</think>'), { skipSpecial: true }).includes('</think>'))
    return;
  throw new RecipeError(
    `the tokenizer has </think> as a special token, which ${trainer} removes before it asks the reward; ` +
      'use TRL (--to trl).',
  );
}
