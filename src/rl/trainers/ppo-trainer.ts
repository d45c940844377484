/**
 * PPO (Schulman et al. 2017, arXiv 1707.06347) with TRL's definitions. One step: write completions,
 * score the responses, predict the remaining reward at every token with the value model, turn the
 * differences into advantages, and update both models several times on the same completions.
 * The value model is the policy's trunk with a score head in place of the language-model head; it
 * starts as a copy of the policy and has its own optimizer.
 */
import { AdamW } from '../../model/adamw.ts';
import { TrainingRunner } from '../../model/batch-runner.ts';
import { requireFinite } from '../../model/errors.ts';
import type { LanguageModel } from '../../model/language-model.ts';
import { mean } from '../statistics.ts';
import { packGroups, perCompletion, perTarget } from './micro-batch.ts';
import { ppoLoss, type PpoResult } from '../objectives/ppo.ts';
import {
  lessonsOf,
  objectiveMetrics,
  type JudgedGroup,
  type JudgedSample,
  type LessonGroup,
} from './ppo-lessons.ts';
import { FollowedPrompts } from './followed.ts';
import { GroupTraces } from './group-traces.ts';
import type { Group } from '../report.ts';
import { Random } from '../random.ts';
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
import { moveWeights, type StepResult, type Trained, type Trainer } from './trainer.ts';
import { valueModel } from './value-model.ts';

/** The value model's learning rate over the policy's, as in the RLMT paper: 1e-5 over 1e-6. */
const VALUE_RATE = 10;

type UpdateSums = Omit<PpoResult, 'dLogp' | 'dValues'>;

export class PpoTrainer implements Trainer {
  step = 0;
  tokensSeen = 0;
  onDetail?: (detail: string) => void;

  private constructor(
    readonly recipe: Recipe,
    readonly model: LanguageModel,
    readonly value: Trained,
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
  ): Promise<PpoTrainer> {
    const optimizer = await AdamW.create(policy, adamwOptions(recipe));
    const writer = await RolloutWriter.create(recipe, policy, parts);
    const runner = await TrainingRunner.create(policy, updateLimits(recipe), optimizer.gradients);
    const reference = recipe.kl_coef > 0 ? await openReference(policy, runner) : undefined;
    const model = valueModel(policy);
    const valueOptimizer = await AdamW.create(model, adamwOptions(recipe));
    const { gradients } = valueOptimizer;
    const valueRunner = await TrainingRunner.create(model, updateLimits(recipe), gradients);
    const value = { model, optimizer: valueOptimizer, runner: valueRunner };
    const followed = new FollowedPrompts(recipe, parts.evaluationPrompts, writer);
    const traces = new GroupTraces(parts.tokenizer, runner, reference, recipe.temperature);
    // prettier-ignore
    return new PpoTrainer(
      recipe, policy, value, optimizer, writer, runner, reference, followed, traces,
    );
  }

  get evaluate(): Trainer['evaluate'] {
    return this.writer.evaluate;
  }

  async trainStep(): Promise<StepResult> {
    const clock = new StepClock();
    const { recipe, writer } = this;
    const groups = lessonsOf(
      await this.judge(await writer.write(this.step, this.onDetail)),
      recipe,
    );
    for (const { targets } of groups.flatMap((group) => group.lessons)) {
      // They become float32 derivatives.
      requireFinite('An advantage', Float32Array.from(targets.advantages));
      requireFinite('A return', Float32Array.from(targets.returns));
    }
    const rate = scheduledRate(recipe, this.step);
    const held = await clock.without(async () =>
      lessonsOf(await this.judge(await this.followed.write(this.step + 1)), recipe),
    );
    const update = await this.update(groups, rate);
    const reports: Group[] = [];
    for (const [i, group] of groups.entries()) {
      reports.push(await this.describe(group, i === 0 && recipe.log_completions));
    }
    const followed: Group[] = [];
    for (const group of held) {
      followed.push(await clock.without(() => this.describe(group, true)));
    }
    this.step++;
    this.tokensSeen += countTokens(groups);
    const metrics = {
      step: this.step,
      ...writer.metrics(groups, reports),
      ...objectiveMetrics(
        groups.flatMap((group) => group.lessons),
        recipe,
      ),
      ...update,
      learning_rate: rate,
      num_tokens: this.tokensSeen,
      step_time: clock.seconds,
    };
    return { metrics, groups: reports, ...(followed.length > 0 && { followed }) };
  }

  /** Adds the numbers of the three models for the completions, before any update. */
  private async judge(groups: ScoredGroup[]): Promise<JudgedGroup[]> {
    const { temperature } = this.recipe;
    const done: JudgedGroup[] = [];
    for (const { groups: members, packed } of packGroups(groups, this.perBatch)) {
      this.onDetail?.(`computing the values (${done.length} of ${groups.length} prompts)`);
      const cut = (values: Float32Array): Float32Array[] => perCompletion(values, packed);
      const reference = await this.reference?.runner.forward(packed, temperature);
      const refLogp = reference && cut(reference.values);
      const policy = await this.runner.forward(packed, temperature);
      const [logp, entropy] = [cut(policy.values), cut(policy.entropy)];
      const values = cut((await this.value.runner.forward(packed)).values);
      let at = 0;
      for (const group of members) {
        const judged = group.samples.map((sample, i): JudgedSample => {
          const own = at++;
          return {
            sample,
            score: group.reward[i]!,
            logp: logp[own]!,
            entropy: entropy[own]!,
            ...(refLogp && { refLogp: refLogp[own]! }),
            values: values[own]!,
          };
        });
        done.push({ ...group, judged });
      }
    }
    return done;
  }

  /** Does all epochs and mini-batches; metrics are means over them. */
  private async update(
    groups: readonly LessonGroup[],
    rate: number,
  ): Promise<Record<string, number>> {
    const { recipe } = this;
    const { learning_rate: peak, value_learning_rate: valuePeak = VALUE_RATE * peak } = recipe;
    const valueRate = (valuePeak * rate) / peak;
    const sums: UpdateSums = {
      ...{ policyLoss: 0, valueLoss: 0, klSum: 0, approxKlSum: 0, clipped: 0, valuesClipped: 0 },
    };
    let norms = [0, 0];
    const perMiniBatch = groups.length / recipe.num_mini_batches;
    const updates = recipe.num_ppo_epochs * recipe.num_mini_batches;
    for (let update = 0; update < updates; update++) {
      this.onDetail?.(`updating the policy (${update + 1} of ${updates})`);
      const epoch = Math.floor(update / recipe.num_mini_batches);
      const random = new Random(recipe.seed, `step ${this.step}, epoch ${epoch}`);
      const order = recipe.num_mini_batches === 1 ? groups : random.shuffle(groups);
      const first = (update % recipe.num_mini_batches) * perMiniBatch;
      await this.learn(order.slice(first, first + perMiniBatch), sums);
      norms = await Promise.all([
        moveWeights(this, rate, this.step, sums.policyLoss),
        moveWeights(this.value, valueRate, this.step, sums.valueLoss, 'val/grad_norm'),
      ]);
    }
    const tokens = groups.flatMap((g) => g.lessons).reduce((n, l) => n + l.logp.length, 0);
    const seen = tokens * recipe.num_ppo_epochs;
    return {
      'policy/approxkl_avg': sums.approxKlSum / seen,
      'policy/clipfrac_avg': sums.clipped / seen,
      'loss/policy_avg': sums.policyLoss / updates,
      'loss/value_avg': sums.valueLoss / updates,
      'val/clipfrac_avg': sums.valuesClipped / seen,
      loss: (sums.policyLoss + recipe.vf_coef * sums.valueLoss) / updates,
      grad_norm: norms[0]!,
      'val/grad_norm': norms[1]!,
    };
  }

  /** Adds the gradients of one mini-batch. */
  private async learn(groups: readonly LessonGroup[], sums: UpdateSums): Promise<void> {
    const { recipe } = this;
    const options = {
      cliprange: recipe.cliprange,
      cliprangeValue: recipe.cliprange_value,
      klCoef: recipe.kl_in === 'loss' ? recipe.kl_coef : 0,
    };
    const tokens = groups.flatMap((g) => g.lessons).reduce((n, l) => n + l.logp.length, 0);
    for (const { groups: members, packed } of packGroups(groups, this.perBatch)) {
      const policy = await this.runner.forward(packed, recipe.temperature);
      const value = await this.value.runner.forward(packed);
      const logp = perCompletion(policy.values, packed);
      const values = perCompletion(value.values, packed);
      const lessons = members.flatMap((group) => group.lessons);
      const terms = lessons.map((lesson, i) => ({
        logp: logp[i]!,
        oldLogp: lesson.logp,
        ...(lesson.refLogp && { refLogp: lesson.refLogp }),
        values: values[i]!,
        oldValues: lesson.values,
        advantages: lesson.targets.advantages,
        returns: lesson.targets.returns,
      }));
      const { dLogp, dValues, ...result } = ppoLoss(terms, options, tokens);
      await this.runner.backward(policy, perTarget(dLogp));
      const dValue = perTarget(dValues).map((d) => recipe.vf_coef * d);
      await this.value.runner.backward(value, dValue);
      for (const key of Object.keys(result) as (keyof UpdateSums)[]) sums[key] += result[key];
    }
  }

  /** A group after the update. An advantage is the mean over the tokens of a completion. */
  private async describe(group: LessonGroup, traced: boolean): Promise<Group> {
    const scores = group.lessons.map(({ targets }) => mean(targets.advantages));
    const traces = traced ? await this.traces.after(group, traceColumns(group)) : undefined;
    return this.writer.describe(group, scores, traces);
  }

  /** Number of prompts in one training batch. */
  private get perBatch(): number {
    return this.recipe.per_device_train_batch_size / this.recipe.num_generations;
  }

  destroy(): void {
    this.writer.destroy();
    this.reference?.destroy();
    this.runner.destroy();
    this.optimizer.destroy();
    this.value.runner.destroy();
    this.value.optimizer.destroy();
    this.value.model.destroy();
  }
}

function traceColumns({ lessons }: LessonGroup): TraceColumns[] {
  return lessons.map(({ logp, entropy, refLogp, values, targets }) => ({
    logp,
    entropy,
    ...(refLogp && { kl: k3(logp, refLogp) }),
    reward: targets.tokenRewards,
    value: values,
    advantage: targets.advantages,
  }));
}
