/**
 * A run as a folder that TRL goes on with, on one card or many: policy, reference, rewards, prompts,
 * recipe, and the few lines of Python that put them together.
 */
import { stringify } from 'yaml';
import type { Checkpoint } from '../../../model/adapted.ts';
import { readConfig } from '../../../model/checkpoint.ts';
import type { FileSource } from '../../../model/files.ts';
import { Tokenizer } from '../../../model/tokenizer.ts';
import { jsonLines } from '../../../rl/data/json-lines.ts';
import { rewardNames } from '../../../rl/recipe/reward-names.ts';
import { recipeYaml, type Recipe } from '../../../rl/recipe/recipe.ts';
import { QUESTION } from '../../../rl/rewards/prompted-judge.ts';
import { copy, inMemory, modelFiles, type ExportFile } from '../../../rl/runs/export.ts';
import type { ReadFile } from '../../opening/surroundings.ts';
import { readRecipe } from '../../runs/recipe-of-run.ts';
import type { Origin } from '../back/trl.ts';
import { trlRecipe, updatesPerStep } from './recipe.ts';
import { handoverRows } from './rows.ts';
import deepspeed from './deepspeed.yaml?raw';
import fsdp from './fsdp.yaml?raw';
import readme from './README.md?raw';
import requirements from './requirements.txt?raw';
import rewards from './rewards.py?raw';
import train from './train.py?raw';

/** A run at one of its checkpoints, and what its recipe names. */
export interface HandoverSource {
  recipe: Recipe;
  step: number;
  policy: Checkpoint;
  /** Adam's moments, if the checkpoint has them. */
  moments?: FileSource | undefined;
  /** The policy before training. */
  start(): Promise<Checkpoint>;
  /** A reward model or a judge, by the path in the recipe. */
  open(path: string): Promise<Checkpoint>;
  readFile: ReadFile;
}

/**
 * The files of the folder.
 * @throws RecipeError where TRL cannot go on with the run; nothing is written then
 */
export async function trlFiles(source: HandoverSource): Promise<ExportFile[]> {
  const { recipe, step, policy, moments } = source;
  const names = rewardNames(recipe);
  const yaml = stringify(trlRecipe(recipe, step, names));
  const tokenizer = await Tokenizer.load(policy.tokenizer);
  const rows = await handoverRows(recipe, step, tokenizer, source.readFile);
  const models = await modelFolders(source);
  const reference = models.some(({ path }) => path.startsWith('reference/'));
  const run = {
    algorithm: recipe.algorithm,
    // In optimizer steps.
    step: step * updatesPerStep(recipe),
    adapter: policy.adapter !== undefined,
    reference,
    moments: moments !== undefined,
    test: rows.test.length > 0,
    thinking: recipe.thinking,
    malformed: recipe.malformed,
    stop_ids: (await readConfig(policy.base)).eosTokenIds,
    rewards: names,
    // Comes back with the output, as ponder.json.
    origin: originOf(source),
    ...(recipe.judge_model_name_or_path && { question: recipe.judge_prompt ?? QUESTION }),
  };
  const sampled = recipe.algorithm === 'grpo';
  const texts: Record<string, string> = {
    'recipe.yaml': yaml,
    'run.json': `${JSON.stringify(run, null, 2)}\n`,
    'train.jsonl': jsonLines(rows.train),
    ...(rows.test.length > 0 && { 'test.jsonl': jsonLines(rows.test) }),
    'train.py': train,
    ...(sampled && { 'rewards.py': rewards }),
    'requirements.txt': requirements,
    'deepspeed.yaml': deepspeed,
    'fsdp.yaml': fsdp,
  };
  const files = [
    ...Object.entries(texts).map(([path, text]) => inMemory(path, encoder.encode(text))),
    ...(moments ? [copy('optimizer.safetensors', moments)] : []),
    ...models,
  ];
  return [inMemory('README.md', encoder.encode(readmeOf(source, files))), ...files];
}

const encoder = new TextEncoder();

function originOf({ recipe, step }: HandoverSource): Origin {
  return {
    recipe: readRecipe(recipeYaml(recipe)),
    ...{ step, updates: updatesPerStep(recipe) },
  };
}

/** The models that training reads, each in a folder of its own. */
async function modelFolders(source: HandoverSource): Promise<ExportFile[]> {
  const { recipe, policy } = source;
  const { reward_model_name_or_path: classifier, judge_model_name_or_path: judge } = recipe;
  const folders: [name: string, checkpoint: Checkpoint][] = [['policy', policy]];
  if (policy.adapter) folders.push(['base', { base: policy.base, tokenizer: policy.base }]);
  const compares = recipe.algorithm === 'dpo' || (recipe.algorithm === 'grpo' && recipe.beta > 0);
  if (compares) {
    const start = await source.start();
    // The reference of a new adapter is the base.
    if (!policy.adapter || start.adapter) folders.push(['reference', start]);
  }
  if (classifier !== undefined) folders.push(['reward_model', await source.open(classifier)]);
  if (judge !== undefined) folders.push(['judge', await source.open(judge)]);
  const files: ExportFile[] = [];
  for (const [name, checkpoint] of folders) {
    const adapted = name === 'policy' || name === 'reference' ? 'peft' : 'merged';
    const inside = await modelFiles(checkpoint, checkpoint.adapter ? adapted : 'hf');
    files.push(...inside.map((file) => ({ ...file, path: `${name}/${file.path}` })));
  }
  return files;
}

const ABOUT: Record<string, string> = {
  'recipe.yaml': 'The recipe, in TRL’s words.',
  'run.json': 'What train.py and rewards.py need to know of the run.',
  'train.jsonl': 'What the steps that are left will read, in order.',
  'test.jsonl': 'Held-out prompts or pairs; training does not read them.',
  'train.py': 'Puts it all together and trains.',
  'rewards.py': 'The rewards: they read the response, never the thought.',
  'optimizer.safetensors': 'Adam’s moments.',
  policy: 'The policy at this step, with its tokenizer and chat template.',
  base: 'The model under the adapter.',
  reference: 'The policy before training, for the KL penalty.',
  reward_model: 'The reward model, with its own chat template.',
  judge: 'The model that is asked whether a response is good.',
};

const EXAMPLES = {
  grpo: 'completions',
  sft: 'examples',
  reward: 'pairs',
  dpo: 'pairs',
  ppo: 'completions',
};

function readmeOf({ recipe, step }: HandoverSource, files: readonly ExportFile[]): string {
  const tops = new Set(files.map(({ path }) => path.split('/', 1)[0]!));
  const listed = [...tops].filter((top) => top in ABOUT);
  const values: Record<string, string> = {
    algorithm: recipe.algorithm.toUpperCase(),
    step: String(step),
    steps: String(recipe.max_steps),
    batch: String(recipe.per_device_train_batch_size),
    examples: EXAMPLES[recipe.algorithm],
    files: listed.map((top) => `| ${top} | ${ABOUT[top]} |`).join('\n'),
    source: sourceOf(recipe),
  };
  return readme.replace(/\{(\w+)\}/g, (_, name: string) => values[name]!);
}

/** Where the rows of train.jsonl come from. */
function sourceOf({ world, datasets, seed, max_steps: steps }: Recipe): string {
  return world
    ? `The prompts are those of the world ${world} with seed ${seed}, written out up to step ${steps}.`
    : `The rows are those of ${datasets.flatMap((set) => set.data_files).join(', ')}, in the order of seed ${seed}.`;
}
