/**
 * The evaluation inside a run (`eval_strategy: steps`): the same held-out prompts, the same random
 * numbers and the same sampling at every evaluation of every run, whatever its seed, so that only the
 * policy differs. It writes with the trainer's own decoder, within the memory planned for that, and
 * changes nothing that training depends on.
 */
import type { Decoder } from '../../model/decoder.ts';
import type { Tokenizer } from '../../model/tokenizer.ts';
import { mean } from '../statistics.ts';
import type { Prompt } from '../data/dataset.ts';
import { judgeCompletions, type Evaluated } from './evaluate.ts';
import { wordCount } from './completion-metrics.ts';
import type { Recipe } from '../recipe/recipe.ts';
import type { GoldJudge } from '../rewards/reward.ts';
import { promptTokens, rollOut, rolloutOptions, type RolloutGroup } from '../rollout/rollout.ts';
import type { WeightedRewards } from '../rewards/weighted-rewards.ts';

/** Random numbers of an evaluation. */
const SEED = 0;

export interface StepEvaluation {
  /** `eval_reward`, `eval_gold` and so on. */
  metrics: Record<string, number>;
  /** None where held-out pairs are compared, and nothing is written. */
  rows: Evaluated[];
}

export async function fixedEvaluation(
  recipe: Recipe,
  judged: { tokenizer: Tokenizer; rewards: WeightedRewards; gold?: GoldJudge },
  asked: readonly Prompt[],
  decoder: Decoder,
): Promise<StepEvaluation> {
  const { tokenizer, rewards, gold } = judged;
  const options = rolloutOptions(recipe, 1, SEED);
  const prompts = asked.map(({ prompt }) => prompt);
  const groups: RolloutGroup[] = [];
  for (const part of partsThatFit(recipe, tokenizer, prompts, decoder)) {
    groups.push(...(await rollOut(decoder, tokenizer, part, options, groups.length)));
  }
  const rows = await judgeCompletions(groups, asked, (texts) => rewards.score(texts), gold);
  return { metrics: evaluationMetrics(rows), rows };
}

/** Runs of prompts that the decoder has room for. */
function partsThatFit(
  recipe: Recipe,
  tokenizer: Tokenizer,
  prompts: readonly string[],
  { limits }: Decoder,
): string[][] {
  const parts: string[][] = [];
  let tokens = Infinity;
  for (const prompt of prompts) {
    const { thinking, system_prompt } = recipe;
    const own = promptTokens(tokenizer, prompt, thinking, system_prompt).length;
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

/** Means under the names that training's own metrics have, with `eval_` before them. */
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
