/**
 * Training a reward model on preference pairs (TRL's RewardTrainer): Bradley-Terry on the scores of
 * the chosen and the rejected response, each read in the reward model's own chat template.
 */
import { AdamW } from '../../model/adamw.ts';
import { packBatch, splitGroups, type PackedBatch, type TokenGroup } from '../../model/batch.ts';
import { TrainingRunner } from '../../model/batch-runner.ts';
import type { LanguageModel } from '../../model/language-model.ts';
import type { Tokenizer } from '../../model/tokenizer.ts';
import { mean } from '../statistics.ts';
import { take, type PreferenceGroup, type Preferences } from '../data/dataset.ts';
import type { StepEvaluation } from '../evaluation/fixed.ts';
import { bradleyTerryLoss } from '../objectives/bradley-terry.ts';
import { adamwOptions, batchLimits, type Recipe } from '../recipe/recipe.ts';
import { rewardModelTokens } from '../rewards/reward-model.ts';
import { scheduledRate } from './schedule.ts';
import { moveWeights, type StepResult, type Trainer } from './trainer.ts';

export class RewardTrainer implements Trainer {
  step = 0;
  tokensSeen = 0;
  onDetail?: (detail: string) => void;
  readonly evaluate?: () => Promise<StepEvaluation>;

  private constructor(
    readonly recipe: Recipe,
    readonly model: LanguageModel,
    private readonly tokenizer: Tokenizer,
    private readonly preferences: Preferences,
    readonly optimizer: AdamW,
    readonly runner: TrainingRunner,
  ) {
    const { heldOut } = preferences;
    if (heldOut) this.evaluate = () => this.judgeHeldOut(heldOut);
  }

  static async create(
    recipe: Recipe,
    model: LanguageModel,
    tokenizer: Tokenizer,
    preferences: Preferences,
  ): Promise<RewardTrainer> {
    const optimizer = await AdamW.create(model, adamwOptions(recipe));
    const runner = await TrainingRunner.create(model, batchLimits(recipe), optimizer.gradients);
    return new RewardTrainer(recipe, model, tokenizer, preferences, optimizer, runner);
  }

  async trainStep(): Promise<StepResult> {
    const started = performance.now();
    const { recipe } = this;
    const perStep = recipe.per_device_train_batch_size * recipe.gradient_accumulation_steps;
    const groups = take(this.preferences.pairs, this.step * perStep, perStep);
    const { tokens, ...totals } = await this.compare(groups, true);
    const rate = scheduledRate(recipe, this.step);
    const gradNorm = await moveWeights(this, rate, this.step, totals.loss);
    this.step++;
    this.tokensSeen += tokens;
    const metrics = {
      step: this.step,
      ...totals,
      grad_norm: gradNorm,
      learning_rate: rate,
      num_tokens: this.tokensSeen,
      step_time: (performance.now() - started) / 1000,
    };
    return { metrics, groups: [] };
  }

  private async judgeHeldOut(groups: readonly PreferenceGroup[]): Promise<StepEvaluation> {
    this.onDetail?.('judging held-out pairs');
    const { loss, accuracy, margin } = await this.compare(groups, false);
    const metrics = { eval_loss: loss, eval_accuracy: accuracy, eval_margin: margin };
    return { metrics, rows: [] };
  }

  /** Means over all pairs of the groups; with `learn`, adds their gradients. */
  private async compare(groups: readonly PreferenceGroup[], learn: boolean) {
    const pairCount = groups.reduce((sum, { pairs }) => sum + pairs.length, 0);
    const totals = { loss: 0, correct: 0, margin: 0, tokens: 0 };
    const scores: number[] = [];
    for (const part of splitGroups(
      groups.map((group) => this.tokens(group)),
      'score',
      this.runner.limits,
    )) {
      const packed = packBatch(part, 'score');
      const pass = await this.runner.forward(packed);
      const { values } = pass;
      const rows = pairRows(part, packed);
      const result = bradleyTerryLoss(
        rows.map(([chosen]) => values[chosen]!),
        rows.map(([, rejected]) => values[rejected]!),
        part.flatMap(({ pairs, margin = 0 }) => pairs.map(() => margin)),
        this.recipe.center_rewards_coefficient,
        pairCount,
      );
      if (learn) {
        const gradient = new Float32Array(values.length);
        rows.forEach(([chosen, rejected], i) => {
          gradient[chosen]! += result.dChosen[i]!;
          gradient[rejected]! += result.dRejected[i]!;
        });
        await this.runner.backward(pass, gradient);
      }
      totals.loss += result.loss;
      totals.correct += result.correct;
      totals.margin += result.marginSum;
      totals.tokens += packed.tokens;
      scores.push(...values);
    }
    return {
      loss: totals.loss,
      accuracy: totals.correct / pairCount,
      margin: totals.margin / pairCount,
      mean_reward: mean(scores),
      tokens: totals.tokens,
    };
  }

  private tokens({ prompt, responses, pairs, margin }: PreferenceGroup): PairedTokens {
    const texts = responses.map((response) => ({ prompt, response }));
    return {
      ...rewardModelTokens(this.tokenizer, texts, this.model.config.padTokenId),
      pairs,
      ...(margin !== undefined && { margin }),
    };
  }

  destroy(): void {
    this.runner.destroy();
    this.optimizer.destroy();
  }
}

type PairedTokens = TokenGroup & Pick<PreferenceGroup, 'pairs' | 'margin'>;

/** The rows of each pair's scores: [preferred, other]. */
function pairRows(groups: readonly PairedTokens[], packed: PackedBatch): [number, number][] {
  return groups.flatMap(({ pairs }, g) => {
    const row = (response: number): number => packed.ranges[g]![response]![0];
    return pairs.map(([chosen, rejected]): [number, number] => [row(chosen), row(rejected)]);
  });
}
