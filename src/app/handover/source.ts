/** What every handover starts from: a run at one of its checkpoints, and the models that training reads. */
import { checkpointConfig, type Checkpoint } from '../../model/adapted.ts';
import { readConfig } from '../../model/checkpoint.ts';
import { CheckpointError } from '../../model/errors.ts';
import type { FileSource } from '../../model/files.ts';
import { layoutAdapter } from '../../model/lora.ts';
import { openAdapter } from '../../model/open-adapter.ts';
import type { Tokenizer } from '../../model/tokenizer.ts';
import { STORED } from '../../rl/recipe/paths.ts';
import { rewardNames } from '../../rl/recipe/reward-names.ts';
import { RecipeError, type Recipe } from '../../rl/recipe/recipe.ts';
import { QUESTION } from '../../rl/rewards/prompted-judge.ts';
import { tokenizerStops, turnEnd } from '../../rl/rollout/stop-tokens.ts';
import { inMemory, modelFiles, type ExportFile } from '../../rl/runs/export.ts';
import { requireInstructModel, requireRewardModel } from '../opening/reward-kind.ts';
import type { ReadFile } from '../opening/surroundings.ts';
import { saveInstead } from './save-instead.ts';
import scoring from './scoring.py?raw';

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

/** @throws RecipeError for a run without steps that are left */
export function refuseFinished({ recipe, step }: HandoverSource): void {
  if (step < recipe.max_steps) return;
  throw new RecipeError(
    `the run is finished after ${step} steps, so no step is left; ` +
      `${saveInstead(recipe)}, and begin a run with it.`,
  );
}

/**
 * The models that training reads, each in a folder of its own.
 * @throws CheckpointError if one of them is of another kind, or the adapter is for another base
 */
export async function modelFolders(
  source: HandoverSource,
  withReference: boolean,
): Promise<ExportFile[]> {
  const { recipe, policy } = source;
  if (policy.adapter) await requireBase(policy, policy.adapter);
  const { reward_model_name_or_path: classifier, judge_model_name_or_path: judge } = recipe;
  const folders: [name: string, checkpoint: Checkpoint][] = [['policy', policy]];
  if (policy.adapter) folders.push(['base', { base: policy.base, tokenizer: policy.base }]);
  if (withReference) {
    const before = await source.start();
    // The reference of a new adapter is the base.
    if (!policy.adapter || before.adapter) folders.push(['reference', before]);
  }
  // transformers would load either as the other, with random weights for what it lacks.
  if (classifier !== undefined) {
    const checkpoint = await source.open(classifier);
    await requireRewardModel(checkpoint);
    folders.push(['reward_model', checkpoint]);
  }
  if (judge !== undefined) {
    const checkpoint = await source.open(judge);
    await requireInstructModel(checkpoint);
    folders.push(['judge', checkpoint]);
  }
  const files: ExportFile[] = [];
  for (const [name, checkpoint] of folders) {
    const adapted = name === 'policy' || name === 'reference' ? 'peft' : 'merged';
    const inside = await modelFiles(checkpoint, checkpoint.adapter ? adapted : 'hf');
    files.push(...inside.map((file) => ({ ...file, path: `${name}/${file.path}` })));
  }
  return files;
}

/** The base may be another than the one of the training: --base names it. */
async function requireBase(
  policy: Checkpoint,
  { folder, config }: NonNullable<Checkpoint['adapter']>,
): Promise<void> {
  const { base } = policy;
  const model = await checkpointConfig(policy);
  if (config.task === 'CAUSAL_LM' && model.kind === 'reward') {
    throw new CheckpointError(
      `${base.name} is a reward model, and ${folder.name} is an adapter for a causal language model; ` +
        'name its base with --base',
    );
  }
  await openAdapter(folder, config, layoutAdapter(model, config));
}

/** The tokens with which a policy ends. */
export interface Ends {
  /** At each of them it stops. */
  stopIds: number[];
  /** The one that ends a turn, and that training on texts teaches. */
  turnEnd: number | undefined;
}

export async function endsOf({ policy }: HandoverSource, tokenizer: Tokenizer): Promise<Ends> {
  const { eosTokenIds } = await readConfig(policy.base);
  return {
    stopIds: [...new Set([...eosTokenIds, ...tokenizerStops(tokenizer)])],
    turnEnd: turnEnd(tokenizer, eosTokenIds),
  };
}

/** scoring.py and the rules that it loads. @throws RecipeError for a rule without a twin in Python */
export async function scoringFiles({ recipe, readFile }: HandoverSource): Promise<ExportFile[]> {
  const rules = await Promise.all(
    recipe.reward_funcs.map(async (path) => {
      const twin = path.replace(/\.[cm]?js$/, '.py');
      const text = await readFile(twin).catch(() => '');
      // A server may answer with a page in place of a missing file.
      if (/^def reward\(/m.test(text)) return textFile(`rules/${basename(twin)}`, text);
      throw new RecipeError(
        `reward_funcs: ${path} is JavaScript, which only Ponder runs; ${addTwin(path, twin)}, as ` +
          'def reward(prompt, response, row): return 1.0, and export again.',
      );
    }),
  );
  return [textFile('scoring.py', scoring), ...rules];
}

/** The page stores no Python. */
const addTwin = (path: string, twin: string): string =>
  path.startsWith(STORED)
    ? `export the run as a .zip, and write the same rule in Python beside it, into ${basename(twin)}`
    : `write the same rule in Python into ${twin}`;

/** What scoring.py has to know. */
export function scoringFacts({ recipe }: HandoverSource, { stopIds }: Ends): object {
  return {
    thinking: recipe.thinking,
    malformed: recipe.malformed,
    stop_ids: stopIds,
    rewards: rewardNames(recipe),
    weights: recipe.reward_weights ?? rewardNames(recipe).map(() => 1),
    ...(recipe.judge_model_name_or_path && { question: recipe.judge_prompt ?? QUESTION }),
  };
}

const basename = (path: string): string => path.replace(/^.*[/\\:]/, '');

const encoder = new TextEncoder();
export const textFile = (path: string, text: string): ExportFile =>
  inMemory(path, encoder.encode(text));

/** One sentence: where the rows come from. */
export function dataSentence({ world, datasets, seed, max_steps: steps }: Recipe): string {
  return world
    ? `The prompts are those of the world ${world} with seed ${seed}, written out up to step ${steps}.`
    : `The rows are those of ${datasets.flatMap((set) => set.data_files).join(', ')}, in the order of seed ${seed}.`;
}

/** A README with its {names} replaced, and one line for each file in the folder. */
export function fillReadme(
  template: string,
  values: Readonly<Record<string, string>>,
  files: readonly ExportFile[],
  about: Readonly<Record<string, string>>,
): ExportFile {
  const tops = new Set(files.map(({ path }) => path.split('/', 1)[0]!));
  const listed = [...tops].filter((top) => top in about);
  const all: Record<string, string> = {
    ...values,
    files: listed.map((top) => `| ${top} | ${about[top]} |`).join('\n'),
  };
  return textFile(
    'README.md',
    template.replace(/\{(\w+)\}/g, (_, name: string) => all[name]!),
  );
}

/** For each file or folder that any handover has. */
export const ABOUT_FILES: Record<string, string> = {
  'scoring.py': 'What the rewards read and return: the response, never the thought.',
  rules: 'The rules, in Python.',
  policy: 'The policy at this step, with its tokenizer and chat template.',
  base: 'The model under the adapter.',
  reference: 'The policy before training, for the KL penalty.',
  reward_model: 'The reward model, with its own chat template.',
  judge: 'The model that is asked whether a response is good.',
};
