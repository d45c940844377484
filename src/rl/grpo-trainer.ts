/**
 * GRPO (DeepSeekMath, arXiv 2402.03300) with TRL's definitions. One step: write G completions for
 * each prompt, score the responses, turn rewards into advantages, and move the policy.
 * Rollouts are written in parts, and a part is scored while the next is written.
 */
import { AdamW } from '../model/adamw.ts';
import { packBatch, type PackedBatch } from '../model/batch.ts';
import { BatchRunner, type BatchLimits } from '../model/batch-runner.ts';
import type { DecoderLimits } from '../model/decoder-ops.ts';
import { Decoder } from '../model/decoder.ts';
import { LanguageModel } from '../model/language-model.ts';
import type { Tokenizer } from '../model/tokenizer.ts';
import { advantages, fractionZeroStd, mean, std } from './advantages.ts';
import { take, type Source } from './data.ts';
import { completionMetrics } from './metrics.ts';
import {
  entropyThreshold,
  grpoLoss,
  type BatchTotals,
  type CompletionTerms,
} from './objectives/grpo.ts';
import type { Group } from './protocol.ts';
import { adamwOptions, type Recipe } from './recipe.ts';
import type { GoldJudge, Reward } from './reward.ts';
import { rollOut, type RolloutGroup } from './rollout.ts';
import { learningRate, warmupSteps } from './schedule.ts';
import type { StepResult, Trainer } from './trainer.ts';

export interface GrpoParts {
  policy: LanguageModel;
  tokenizer: Tokenizer;
  prompts: Source<string>;
  rewards: readonly Reward[];
  /** Weights of the rewards, 1 each by default. */
  rewardWeights?: readonly number[];
  gold?: GoldJudge;
}

/** A group with everything the update needs. */
interface ScoredGroup extends RolloutGroup {
  /** One row per reward function. */
  scores: number[][];
  rewards: number[];
}

/** One packed micro-batch of a step, and what stays the same over its updates. */
interface MicroBatch {
  packed: PackedBatch;
  /** One per completion, in packing order. */
  samples: { advantage: number; active: boolean; range: readonly [number, number] }[];
  oldLogp?: Float32Array;
  refLogp?: Float32Array;
}

interface UpdateStats {
  loss: number;
  kl: number;
  entropy: number;
  clippedLow: number;
  clippedHigh: number;
  gradNorm: number;
  samplingDifference: { mean: number; max: number };
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

/** The most that is learnt from at once. */
export function updateLimits(recipe: Recipe): BatchLimits {
  const { maxSequences, maxPromptTokens, maxNewTokens } = rolloutLimits(recipe);
  const maxTargets = maxSequences * maxNewTokens;
  const recompute = recipe.gradient_checkpointing;
  return { maxTokens: maxPromptTokens + maxTargets, maxTargets, recompute };
}

function copyOf(policy: LanguageModel): LanguageModel {
  const model = LanguageModel.allocate(policy.gpu, policy.config);
  model.weights.copyFrom(policy.weights, policy.gpu);
  return model;
}

export class GrpoTrainer implements Trainer {
  step = 0;
  tokensSeen = 0;
  onDetail?: (detail: string) => void;

  private constructor(
    readonly recipe: Recipe,
    private readonly parts: GrpoParts,
    readonly optimizer: AdamW,
    private readonly decoder: Decoder,
    private readonly runner: BatchRunner,
    private readonly reference: { model: LanguageModel; runner: BatchRunner } | undefined,
  ) {}

  get model(): LanguageModel {
    return this.parts.policy;
  }

  /** Allocates everything a run needs; `parts.policy` is what will be trained, in place. */
  static async create(recipe: Recipe, parts: GrpoParts): Promise<GrpoTrainer> {
    const { policy } = parts;
    const optimizer = await AdamW.create(policy, adamwOptions(recipe));
    const decoder = await Decoder.create(policy, rolloutLimits(recipe));
    const runner = await BatchRunner.create(policy, updateLimits(recipe), optimizer.gradients);
    let reference: GrpoTrainer['reference'];
    if (recipe.beta > 0) {
      const model = policy.lora ? policy.withoutAdapter() : copyOf(policy);
      reference = { model, runner: await runner.withWeights(model) };
    }
    return new GrpoTrainer(recipe, parts, optimizer, decoder, runner, reference);
  }

  async trainStep(): Promise<StepResult> {
    const started = performance.now();
    const { recipe } = this;
    const groups = await this.writeAndScore();
    const groupAdvantages = advantages(
      groups.map((g) => g.rewards),
      recipe.scale_rewards,
    );
    const rate = learningRate(
      recipe.lr_scheduler_type,
      recipe.learning_rate,
      this.step,
      recipe.max_steps,
      warmupSteps(recipe),
    );
    const stats = await this.update(groups, groupAdvantages, rate);
    this.step++;
    const reports = groups.map((group, i) => this.describe(group, groupAdvantages[i] as number[]));
    const lengths = groups.flatMap((g) => [
      g.promptIds.length * g.samples.length,
      ...g.samples.map((s) => s.ids.length),
    ]);
    this.tokensSeen += lengths.reduce((a, b) => a + b, 0);
    const metrics = {
      step: this.step,
      ...this.rewardMetrics(groups),
      ...completionMetrics(reports, this.parts.gold),
      ...(recipe.beta > 0 && { kl: stats.kl }),
      entropy: stats.entropy,
      'clip_ratio/low_mean': stats.clippedLow,
      'clip_ratio/high_mean': stats.clippedHigh,
      'clip_ratio/region_mean': stats.clippedLow + stats.clippedHigh,
      'sampling/sampling_logp_difference/mean': stats.samplingDifference.mean,
      'sampling/sampling_logp_difference/max': stats.samplingDifference.max,
      loss: stats.loss,
      grad_norm: stats.gradNorm,
      learning_rate: rate,
      num_tokens: this.tokensSeen,
      step_time: (performance.now() - started) / 1000,
    };
    return { metrics, groups: reports };
  }

  /** Written part by part; the scores of one part are awaited only after the next is written. */
  private async writeAndScore(): Promise<ScoredGroup[]> {
    const { recipe, parts } = this;
    const perPart = recipe.per_device_train_batch_size / recipe.num_generations;
    const partCount = recipe.gradient_accumulation_steps;
    const perStep = perPart * partCount;
    const scored: Promise<ScoredGroup[]>[] = [];
    for (let part = 0; part < partCount; part++) {
      const first = this.step * perStep + part * perPart;
      const done = part / partCount;
      const groups = await rollOut(
        this.decoder,
        parts.tokenizer,
        take(parts.prompts, first, perPart),
        {
          samplesPerPrompt: recipe.num_generations,
          thinking: recipe.thinking,
          malformed: recipe.malformed,
          sampling: {
            temperature: recipe.temperature,
            topK: recipe.top_k,
            topP: recipe.top_p,
            minP: recipe.min_p,
            seed: recipe.seed,
            maxNewTokens: recipe.max_completion_length,
          },
        },
        first * recipe.num_generations,
        (share) => {
          const percent = Math.round(100 * (done + share / partCount));
          this.onDetail?.(`writing ${perStep * recipe.num_generations} samples (${percent}%)`);
        },
      );
      scored.push(this.scoreGroups(groups));
    }
    this.onDetail?.('scoring the responses');
    return (await Promise.all(scored)).flat();
  }

  private async scoreGroups(groups: RolloutGroup[]): Promise<ScoredGroup[]> {
    const { rewards, rewardWeights } = this.parts;
    const texts = groups.flatMap(({ prompt, samples }) =>
      samples.map(({ response }) => ({ prompt, response })),
    );
    const scores = await Promise.all(rewards.map((reward) => reward.score(texts)));
    const perGroup = this.recipe.num_generations;
    return groups.map((group, g) => {
      const own = scores.map((row) => row.slice(g * perGroup, (g + 1) * perGroup));
      const total = group.samples.map((_, i) =>
        own.reduce((sum, row, k) => sum + (rewardWeights?.[k] ?? 1) * (row[i] as number), 0),
      );
      return { ...group, scores: own, rewards: total };
    });
  }

  private async update(
    groups: readonly ScoredGroup[],
    groupAdvantages: readonly number[][],
    rate: number,
  ): Promise<UpdateStats> {
    const { recipe } = this;
    const batches = this.microBatches(groups, groupAdvantages);
    const totals = countTotals(batches);
    const sums = { loss: 0, kl: 0, entropy: 0, low: 0, high: 0, targets: 0 };
    const difference = { sum: 0, max: 0 };
    const written = groups.flatMap((g) => g.samples.flatMap((s) => s.logps));
    let gradNorm = 0;
    for (let iteration = 0; iteration < recipe.num_iterations; iteration++) {
      let at = 0;
      for (const [index, batch] of batches.entries()) {
        this.onDetail?.(`updating the policy (${index + 1} of ${batches.length})`);
        // The reference shares the runner's memory, so it goes first.
        if (this.reference && !batch.refLogp) {
          const { runner } = this.reference;
          batch.refLogp = (await runner.forward(batch.packed, recipe.temperature)).values;
        }
        const { values, entropy } = await this.runner.forward(batch.packed, recipe.temperature);
        batch.oldLogp ??= values;
        const terms = completionTerms(batch, values, keptTokens(batch, entropy, recipe));
        const result = grpoLoss(terms, this.lossOptions(), totals);
        this.runner.backward(concatenate(result.dLogp, values.length));
        sums.loss += result.loss;
        sums.kl += result.klSum;
        sums.low += result.clippedLow;
        sums.high += result.clippedHigh;
        if (iteration > 0) continue;
        for (let t = 0; t < values.length; t++) {
          sums.entropy += entropy[t]!;
          const gap = Math.abs(values[t]! - written[at + t]!);
          difference.sum += gap;
          difference.max = Math.max(difference.max, gap);
        }
        at += values.length;
        sums.targets += values.length;
      }
      this.optimizer.step(rate);
      gradNorm = await this.optimizer.gradNorm();
    }
    const tokens = Math.max(1, totals.activeTokens) * recipe.num_iterations;
    return {
      loss: sums.loss / recipe.num_iterations,
      kl: sums.kl / tokens,
      entropy: sums.entropy / Math.max(1, sums.targets),
      clippedLow: sums.low / tokens,
      clippedHigh: sums.high / tokens,
      gradNorm,
      samplingDifference: {
        mean: difference.sum / Math.max(1, sums.targets),
        max: difference.max,
      },
    };
  }

  private lossOptions() {
    const { recipe } = this;
    return {
      epsilon: recipe.epsilon,
      epsilonHigh: recipe.epsilon_high ?? recipe.epsilon,
      ...(recipe.delta !== undefined && { delta: recipe.delta }),
      beta: recipe.beta,
      lossType: recipe.loss_type,
      importanceSamplingLevel: recipe.importance_sampling_level,
      maxCompletionLength: recipe.max_completion_length,
    };
  }

  /** Packs as many groups together as one rollout part had: the runner's memory fits that. */
  private microBatches(
    groups: readonly ScoredGroup[],
    groupAdvantages: readonly number[][],
  ): MicroBatch[] {
    const { recipe } = this;
    const perBatch = recipe.per_device_train_batch_size / recipe.num_generations;
    const batches: MicroBatch[] = [];
    for (let first = 0; first < groups.length; first += perBatch) {
      const members = groups.slice(first, first + perBatch);
      const packed = packBatch(
        members.map((g) => ({ prompt: g.promptIds, completions: g.samples.map((s) => s.ids) })),
        'completion',
      );
      const samples = members.flatMap((group, g) =>
        group.samples.map((sample, i) => ({
          advantage: groupAdvantages[first + g]![i]!,
          active: sample.finished || !recipe.mask_truncated_completions,
          range: packed.ranges[g]![i]!,
        })),
      );
      batches.push({ packed, samples });
    }
    return batches;
  }

  private rewardMetrics(groups: readonly ScoredGroup[]): Record<string, number> {
    const rewards = groups.map((g) => g.rewards);
    const metrics: Record<string, number> = {
      reward: mean(rewards.flat()),
      reward_std: std(rewards.flat()),
      frac_reward_zero_std: fractionZeroStd(rewards),
    };
    this.parts.rewards.forEach(({ name }, k) => {
      const values = groups.flatMap((g) => g.scores[k] as number[]);
      metrics[`rewards/${name}/mean`] = mean(values);
      metrics[`rewards/${name}/std`] = std(values);
    });
    return metrics;
  }

  private describe(group: ScoredGroup, own: readonly number[]): Group {
    const { gold } = this.parts;
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
        advantage: own[i]!,
        ...(gold && { gold: gold.utility(group.prompt, sample.response) }),
      })),
    };
  }

  destroy(): void {
    this.decoder.destroy();
    this.runner.destroy();
    this.reference?.runner.destroy();
    // Without an adapter the reference is a copy; with one it is the policy's own weights.
    if (!this.model.lora) this.reference?.model.destroy();
    this.optimizer.destroy();
  }
}

function countTotals(batches: readonly MicroBatch[]): BatchTotals {
  const samples = batches.flatMap((b) => b.samples);
  return {
    completions: samples.length,
    activeTokens: samples.reduce((n, s) => n + (s.active ? s.range[1] - s.range[0] : 0), 0),
  };
}

/** The tokens the policy learns from, where not all; of each micro-batch by itself, as in TRL. */
function keptTokens(
  { samples }: MicroBatch,
  entropy: Float32Array,
  { top_entropy_quantile: share }: Recipe,
): boolean[] | undefined {
  if (share >= 1) return undefined;
  const own = samples.flatMap(({ active, range }) =>
    active ? [...entropy.subarray(...range)] : [],
  );
  const threshold = entropyThreshold(own, share);
  return Array.from(entropy, (value) => value >= threshold);
}

function completionTerms(
  batch: MicroBatch,
  logp: Float32Array,
  kept: boolean[] | undefined,
): CompletionTerms[] {
  return batch.samples.map(({ advantage, active, range: [start, end] }) => ({
    advantage,
    active,
    logp: logp.subarray(start, end),
    oldLogp: (batch.oldLogp as Float32Array).subarray(start, end),
    ...(batch.refLogp && { refLogp: batch.refLogp.subarray(start, end) }),
    ...(kept && { kept: kept.slice(start, end) }),
  }));
}

function concatenate(parts: readonly Float64Array[], length: number): Float32Array {
  const all = new Float32Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
