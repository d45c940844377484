/** Shared by eval, compare and analyze: held-out prompts, judges, and a checkpoint's completions. */
import { readFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import type { Gpu } from '../gpu/device.ts';
import { loadCheckpoint } from '../model/adapted.ts';
import { CheckpointError } from '../model/errors.ts';
import { Tokenizer } from '../model/tokenizer.ts';
import { evaluate, type Evaluated } from '../rl/evaluation/evaluate.ts';
import { mealInstructions } from '../rl/evaluation/meal-checks.ts';
import {
  answersOf,
  PromptFileError,
  readPromptFile,
  type EvaluationPrompt,
} from '../rl/evaluation/prompt-files.ts';
import type { GoldJudge, Reward } from '../rl/rewards/reward.ts';
import { hasRewards } from '../rl/recipe/recipe.ts';
import { rolloutOptions, type Writing } from '../rl/rollout/rollout.ts';
import { openGold, openOwnJudge } from '../app/opening/rewards.ts';
import type { RewardKind, Surroundings } from '../app/opening/surroundings.ts';
import { worldEvaluation } from '../rl/world/judging.ts';
import { VOCABULARY } from '../rl/world/menu.ts';
import type { Prompt } from '../rl/data/dataset.ts';
import { evaluationPrompts } from '../app/opening/data.ts';
import { UsageError } from './arguments.ts';
import { nodeSurroundings, openAt, readRecipeFile, refuseRewardModel } from './open.ts';
import { lastCheckpointIn, type PolicyFolder } from './run-files.ts';
import { oneLine } from './text.ts';

export const judgingOptions = {
  world: {
    type: 'choice',
    choices: ['meal-planner'],
    optional: true,
    help: "The world that gives the prompts and the gold utility. Without --world and --prompts, the held-out prompts are those of the policy's run.",
  },
  split: {
    type: 'choice',
    choices: ['dev', 'held-out'],
    default: 'dev',
    help: "Which of the world's prompts to use: dev for tuning, held-out only for the final result.",
  },
  prompts: {
    type: 'text',
    optional: true,
    help: 'JSONL file of prompts: AlpacaEval, WildBench, Arena-Hard, IFEval, or rows {prompt}.',
  },
  num_prompts: {
    type: 'integer',
    default: 256,
    min: 1,
    help: 'Largest number of different prompts.',
  },
  reward_models: {
    type: 'texts',
    optional: true,
    help: 'Folders of reward models that judge, separated by commas.',
  },
  judge: {
    type: 'text',
    optional: true,
    help: 'Folder of an instruct model that is asked whether a response is good.',
  },
  judge_prompt: {
    type: 'text',
    optional: true,
    help: 'The question to the judge, which Yes or No must answer; {prompt} and {response} are replaced by the two texts.',
  },
  seed: { type: 'integer', default: 0, min: 0, help: 'Seed of the prompts and of the sampling.' },
} as const;

export const judgingNotes =
  "The rewards of the policy's run judge, too (reward: their weighted sum), unless --reward_models names others.";

/** The options that choose the judges. */
export interface JudgeOptions {
  reward_models: readonly string[] | undefined;
  judge: string | undefined;
  judge_prompt: string | undefined;
}

interface JudgingOptions extends JudgeOptions {
  world: 'meal-planner' | undefined;
  split: 'dev' | 'held-out';
  prompts: string | undefined;
  num_prompts: number;
  seed: number;
}

interface HeldOut {
  /** With the columns of their rows, which rules may read. */
  prompts: (EvaluationPrompt & Prompt)[];
  gold?: GoldJudge;
  /** A sentence about the prompts of the file that were left out. */
  notice?: string;
}

interface Judging extends HeldOut {
  /** By the names of their folders; those of the run's own recipe together are `reward`. */
  judges: Record<string, Reward>;
  /** The device of the judged policies. */
  gpu: Gpu;
  close(): void;
}

/**
 * Opens devices, judges and prompts; `close` closes the devices.
 * @param policy that is judged; the prompts are those held out of its run, unless the options name others
 */
export async function openJudging(
  options: JudgingOptions,
  policy: PolicyFolder,
  base: string | undefined,
): Promise<Judging> {
  const held = await heldOutPrompts(options, policy, base);
  const around = await nodeSurroundings();
  try {
    const own = policy.of && (await ownJudges(policy.of, options, held, around));
    const judges = await openJudges(options, around, own?.rewards);
    const { gpu } = around;
    return { ...held, ...own?.gold, judges, gpu, close: () => around.close() };
  } catch (error) {
    around.close();
    throw error;
  }
}

/**
 * The weighted sum of a run's rewards, unless --reward_models names others; and its gold judge, if the prompts
 * are its own and no world has judged them. What cannot be opened any more is said on standard error.
 */
async function ownJudges(
  { run, recipe }: NonNullable<PolicyFolder['of']>,
  { reward_models, prompts: file, world }: JudgingOptions,
  { prompts, gold: known }: HeldOut,
  around: Pick<Surroundings, 'openReward'>,
): Promise<{ rewards: Record<string, Reward>; gold: Pick<HeldOut, 'gold'> }> {
  const orSay = <T>(what: string, judge: Promise<T>): Promise<T | undefined> =>
    judge.catch((error: unknown) => {
      const reason = oneLine((error as Error).message);
      process.stderr.write(`The ${what} of ${run} does not judge: ${reason}\n`);
      return undefined;
    });
  const areOwn = file === undefined && world === undefined;
  const openReward = async (): Promise<Reward> => {
    const reward = await openOwnJudge(recipe, around);
    // A rule may need columns that only the rows of its run have: better known before anything is written.
    if (!areOwn && recipe.reward_funcs.length > 0) {
      await reward.score(prompts.map((row) => ({ ...row, response: '' })));
    }
    return reward;
  };
  const judges = reward_models === undefined && hasRewards(recipe);
  const reward = judges ? await orSay('reward', openReward()) : undefined;
  const gold = areOwn && !known ? await orSay('gold judge', openGold(recipe, around)) : undefined;
  return { rewards: { ...(reward && { reward }) }, gold: { ...(gold && { gold }) } };
}

/**
 * The judges of the options by the names of their folders, each on its own device.
 * @param own judges that are open, by name
 */
export async function openJudges(
  { reward_models = [], judge, judge_prompt: question }: JudgeOptions,
  { openReward }: Pick<Surroundings, 'openReward'>,
  own: Readonly<Record<string, Reward>> = {},
): Promise<Record<string, Reward>> {
  if (question !== undefined && judge === undefined) {
    throw new UsageError('--judge_prompt needs a judge; name its folder with --judge');
  }
  const judges: Record<string, Reward> = { ...own };
  const open = async (path: string, kind: RewardKind): Promise<void> => {
    const name = basename(resolve(path));
    if (Object.hasOwn(judges, name)) {
      throw new UsageError(`two judges are called ${name}; rename the folder of one`);
    }
    const folder = (await lastCheckpointIn(path)) ?? path;
    judges[name] = await openReward(folder, kind, question);
  };
  for (const path of reward_models) await open(path, 'classifier');
  if (judge !== undefined) await open(judge, 'judge');
  return judges;
}

async function heldOutPrompts(
  options: JudgingOptions,
  { path, of }: PolicyFolder,
  base: string | undefined,
): Promise<HeldOut> {
  const { prompts: file, num_prompts: count } = options;
  if (file !== undefined) {
    const { rows, notice } = await readPrompts(file, count);
    return { prompts: rows, ...(notice !== undefined && { notice }) };
  }
  if (options.world ?? of?.recipe.world ?? (!of && (await speaksWorld(path, base)))) {
    const { prompts, gold } = worldEvaluation(options.split, count, options.seed);
    const rows = prompts.map((prompt) => ({ prompt, instructions: mealInstructions(prompt) }));
    return { prompts: rows, gold };
  }
  if (!of) {
    throw new UsageError(
      `${path} is not a checkpoint of a run, so it has no held-out prompts; name a file with --prompts`,
    );
  }
  const rows = await heldOutRows(of, count, '');
  return { prompts: rows.map((row) => ({ ...row, ...answersIn(row.columns) })) };
}

/** The accepted answers in the columns of a row, as in a file of prompts. */
function answersIn(columns: Prompt['columns'] = {}): Pick<EvaluationPrompt, 'answers'> {
  const answers = answersOf(columns);
  return answers ? { answers } : {};
}

/** Whether the vocabulary of the built-in world is the model's own. */
async function speaksWorld(path: string, base: string | undefined): Promise<boolean> {
  const tokenizer = await Tokenizer.load((await openAt(path, base)).tokenizer);
  try {
    return VOCABULARY.every((word, id) => tokenizer.encode(word).join() === String(id));
  } catch (error) {
    // A tokenizer without an unknown token refuses words that it does not have.
    if (error instanceof CheckpointError) return false;
    throw error;
  }
}

/**
 * The first held-out prompts of a run.
 * @param otherwise what else can be done, for the message
 * @throws UsageError when its recipe has none
 */
export async function heldOutRows(
  { run, recipe }: NonNullable<PolicyFolder['of']>,
  count: number,
  otherwise: string,
): Promise<readonly Prompt[]> {
  if (!recipe.world && !recipe.datasets.some(({ split }) => split === 'test')) {
    throw new UsageError(
      `${run} has no held-out prompts (no dataset of its recipe has split: test); name a file of prompts ` +
        `with --prompts${otherwise}`,
    );
  }
  const heldOut = { ...recipe, eval_strategy: 'steps', eval_num_prompts: count } as const;
  return (await evaluationPrompts(heldOut, readRecipeFile))!;
}

/** At most `count` prompts of a file. */
export async function readPrompts(
  path: string,
  count: number,
): Promise<{ rows: HeldOut['prompts']; notice?: string }> {
  const text = await readFile(path, 'utf8').catch(() => {
    throw new PromptFileError(`${path} cannot be read; name a JSONL file with --prompts.`);
  });
  const { rows, follow_ups: left } = readPromptFile(text, path);
  if (rows.length === 0) {
    throw new PromptFileError(
      `${path} has only questions with follow-ups, which cannot be used; name another file.`,
    );
  }
  return {
    rows: rows
      .slice(0, count)
      .map((row) => ({ ...row, ...(row.answers && { columns: { answer: row.answers } }) })),
    ...(left > 0 && { notice: `${path}: ${left} questions with follow-ups were left out.` }),
  };
}

/** One sampled completion of a checkpoint for each prompt, judged. */
export async function judgeCheckpoint(
  { prompts, judges, gold, gpu }: Judging,
  policy: { path: string; base: string | undefined; writing: Writing },
  seed: number,
  onProgress?: (promptsDone: number) => void,
): Promise<Evaluated[]> {
  const checkpoint = await openAt(policy.path, policy.base);
  const [model, tokenizer] = await Promise.all([
    loadCheckpoint(gpu, checkpoint),
    Tokenizer.load(checkpoint.tokenizer),
  ]);
  refuseRewardModel(policy.path, model);
  const rows = await evaluate(
    { model, tokenizer },
    prompts,
    rolloutOptions(policy.writing, 1, seed),
    judges,
    gold,
    onProgress,
  );
  model.destroy();
  return rows;
}
