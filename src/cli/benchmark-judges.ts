/** The judges of the command benchmark: a reward model, an instruct model in Ponder, or a server. */
import { basename, resolve } from 'node:path';
import { openNodeGpu } from '../gpu/node.ts';
import { checkpointConfig, loadCheckpoint, type Checkpoint } from '../model/adapted.ts';
import { packBatch } from '../model/batch.ts';
import { BatchRunner } from '../model/batch-runner.ts';
import type { ModelConfig } from '../model/config.ts';
import { Decoder } from '../model/decoder.ts';
import type { LanguageModel } from '../model/language-model.ts';
import { Tokenizer } from '../model/tokenizer.ts';
import { openRewardModel } from '../app/opening/rewards.ts';
import { conversationPrompt } from '../rl/data/conversation.ts';
import type { JudgeRequest, Judgment } from '../rl/evaluation/benchmarks/benchmark.ts';
import type { Reward } from '../rl/rewards/reward.ts';
import { rollOut, tokenizePrompts } from '../rl/rollout/rollout.ts';
import { UNFILTERED } from '../rl/rollout/sample.ts';
import { UsageError } from './arguments.ts';
import { openAt } from './open.ts';
import { KEY_VARIABLE, ServerJudge } from './server-judge.ts';

interface Opened {
  /** Stands in the results. */
  name: string;
  close(): void;
}

export interface TextJudge extends Opened {
  kind: 'text';
  /** Requests that are under way at once. */
  parallel: number;
  /** Longest judgment in tokens, if --judge_max_tokens sets one. */
  longest: number | undefined;
  ask(request: JudgeRequest): Promise<Judgment>;
}

export interface RewardJudge extends Opened {
  kind: 'reward';
  reward: Reward;
}

export type Judge = TextJudge | RewardJudge;

export const judgeOptions = {
  judge: {
    type: 'text',
    optional: true,
    help: 'Folder of a reward model, or of an instruct model that writes judgments.',
  },
  judge_url: {
    type: 'text',
    optional: true,
    help: `Address of a server with OpenAI's chat completions, such as http://localhost:8080/v1, that judges in place of --judge; its key, if it needs one, is read from ${KEY_VARIABLE}.`,
  },
  judge_model: { type: 'text', optional: true, help: 'Name of the model on that server.' },
  judge_parallel: {
    type: 'integer',
    default: 4,
    min: 1,
    max: 64,
    help: 'Requests to that server at once.',
  },
  judge_max_tokens: {
    type: 'integer',
    optional: true,
    min: 1,
    help: "Longest judgment in tokens, where the benchmark's own limit is longer.",
  },
} as const;

interface JudgeOptions {
  judge: string | undefined;
  judge_url: string | undefined;
  judge_model: string | undefined;
  judge_parallel: number;
  judge_max_tokens: number | undefined;
}

/** What decides a judgment, for the file of settings; undefined without a judge. */
export function judgeSettings(options: JudgeOptions): object | undefined {
  const { judge, judge_url: url, judge_model: model, judge_max_tokens: longest } = options;
  if (judge !== undefined && url !== undefined) {
    throw new UsageError('give either --judge or --judge_url, not both');
  }
  if ((url === undefined) !== (model === undefined)) {
    throw new UsageError('--judge_url and --judge_model belong together; give both');
  }
  if (judge === undefined && url === undefined) return undefined;
  return {
    ...(judge !== undefined ? { judge: resolve(judge) } : { url, model }),
    max_tokens: longest ?? "the benchmark's own",
  };
}

/**
 * Finds the judge before the model is asked, which takes long: a wrong address or folder is told at once.
 * @returns what opens it, when the model's device is closed; undefined without a judge
 * @throws UsageError, CheckpointError
 */
export async function findJudge(
  options: JudgeOptions,
): Promise<(() => Promise<Judge>) | undefined> {
  const { judge, judge_url: url, judge_model: model, judge_max_tokens: longest } = options;
  if (judge !== undefined) return findLocalJudge(judge, longest);
  if (url === undefined || model === undefined) return undefined;
  const server = new ServerJudge({ url, model, key: process.env[KEY_VARIABLE] });
  return () =>
    Promise.resolve({
      kind: 'text',
      name: model,
      parallel: options.judge_parallel,
      longest,
      ask: (request) => server.ask(request),
      close: () => undefined,
    });
}

async function findLocalJudge(
  path: string,
  longest: number | undefined,
): Promise<() => Promise<Judge>> {
  const checkpoint = await openAt(path);
  const { kind, vocabSize, eosTokenIds } = await checkpointConfig(checkpoint);
  const tokenizer = await Tokenizer.load(checkpoint.tokenizer);
  tokenizer.checkFits(vocabSize, eosTokenIds);
  return () => openLocalJudge(basename(resolve(path)), checkpoint, kind, tokenizer, longest);
}

async function openLocalJudge(
  name: string,
  checkpoint: Checkpoint,
  kind: ModelConfig['kind'],
  tokenizer: Tokenizer,
  longest: number | undefined,
): Promise<Judge> {
  const gpu = await openNodeGpu();
  try {
    const opened = { name, close: () => gpu.close() };
    if (kind === 'reward') {
      return { kind, ...opened, reward: await openRewardModel(gpu, checkpoint) };
    }
    const model = await loadCheckpoint(gpu, checkpoint);
    const ask = (request: JudgeRequest): Promise<Judgment> =>
      request.choices
        ? chosen(model, tokenizer, request, request.choices)
        : written(model, tokenizer, request);
    return { kind: 'text', ...opened, parallel: 1, longest, ask };
  } catch (error) {
    gpu.close();
    throw error;
  }
}

/** A judgment that the model writes; an empty one if the request does not fit its context. */
async function written(
  model: LanguageModel,
  tokenizer: Tokenizer,
  { messages, temperature, maxTokens }: JudgeRequest,
): Promise<Judgment> {
  const prompt = conversationPrompt(messages);
  const how = { samplesPerPrompt: 1, thinking: false, malformed: 'lenient' } as const;
  const sampling = { temperature, ...UNFILTERED, seed: 0, maxNewTokens: maxTokens };
  const tokenized = tokenizePrompts(tokenizer, [prompt], { ...how, sampling });
  const maxPromptTokens = tokenized[0]!.promptIds.length;
  sampling.maxNewTokens = Math.min(maxTokens, model.config.maxPositions - maxPromptTokens);
  if (sampling.maxNewTokens < 1) return { text: '' };
  const decoder = await Decoder.create(model, {
    ...{ maxSequences: 1, maxPromptTokens, maxNewTokens: sampling.maxNewTokens },
  });
  try {
    const [group] = await rollOut(decoder, tokenizer, tokenized, { ...how, sampling }, 0);
    return { text: group!.samples[0]!.response };
  } finally {
    decoder.destroy();
  }
}

/** The likeliest of the choices, and the log-probability of the first token of each. */
async function chosen(
  model: LanguageModel,
  tokenizer: Tokenizer,
  { messages }: JudgeRequest,
  choices: readonly string[],
): Promise<Judgment> {
  const text = tokenizer.applyChatTemplate(messages, {
    addGenerationPrompt: true,
    enableThinking: false,
  });
  const prompt = tokenizer.encodePrompt(text);
  if (prompt.length >= model.config.maxPositions) return { text: '' };
  const completions = choices.map((choice) => tokenizer.encode(choice).slice(0, 1));
  const runner = await BatchRunner.create(model, {
    maxTokens: prompt.length + choices.length,
    maxTargets: choices.length,
  });
  try {
    const batch = packBatch([{ prompt, completions }], 'completion');
    const { values } = await runner.forward(batch);
    const logprobs = choices.map((_, i) => values[batch.ranges[0]![i]![0]]!);
    const best = logprobs.indexOf(Math.max(...logprobs));
    return {
      text: choices[best]!,
      logprobs: Object.fromEntries(choices.map((choice, i) => [choice, logprobs[i]!])),
    };
  } finally {
    runner.destroy();
  }
}
