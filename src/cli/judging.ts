/** What eval, compare and analyze share: held-out prompts, judges, and a checkpoint's answers. */
import { readFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import type { Gpu } from '../gpu/device.ts';
import { openNodeGpu } from '../gpu/node.ts';
import { loadCheckpoint } from '../model/adapted.ts';
import { Tokenizer } from '../model/tokenizer.ts';
import { evaluate, type Evaluated } from '../rl/evaluate.ts';
import { mealInstructions } from '../rl/evaluation/meal-checks.ts';
import {
  PromptFileError,
  readPromptFile,
  type EvaluationPrompt,
} from '../rl/evaluation/prompt-files.ts';
import type { GoldJudge, Reward } from '../rl/reward.ts';
import { UNFILTERED } from '../rl/sample.ts';
import { openPromptedJudge, openRewardModel } from '../rl/session.ts';
import { worldEvaluation } from '../rl/sources.ts';
import { UsageError } from './arguments.ts';
import { openAt, refuseRewardModel } from './open.ts';

export const judgingOptions = {
  world: {
    type: 'choice',
    choices: ['meal-planner'],
    default: 'meal-planner',
    help: 'Where the prompts and the gold utility are from, unless --prompts names a file.',
  },
  split: {
    type: 'choice',
    choices: ['dev', 'held-out'],
    default: 'dev',
    help: "Of the world's prompts: dev is for tuning; held-out for the last judgement alone.",
  },
  prompts: {
    type: 'text',
    optional: true,
    help: 'A JSONL file in place of the world: AlpacaEval, WildBench, Arena-Hard, IFEval, or rows {prompt}.',
  },
  num_prompts: { type: 'integer', default: 256, min: 1, help: 'Different prompts at most.' },
  reward_models: {
    type: 'text',
    optional: true,
    help: 'Folders of reward models that judge, separated by commas.',
  },
  judge: {
    type: 'text',
    optional: true,
    help: 'Folder of an instruct model that is asked whether a response is good.',
  },
  malformed: {
    type: 'choice',
    choices: ['lenient', 'strict'],
    default: 'lenient',
    help: 'What is judged when the delimiter is missing.',
  },
  temperature: { type: 'number', default: 1, above: 0, max: 10, help: 'As in training.' },
  max_completion_length: { type: 'integer', default: 128, min: 1, help: 'Tokens at most.' },
  seed: { type: 'integer', default: 0, min: 0, help: 'Of the prompts and of the sampling.' },
} as const;

export interface JudgingOptions {
  split: 'dev' | 'held-out';
  prompts: string | undefined;
  num_prompts: number;
  reward_models: string | undefined;
  judge: string | undefined;
  malformed: 'lenient' | 'strict';
  temperature: number;
  max_completion_length: number;
  seed: number;
}

export interface Judging {
  prompts: EvaluationPrompt[];
  gold?: GoldJudge;
  /** By the names of their folders. */
  judges: Record<string, Reward>;
  /** What was left out of a prompt file. */
  notice?: string;
  /** A device for the policies that are judged. */
  gpu: Gpu;
  close(): void;
}

/** Opens devices, judges and prompts; `close` gives the devices back. */
export async function openJudging(options: JudgingOptions): Promise<Judging> {
  const devices = [await openNodeGpu()];
  const close = (): void => {
    for (const gpu of devices) gpu.close();
  };
  try {
    const judges: Record<string, Reward> = {};
    const open = async (path: string, kind: 'classifier' | 'judge'): Promise<void> => {
      const name = basename(resolve(path));
      if (name in judges) {
        throw new UsageError(`two judges' folders are called ${name}; rename one of them`);
      }
      const gpu = await openNodeGpu();
      devices.push(gpu);
      const checkpoint = await openAt(path);
      const openJudge = kind === 'judge' ? openPromptedJudge : openRewardModel;
      judges[name] = await openJudge(gpu, checkpoint);
    };
    for (const path of (options.reward_models ?? '').split(',').filter(Boolean)) {
      await open(path, 'classifier');
    }
    if (options.judge !== undefined) await open(options.judge, 'judge');
    return { ...(await readPrompts(options)), judges, gpu: devices[0]!, close };
  } catch (error) {
    close();
    throw error;
  }
}

async function readPrompts(
  options: JudgingOptions,
): Promise<Pick<Judging, 'prompts' | 'gold' | 'notice'>> {
  const { prompts: path, num_prompts: count } = options;
  if (path === undefined) {
    const { prompts, gold } = worldEvaluation(options.split, count, options.seed);
    const rows = prompts.map((prompt) => ({ prompt, instructions: mealInstructions(prompt) }));
    return { prompts: rows, gold };
  }
  const text = await readFile(path, 'utf8').catch(() => {
    throw new PromptFileError(`${path} cannot be read; --prompts names a JSONL file.`);
  });
  const { rows, follow_ups: left } = readPromptFile(text, path);
  if (rows.length === 0) {
    throw new PromptFileError(`${path} has questions with follow-ups alone; none can be used.`);
  }
  return {
    prompts: rows.slice(0, count),
    ...(left > 0 && { notice: `${path}: ${left} questions with follow-ups were left out.` }),
  };
}

/** One sampled completion of a checkpoint for each prompt, judged. */
export async function judgeCheckpoint(
  { prompts, judges, gold, gpu }: Judging,
  options: JudgingOptions,
  policy: { model: string; base?: string | undefined; thinking: boolean },
  onProgress?: (promptsDone: number) => void,
): Promise<Evaluated[]> {
  const checkpoint = await openAt(policy.model, policy.base);
  const [model, tokenizer] = await Promise.all([
    loadCheckpoint(gpu, checkpoint),
    Tokenizer.load(checkpoint.tokenizer),
  ]);
  refuseRewardModel(policy.model, model);
  const rows = await evaluate(
    { model, tokenizer },
    prompts.map(({ prompt }) => ({ prompt })),
    {
      thinking: policy.thinking,
      malformed: options.malformed,
      sampling: {
        temperature: options.temperature,
        ...UNFILTERED,
        seed: options.seed,
        maxNewTokens: options.max_completion_length,
      },
    },
    judges,
    gold,
    onProgress,
  );
  model.destroy();
  return rows;
}
