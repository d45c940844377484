/**
 * What every algorithm that samples does first: write G completions for each prompt of a step, and
 * score the responses. They are written in parts, and a part is scored while the next is written.
 */
import type { BatchLimits } from '../../model/batch-runner.ts';
import type { DecoderLimits } from '../../model/decoder-ops.ts';
import { Decoder } from '../../model/decoder.ts';
import type { LanguageModel } from '../../model/language-model.ts';
import type { Tokenizer } from '../../model/tokenizer.ts';
import { fractionZeroStd } from '../objectives/advantages.ts';
import { mean, std } from '../statistics.ts';
import { take, type Prompt, type Source } from '../data/dataset.ts';
import { fixedEvaluation, type StepEvaluation } from '../evaluation/fixed.ts';
import { completionMetrics } from '../evaluation/completion-metrics.ts';
import type { Group, TokenTrace } from '../report.ts';
import type { Recipe } from '../recipe/recipe.ts';
import type { GoldJudge } from '../rewards/reward.ts';
import { rollOut, rolloutOptions, type RolloutGroup } from '../rollout/rollout.ts';
import type { WeightedRewards } from '../rewards/weighted-rewards.ts';

/** What prompts come from and what judges their completions. */
export interface RolloutParts {
  tokenizer: Tokenizer;
  prompts: Source<Prompt>;
  rewards: WeightedRewards;
  gold?: GoldJudge;
  /** Held-out prompts that `evaluate` answers; without them there is no evaluation. */
  evaluationPrompts?: readonly Prompt[] | undefined;
}

/** A group with everything an update needs. */
export interface ScoredGroup extends RolloutGroup {
  /** Each reward by name, one record per completion. */
  scores: Record<string, number>[];
  /** Their weighted sum, one per completion. */
  rewards: number[];
  /** For evaluation alone. */
  golds?: number[];
}

/** The most that is written at once. */
export function rolloutLimits(recipe: Recipe): DecoderLimits {
  const perBatch = recipe.per_device_train_batch_size;
  return {
    maxSequences: perBatch,
    maxPromptTokens: (perBatch / recipe.num_generations) * recipe.max_prompt_length,
    maxNewTokens: recipe.max_completion_length,
  };
}

/** The most that is learned from at once: what was written at once. */
export function updateLimits(recipe: Recipe): BatchLimits {
  const { maxSequences, maxPromptTokens, maxNewTokens } = rolloutLimits(recipe);
  const maxTargets = maxSequences * maxNewTokens;
  const recompute = recipe.gradient_checkpointing;
  return { maxTokens: maxPromptTokens + maxTargets, maxTargets, recompute };
}

export class RolloutWriter {
  /** Answers the held-out prompts; there when there are any. */
  readonly evaluate?: () => Promise<StepEvaluation>;

  private constructor(
    private readonly recipe: Recipe,
    private readonly parts: RolloutParts,
    private readonly decoder: Decoder,
  ) {
    const { evaluationPrompts: prompts } = parts;
    if (prompts) this.evaluate = () => fixedEvaluation(recipe, parts, prompts, decoder);
  }

  /** @param policy whose completions are wanted; it is read afresh at every step */
  static async create(
    recipe: Recipe,
    policy: LanguageModel,
    parts: RolloutParts,
  ): Promise<RolloutWriter> {
    return new RolloutWriter(recipe, parts, await Decoder.create(policy, rolloutLimits(recipe)));
  }

  /** The scored groups of step `step` (0-based), in the order of their prompts. */
  async write(step: number, onDetail?: (detail: string) => void): Promise<ScoredGroup[]> {
    const { recipe, parts } = this;
    const perPart = recipe.per_device_train_batch_size / recipe.num_generations;
    const partCount = recipe.gradient_accumulation_steps;
    const perStep = perPart * partCount;
    const scored: Promise<ScoredGroup[]>[] = [];
    for (let part = 0; part < partCount; part++) {
      const first = step * perStep + part * perPart;
      const done = part / partCount;
      const asked = take(parts.prompts, first, perPart);
      const groups = await rollOut(
        this.decoder,
        parts.tokenizer,
        asked.map(({ prompt }) => prompt),
        rolloutOptions(recipe, recipe.num_generations, recipe.seed),
        first * recipe.num_generations,
        (share) => {
          const percent = Math.round(100 * (done + share / partCount));
          onDetail?.(`writing ${perStep * recipe.num_generations} samples (${percent}%)`);
        },
      );
      scored.push(this.score(groups, asked));
    }
    onDetail?.('scoring the responses');
    return (await Promise.all(scored)).flat();
  }

  private async score(groups: RolloutGroup[], asked: readonly Prompt[]): Promise<ScoredGroup[]> {
    const { rewards, gold } = this.parts;
    const texts = groups.flatMap(({ samples }, g) =>
      samples.map(({ response }) => ({ ...asked[g]!, response })),
    );
    const [scores, golds] = await Promise.all([rewards.score(texts), gold?.score(texts)]);
    const perGroup = this.recipe.num_generations;
    return groups.map((group, g) => {
      const part = <T>(all: readonly T[]): T[] => all.slice(g * perGroup, (g + 1) * perGroup);
      const own = part(scores);
      return {
        ...group,
        scores: own.map((score) => score.rewards),
        rewards: own.map((score) => score.reward),
        ...(golds && { golds: part(golds) }),
      };
    });
  }

  /** A group as people see it. `advantages` has one number per completion. */
  describe(
    group: ScoredGroup,
    advantages: readonly number[],
    traces?: readonly TokenTrace[],
  ): Group {
    return {
      prompt: group.prompt,
      mean: mean(group.rewards),
      std: std(group.rewards),
      samples: group.samples.map((sample, i) => ({
        completion: sample.text,
        thought: sample.thought,
        response: sample.response,
        wellFormed: sample.wellFormed,
        truncated: !sample.finished,
        tokens: sample.ids.length,
        reward: group.rewards[i]!,
        rewards: group.scores[i]!,
        advantage: advantages[i]!,
        ...(traces && { trace: traces[i]! }),
        ...(group.golds && { gold: group.golds[i]! }),
      })),
    };
  }

  /** Of rewards and completions, under TRL's names. */
  metrics(groups: readonly ScoredGroup[], reports: readonly Group[]): Record<string, number> {
    const all = groups.map((g) => g.rewards);
    const metrics: Record<string, number> = {
      reward: mean(all.flat()),
      reward_std: std(all.flat()),
      // PPO compares no completions, and may have one for each prompt.
      ...(this.recipe.algorithm !== 'ppo' && { frac_reward_zero_std: fractionZeroStd(all) }),
    };
    const scores = groups.flatMap((g) => g.scores);
    for (const name of Object.keys(scores[0] ?? {})) {
      const values = scores.map((score) => score[name]!);
      metrics[`rewards/${name}/mean`] = mean(values);
      metrics[`rewards/${name}/std`] = std(values);
    }
    return { ...metrics, ...completionMetrics(reports, this.parts.gold) };
  }

  destroy(): void {
    this.decoder.destroy();
  }
}

/** Token rows of groups, a prompt counted for each of its completions. */
export function countTokens(groups: readonly RolloutGroup[]): number {
  return groups
    .flatMap(({ promptIds, samples }) => samples.map(({ ids }) => promptIds.length + ids.length))
    .reduce((a, b) => a + b, 0);
}
