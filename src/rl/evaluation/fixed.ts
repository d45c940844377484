/**
 * The evaluation inside a run (`eval_strategy: steps`). Every evaluation of every run has the same
 * held-out prompts, random numbers and sampling, for every seed of the run, so that only the policy
 * differs. It samples with the trainer's own decoder and its memory, and does not affect training.
 */
import type { DecoderLimits } from '../../model/decoder-ops.ts';
import type { Decoder } from '../../model/decoder.ts';
import type { Tokenizer } from '../../model/tokenizer.ts';
import { mean } from '../statistics.ts';
import type { Prompt } from '../data/dataset.ts';
import { judgeCompletions, type Evaluated } from './evaluate.ts';
import { wordCount } from './completion-metrics.ts';
import type { Recipe } from '../recipe/recipe.ts';
import type { GoldJudge } from '../rewards/reward.ts';
import {
  rollOut,
  rolloutOptions,
  tokenizePrompts,
  type RolloutGroup,
  type TokenizedPrompt,
} from '../rollout/rollout.ts';
import type { WeightedRewards } from '../rewards/weighted-rewards.ts';

/** Seed of the sampling in an evaluation. */
export const EVALUATION_SEED = 0;

export interface StepEvaluation {
  /** `eval_reward`, `eval_gold` and so on. */
  metrics: Record<string, number>;
  /** None if held-out pairs are compared, because nothing is sampled then. */
  rows: Evaluated[];
}

export async function fixedEvaluation(
  recipe: Recipe,
  judged: { tokenizer: Tokenizer; rewardFunctions: WeightedRewards; gold?: GoldJudge },
  asked: readonly Prompt[],
  decoder: Decoder,
): Promise<StepEvaluation> {
  const { tokenizer, rewardFunctions, gold } = judged;
  const options = rolloutOptions(recipe, 1, EVALUATION_SEED);
  const prompts = asked.map(({ prompt }) => prompt);
  const tokenized = tokenizePrompts(tokenizer, prompts, options);
  const groups: RolloutGroup[] = [];
  for (const part of partsThatFit(tokenized, decoder.limits)) {
    groups.push(...(await rollOut(decoder, tokenizer, part, options, groups.length)));
  }
  const rows = await judgeCompletions(groups, asked, (texts) => rewardFunctions.score(texts), gold);
  const cut = rows.filter((row) => row.thought_cut).length / rows.length;
  const metrics = {
    ...evaluationMetrics(rows),
    ...(recipe.thinking &&
      recipe.max_thought_length > 0 && { 'eval_completions/clipped_thought_ratio': cut }),
  };
  return { metrics, rows };
}

/** Splits the prompts into batches that fit the decoder. */
function partsThatFit(
  prompts: readonly TokenizedPrompt[],
  limits: DecoderLimits,
): TokenizedPrompt[][] {
  const parts: TokenizedPrompt[][] = [];
  let tokens = Infinity;
  for (const prompt of prompts) {
    const own = prompt.promptIds.length;
    const last = parts.at(-1);
    if (!last || last.length === limits.maxSequences || tokens + own > limits.maxPromptTokens) {
      parts.push([prompt]);
      tokens = own;
    } else {
      last.push(prompt);
      tokens += own;
    }
  }
  return parts;
}

/** Means under the names of the training metrics, with the prefix `eval_`. */
function evaluationMetrics(rows: readonly Evaluated[]): Record<string, number> {
  const golds = rows.flatMap((row) => row.gold ?? []);
  const truths = rows.flatMap((row) => row.thought_truth ?? []);
  const names = Object.keys(rows[0]?.rewards ?? {});
  return {
    eval_reward: mean(rows.map((row) => row.reward!)),
    ...Object.fromEntries(
      names.map((name) => [
        `eval_rewards/${name}/mean`,
        mean(rows.map((row) => row.rewards[name]!)),
      ]),
    ),
    ...(golds.length > 0 && { eval_gold: mean(golds) }),
    ...(truths.length > 0 && { eval_thought_truth: mean(truths) }),
    'eval_completions/mean_length': mean(rows.map((row) => row.tokens!)),
    'eval_completions/mean_thought_length': mean(rows.map((row) => wordCount(row.thought))),
    'eval_completions/mean_response_length': mean(rows.map((row) => wordCount(row.response))),
    'eval_completions/malformed_ratio': mean(rows.map((row) => (row.well_formed ? 0 : 1))),
    'eval_completions/clipped_ratio': mean(rows.map((row) => (row.truncated ? 1 : 0))),
  };
}
