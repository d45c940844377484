/**
 * DPO (Rafailov et al. 2023, arXiv 2305.18290) with TRL's definitions. Pairs come from one of these:
 * - sampling, if the recipe has a reward: the policy before training writes G completions for each
 *   prompt; malformed ones are dropped, and the best and the worst by reward are a pair
 *   (RLMT, arXiv 2509.20357, sec. 3). A repeated prompt gets new completions.
 * - online sampling: the same, but the current policy writes.
 * - a file of preferences: prompt, chosen, rejected.
 */
import { AdamW } from '../../model/adamw.ts';
import { packBatch, splitGroups } from '../../model/batch.ts';
import { TrainingRunner, type BatchLimits } from '../../model/batch-runner.ts';
import type { LanguageModel } from '../../model/language-model.ts';
import type { Tokenizer } from '../../model/tokenizer.ts';
import { take, type PreferenceGroup, type Preferences } from '../data/dataset.ts';
import type { StepEvaluation } from '../evaluation/fixed.ts';
import { FollowedPrompts } from './followed.ts';
import { GroupTraces } from './group-traces.ts';
import { perCompletion, perTarget } from './micro-batch.ts';
import { choosePair, dpoLoss } from '../objectives/dpo.ts';
import {
  countPairs,
  pairIndices,
  pairTokens,
  sampledPairs,
  tokenPairs,
  type PairGroup,
} from './pair-groups.ts';
import type { Group } from '../report.ts';
import { adamwOptions, type Recipe } from '../recipe/recipe.ts';
import { turnEnd } from '../rollout/stop-tokens.ts';
import { openReference, type Reference } from './reference.ts';
import {
  countTokens,
  RolloutWriter,
  type RolloutParts,
  type ScoredGroup,
} from './rollout-writer.ts';
import { scheduledRate } from './schedule.ts';
import { StepClock } from './step-clock.ts';
import type { TraceColumns } from './token-trace.ts';
import { moveWeights, type StepResult, type Trainer } from './trainer.ts';

/** The pairs of a file, or everything that is needed to sample pairs. */
type DpoParts = RolloutParts | (Preferences & { tokenizer: Tokenizer });

/** The size limits of one training batch. */
export function pairLimits(recipe: Recipe, sampled: boolean): BatchLimits {
  const { max_prompt_length: prompt, max_completion_length: completion } = recipe;
  const { per_device_train_batch_size: batch, num_generations: group } = recipe;
  const prompts = sampled ? batch / group : batch;
  // A trace needs a whole group at once.
  const maxTargets = Math.max(2 * prompts, sampled ? group : 0) * completion;
  const maxTokens = prompts * prompt + maxTargets;
  return { maxTokens, maxTargets, recompute: recipe.gradient_checkpointing };
}

export class DpoTrainer implements Trainer {
  step = 0;
  tokensSeen = 0;
  onDetail?: (detail: string) => void;
  readonly evaluate?: (() => Promise<StepEvaluation>) | undefined;
  private readonly traces: GroupTraces;
  private readonly followed: FollowedPrompts | undefined;

  private constructor(
    readonly recipe: Recipe,
    readonly model: LanguageModel,
    private readonly parts: DpoParts,
    readonly optimizer: AdamW,
    readonly runner: TrainingRunner,
    private readonly reference: Reference,
    private readonly writer: RolloutWriter | undefined,
    /** Writes the completions of evaluations with the current policy; may be the writer itself. */
    private readonly candidate: RolloutWriter | undefined,
  ) {
    this.traces = new GroupTraces(parts.tokenizer, runner, reference);
    this.followed =
      candidate && 'prompts' in parts
        ? new FollowedPrompts(recipe, parts.evaluationPrompts, candidate)
        : undefined;
    const heldOut = 'pairs' in parts ? parts.heldOut : undefined;
    this.evaluate = heldOut ? () => this.judgeHeldOut(heldOut) : candidate?.evaluate;
  }

  /** Allocates everything that a run needs; `policy` is trained in place. */
  static async create(recipe: Recipe, policy: LanguageModel, parts: DpoParts): Promise<DpoTrainer> {
    const sampled = 'prompts' in parts;
    const optimizer = await AdamW.create(policy, adamwOptions(recipe));
    const limits = pairLimits(recipe, sampled);
    const runner = await TrainingRunner.create(policy, limits, optimizer.gradients);
    const reference = await openReference(policy, runner);
    const author = recipe.online ? policy : reference.model;
    const writer = sampled ? await RolloutWriter.create(recipe, author, parts) : undefined;
    const candidate =
      sampled && parts.evaluationPrompts && !recipe.online
        ? await RolloutWriter.create(recipe, policy, parts)
        : writer;
    // prettier-ignore
    return new DpoTrainer(
      recipe, policy, parts, optimizer, runner, reference, writer, candidate,
    );
  }

  async trainStep(): Promise<StepResult> {
    const clock = new StepClock();
    const { recipe, writer } = this;
    const groups = (await writer?.write(this.step, this.onDetail)) ?? [];
    const chosen = groups.map((group) => choosePair(judgedSamples(group)));
    const data = writer ? sampledPairs(groups, chosen) : this.filePairs();
    const rate = scheduledRate(recipe, this.step);
    const held = await clock.without(async () => (await this.followed?.write(this.step + 1)) ?? []);
    const heldBefore = await clock.without(() => this.traces.before(held));
    const before = await this.traces.before(recipe.log_completions ? groups.slice(0, 1) : []);
    const update = await this.update(data, rate);
    const reports = await this.reports(groups, before);
    const followed = await clock.without(() => this.reports(held, heldBefore));
    this.step++;
    this.tokensSeen += writer ? countTokens(groups) : pairTokens(data);
    const metrics = {
      step: this.step,
      ...(writer && this.sampleMetrics(writer.metrics(groups, reports))),
      ...update,
      learning_rate: rate,
      num_tokens: this.tokensSeen,
      step_time: clock.seconds,
    };
    return { metrics, groups: reports, ...(followed.length > 0 && { followed }) };
  }

  /** Samples of the initial policy do not describe the trained one, so their metrics get other names. */
  private sampleMetrics(metrics: Record<string, number>): Record<string, number> {
    if (this.recipe.online) return metrics;
    const named = Object.entries(metrics).map(([name, value]) => [`samples/${name}`, value]);
    return Object.fromEntries(named) as Record<string, number>;
  }

  /** Updates the policy, unless no prompt has a pair. */
  private async update(data: readonly PairGroup[], rate: number): Promise<Record<string, number>> {
    const pairs = countPairs(data);
    if (pairs === 0) return { pairs };
    const metrics = await this.compare(data, true);
    const norm = await moveWeights(this, rate, this.step, metrics.loss!);
    return { pairs, ...metrics, grad_norm: norm };
  }

  private async judgeHeldOut(groups: readonly PreferenceGroup[]): Promise<StepEvaluation> {
    const metrics = await this.compare(this.tokens(groups), false);
    const named = Object.entries(metrics).map(([name, value]) => [`eval_${name}`, value]);
    return { metrics: Object.fromEntries(named) as Record<string, number>, rows: [] };
  }

  /** Means over all pairs; with `learn`, adds their gradients. */
  private async compare(
    data: readonly PairGroup[],
    learn: boolean,
  ): Promise<Record<string, number>> {
    const stepPairs = countPairs(data);
    const sums = { loss: 0, chosen: 0, rejected: 0, correct: 0 };
    const logps = { chosen: 0, rejected: 0 };
    const entropies = { sum: 0, tokens: 0 };
    for (const part of splitGroups(data, 'completion', this.runner.limits)) {
      this.onDetail?.(learn ? 'updating the policy' : 'judging held-out pairs');
      const packed = packBatch(part, 'completion');
      // The reference shares the runner's memory, so it goes first.
      const ref = completionSums(perCompletion(await this.referenceLogp(packed), packed));
      const pass = await this.runner.forward(packed);
      const tokens = perCompletion(pass.values, packed);
      const own = completionSums(tokens);
      const indices = pairIndices(part);
      const result = dpoLoss(
        indices.map(([chosen, rejected]) => ({
          chosen: own[chosen]!,
          rejected: own[rejected]!,
          refChosen: ref[chosen]!,
          refRejected: ref[rejected]!,
        })),
        this.recipe.beta,
        stepPairs,
      );
      const slopes = new Float64Array(own.length);
      indices.forEach(([chosen, rejected], i) => {
        slopes[chosen]! += result.dChosen[i]!;
        slopes[rejected]! += result.dRejected[i]!;
        logps.chosen += own[chosen]!;
        logps.rejected += own[rejected]!;
      });
      if (learn) {
        const gradient = tokens.map(({ length }, i) => new Float64Array(length).fill(slopes[i]!));
        await this.runner.backward(pass, perTarget(gradient));
      }
      sums.loss += result.loss;
      sums.chosen += result.chosenRewards;
      sums.rejected += result.rejectedRewards;
      sums.correct += result.correct;
      entropies.sum += pass.entropy.reduce((a, b) => a + b, 0);
      entropies.tokens += pass.entropy.length;
    }
    return {
      loss: sums.loss,
      'rewards/chosen': sums.chosen / stepPairs,
      'rewards/rejected': sums.rejected / stepPairs,
      'rewards/accuracies': sums.correct / stepPairs,
      'rewards/margins': (sums.chosen - sums.rejected) / stepPairs,
      'logps/chosen': logps.chosen / stepPairs,
      'logps/rejected': logps.rejected / stepPairs,
      entropy: entropies.sum / entropies.tokens,
    };
  }

  private async referenceLogp(packed: ReturnType<typeof packBatch>): Promise<Float32Array> {
    return (await this.reference.runner.forward(packed)).values;
  }

  private filePairs(): PairGroup[] {
    const { recipe, parts } = this;
    if (!('pairs' in parts)) return [];
    const perStep = recipe.per_device_train_batch_size * recipe.gradient_accumulation_steps;
    return this.tokens(take(parts.pairs, this.step * perStep, perStep));
  }

  private tokens(groups: readonly PreferenceGroup[]): PairGroup[] {
    const { tokenizer } = this.parts;
    const eos = turnEnd(tokenizer, this.model.config.eosTokenIds);
    return tokenPairs(groups, tokenizer, eos, this.recipe);
  }

  /**
   * The groups after the update, with traces where there are numbers from before it. An advantage is the
   * direction of the loss: 1 up, -1 down, or 0.
   */
  private async reports(
    groups: readonly ScoredGroup[],
    before: readonly TraceColumns[][],
  ): Promise<Group[]> {
    const reports: Group[] = [];
    for (const [g, group] of groups.entries()) {
      const pair = choosePair(judgedSamples(group));
      const pushes = group.samples.map((_, i) =>
        i === pair?.chosen ? 1 : i === pair?.rejected ? -1 : 0,
      );
      const traces = before[g] && (await this.traces.after(group, before[g]));
      reports.push({ ...this.writer!.describe(group, pushes, traces), ...(pair && { pair }) });
    }
    return reports;
  }

  destroy(): void {
    if (this.candidate !== this.writer) this.candidate?.destroy();
    this.writer?.destroy();
    this.reference.destroy();
    this.runner.destroy();
    this.optimizer.destroy();
  }
}

function completionSums(tokens: readonly Float32Array[]): number[] {
  return tokens.map((values) => values.reduce((a, b) => a + b, 0));
}

function judgedSamples({ samples, reward }: ScoredGroup) {
  return samples.map(({ wellFormed }, i) => ({ wellFormed, reward: reward[i]! }));
}
