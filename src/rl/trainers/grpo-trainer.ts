/**
 * GRPO (DeepSeekMath, arXiv 2402.03300) with TRL's definitions. One step: write G completions for
 * each prompt, score the responses, turn rewards into advantages, and update the policy.
 */
import { AdamW } from '../../model/adamw.ts';
import { TrainingRunner } from '../../model/batch-runner.ts';
import { requireFinite } from '../../model/errors.ts';
import { drawnOnly } from '../../model/sequences.ts';
import type { LanguageModel } from '../../model/language-model.ts';
import { advantages } from '../objectives/advantages.ts';
import { packGroups, perCompletion, perTarget, type MicroBatch } from './micro-batch.ts';
import {
  entropyThreshold,
  grpoLoss,
  type BatchTotals,
  type CompletionTerms,
  type GrpoOptions,
} from '../objectives/grpo.ts';
import { FollowedPrompts } from './followed.ts';
import { isDead } from './fresh-groups.ts';
import { GroupTraces } from './group-traces.ts';
import type { Group } from '../report.ts';
import { adamwOptions, type Recipe } from '../recipe/recipe.ts';
import { openReference, type Reference } from './reference.ts';
import {
  countTokens,
  RolloutWriter,
  updateLimits,
  type RolloutParts,
  type ScoredGroup,
} from './rollout-writer.ts';
import { scheduledRate } from './schedule.ts';
import { StepClock } from './step-clock.ts';
import { k3, type TraceColumns } from './token-trace.ts';
import { moveWeights, type StepResult, type Trainer } from './trainer.ts';
import { UpdateMetrics } from './update-metrics.ts';

/** One packed micro-batch of a step, and the numbers that stay the same over its updates. */
interface UpdateBatch extends MicroBatch<ScoredGroup> {
  /** One per completion, in packing order. */
  samples: {
    advantage: number;
    active: boolean;
    counted: boolean;
    /** Left out by mask_truncated_completions. */
    masked: boolean;
    /** The log-probs with which its tokens were drawn. */
    written: readonly number[];
  }[];
  oldLogp?: Float32Array[];
  refLogp?: Float32Array[];
}

interface Updated {
  metrics: Record<string, number>;
  /** Traces of the first group's completions before the update. */
  firstGroup: TraceColumns[];
}

export class GrpoTrainer implements Trainer {
  step = 0;
  tokensSeen = 0;
  onDetail?: (detail: string) => void;

  private constructor(
    readonly recipe: Recipe,
    readonly model: LanguageModel,
    readonly optimizer: AdamW,
    private readonly writer: RolloutWriter,
    readonly runner: TrainingRunner,
    private readonly reference: Reference | undefined,
    private readonly followed: FollowedPrompts,
    private readonly traces: GroupTraces,
  ) {}

  /** Allocates everything that a run needs; `policy` is trained in place. */
  static async create(
    recipe: Recipe,
    policy: LanguageModel,
    parts: RolloutParts,
  ): Promise<GrpoTrainer> {
    const optimizer = await AdamW.create(policy, adamwOptions(recipe));
    const writer = await RolloutWriter.create(recipe, policy, parts);
    const runner = await TrainingRunner.create(policy, updateLimits(recipe), optimizer.gradients);
    const reference = recipe.beta > 0 ? await openReference(policy, runner) : undefined;
    const followed = new FollowedPrompts(recipe, parts.evaluationPrompts, writer);
    const traces = new GroupTraces(parts.tokenizer, runner, reference, recipe.temperature);
    // prettier-ignore
    return new GrpoTrainer(
      recipe, policy, optimizer, writer, runner, reference, followed, traces,
    );
  }

  get evaluate(): Trainer['evaluate'] {
    return this.writer.evaluate;
  }

  async trainStep(): Promise<StepResult> {
    const clock = new StepClock();
    const { recipe, writer } = this;
    const groups = await writer.write(this.step, this.onDetail);
    const groupAdvantages = advantages(
      groups.map((g) => g.reward),
      recipe.scale_rewards,
    );
    // They become float32 derivatives.
    requireFinite('An advantage', Float32Array.from(groupAdvantages.flat()));
    const rate = scheduledRate(recipe, this.step);
    const held = await clock.without(() => this.followed.write(this.step + 1));
    const before = await clock.without(() => this.traces.before(held));
    const updated = await this.update(groups, groupAdvantages, rate);
    const traces =
      recipe.log_completions && (await this.traces.after(groups[0]!, updated.firstGroup));
    const followed = await clock.without(() => this.describeHeld(held, before));
    this.step++;
    this.tokensSeen += countTokens(groups);
    const reports = groups.map((group, i) =>
      writer.describe(group, groupAdvantages[i]!, i === 0 && traces ? traces : undefined),
    );
    const metrics = {
      step: this.step,
      ...writer.metrics(groups, reports),
      ...updated.metrics,
      learning_rate: rate,
      num_tokens: this.tokensSeen,
      step_time: clock.seconds,
    };
    return { metrics, groups: reports, ...(followed.length > 0 && { followed }) };
  }

  private async update(
    groups: readonly ScoredGroup[],
    groupAdvantages: readonly number[][],
    rate: number,
  ): Promise<Updated> {
    const { recipe } = this;
    const batches = this.updateBatches(groups, groupAdvantages);
    const totals = countTotals(batches);
    const options = lossOptions(recipe);
    const metrics = new UpdateMetrics(recipe, totals);
    let firstGroup: TraceColumns[] = [];
    let gradNorm = 0;
    for (let iteration = 0; iteration < recipe.num_iterations; iteration++) {
      for (const [index, batch] of batches.entries()) {
        this.onDetail?.(`updating the policy (${index + 1} of ${batches.length})`);
        const { packed } = batch;
        // The reference shares the runner's memory, so it goes first.
        if (this.reference && !batch.refLogp) {
          const { values } = await this.reference.runner.forward(packed, recipe.temperature);
          batch.refLogp = perCompletion(values, packed);
        }
        const pass = await this.runner.forward(packed, recipe.temperature);
        const { values, entropy } = pass;
        const logp = perCompletion(values, packed);
        const entropies = perCompletion(entropy, packed);
        batch.oldLogp ??= logp;
        const result = grpoLoss(completionTerms(batch, logp, entropies, recipe), options, totals);
        await this.runner.backward(pass, perTarget(result.dLogp), perTarget(result.dEntropy));
        metrics.addLoss(result);
        if (iteration > 0) continue;
        if (index === 0) firstGroup = traceColumns(batch, logp, entropies);
        metrics.addTokens(
          batch.samples.map(({ masked, written }, i) => ({
            ...{ masked, written, logp: logp[i]!, entropy: entropies[i]! },
          })),
        );
      }
      gradNorm = await moveWeights(this, rate, this.step, metrics.lossSum);
    }
    return { metrics: metrics.values(gradNorm), firstGroup };
  }

  private updateBatches(
    groups: readonly ScoredGroup[],
    groupAdvantages: readonly number[][],
  ): UpdateBatch[] {
    const { recipe } = this;
    const perBatch = recipe.per_device_train_batch_size / recipe.num_generations;
    return packGroups(groups, perBatch).map((batch, b) => ({
      ...batch,
      samples: batch.groups.flatMap((group, g) => {
        const counted = !recipe.mask_zero_std_groups || !isDead(group);
        return group.samples.map((sample, i) => {
          const masked = recipe.mask_truncated_completions && !sample.finished;
          return {
            advantage: groupAdvantages[b * perBatch + g]![i]!,
            ...{ masked, counted, active: counted && !masked },
            written: drawnOnly(sample.logps, sample.forced),
          };
        });
      }),
    }));
  }

  /** The followed groups after the update, with the advantages that they would have. */
  private async describeHeld(
    groups: readonly ScoredGroup[],
    before: readonly TraceColumns[][],
  ): Promise<Group[]> {
    const scaled = advantages(
      groups.map(({ reward }) => reward),
      this.recipe.scale_rewards,
    );
    const reports: Group[] = [];
    for (const [g, group] of groups.entries()) {
      const traces = await this.traces.after(group, before[g]!);
      reports.push(this.writer.describe(group, scaled[g]!, traces));
    }
    return reports;
  }

  destroy(): void {
    this.writer.destroy();
    this.reference?.destroy();
    this.runner.destroy();
    this.optimizer.destroy();
  }
}

function lossOptions(recipe: Recipe): GrpoOptions {
  return {
    epsilon: recipe.epsilon,
    epsilonHigh: recipe.epsilon_high ?? recipe.epsilon,
    ...(recipe.delta !== undefined && { delta: recipe.delta }),
    sapoTemperature: { pos: recipe.sapo_temperature_pos, neg: recipe.sapo_temperature_neg },
    vespo: {
      pos: { k: recipe.vespo_k_pos, lambda: recipe.vespo_lambda_pos },
      neg: { k: recipe.vespo_k_neg, lambda: recipe.vespo_lambda_neg },
    },
    beta: recipe.beta,
    useBiasCorrectionKl: recipe.use_bias_correction_kl,
    entropyCoef: recipe.entropy_coef,
    // A checked recipe has no loss type of DPO here.
    lossType: recipe.loss_type as GrpoOptions['lossType'],
    importanceSamplingLevel: recipe.importance_sampling_level,
    maxCompletionLength: recipe.max_completion_length,
  };
}

function countTotals(batches: readonly UpdateBatch[]): BatchTotals {
  const tokens = batches.flatMap(({ samples, packed }) =>
    packed.ranges.flat().map(([start, end], i) => (samples[i]!.active ? end - start : 0)),
  );
  const completions = batches.flatMap(({ samples }) => samples).filter(({ counted }) => counted);
  return { completions: completions.length, activeTokens: tokens.reduce((a, b) => a + b, 0) };
}

function completionTerms(
  { samples, oldLogp, refLogp }: UpdateBatch,
  logp: readonly Float32Array[],
  entropies: readonly Float32Array[],
  { top_entropy_quantile: share }: Recipe,
): CompletionTerms[] {
  // Each micro-batch has its own threshold, as in TRL.
  const threshold =
    share < 1 &&
    entropyThreshold(
      entropies.flatMap((values, i) => (samples[i]!.active ? [...values] : [])),
      share,
    );
  return samples.map((sample, i) => ({
    ...sample,
    logp: logp[i]!,
    entropy: entropies[i]!,
    oldLogp: oldLogp![i]!,
    ...(refLogp && { refLogp: refLogp[i]! }),
    ...(threshold !== false && { kept: Array.from(entropies[i]!, (value) => value >= threshold) }),
  }));
}

/** Traces of a batch's first group before the update. */
function traceColumns(
  { groups, refLogp }: UpdateBatch,
  logp: readonly Float32Array[],
  entropies: readonly Float32Array[],
): TraceColumns[] {
  return groups[0]!.samples.map((_, i) => ({
    logp: logp[i]!,
    entropy: entropies[i]!,
    ...(refLogp && { ref: refLogp[i]!, kl: k3(logp[i]!, refLogp[i]!) }),
  }));
}
