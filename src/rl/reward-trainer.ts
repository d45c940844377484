/**
 * Training a reward model on preference pairs (TRL's RewardTrainer): Bradley-Terry on the scores of
 * the chosen and the rejected response, each read in the reward model's own chat template.
 */
import { AdamW } from '../model/adamw.ts';
import { packBatch, type TokenGroup } from '../model/batch.ts';
import { BatchRunner } from '../model/batch-runner.ts';
import type { LanguageModel } from '../model/language-model.ts';
import type { Tokenizer } from '../model/tokenizer.ts';
import { mean } from './advantages.ts';
import { take, type PreferencePair, type Source } from './data.ts';
import { bradleyTerryLoss } from './objectives/bradley-terry.ts';
import { adamwOptions, batchLimits, type Recipe } from './recipe.ts';
import { judgedTokens } from './reward-model.ts';
import { learningRate, warmupSteps } from './schedule.ts';
import type { StepResult, Trainer } from './trainer.ts';

export class RewardTrainer implements Trainer {
  step = 0;
  onDetail?: (detail: string) => void;

  private constructor(
    readonly recipe: Recipe,
    readonly model: LanguageModel,
    private readonly tokenizer: Tokenizer,
    private readonly pairs: Source<PreferencePair>,
    readonly optimizer: AdamW,
    private readonly runner: BatchRunner,
  ) {}

  static async create(
    recipe: Recipe,
    model: LanguageModel,
    tokenizer: Tokenizer,
    pairs: Source<PreferencePair>,
  ): Promise<RewardTrainer> {
    const optimizer = await AdamW.create(model, adamwOptions(recipe));
    const runner = await BatchRunner.create(model, batchLimits(recipe), optimizer.gradients);
    return new RewardTrainer(recipe, model, tokenizer, pairs, optimizer, runner);
  }

  async trainStep(): Promise<StepResult> {
    const started = performance.now();
    const { recipe } = this;
    const perBatch = recipe.per_device_train_batch_size;
    const perStep = perBatch * recipe.gradient_accumulation_steps;
    const pairs = take(this.pairs, this.step * perStep, perStep);
    const totals = { loss: 0, correct: 0, margin: 0 };
    const scores: number[] = [];
    for (let first = 0; first < perStep; first += perBatch) {
      const part = pairs.slice(first, first + perBatch);
      const { values } = await this.runner.forward(packBatch(this.tokens(part), 'score'));
      // A pair's scores stand side by side: chosen, rejected.
      const result = bradleyTerryLoss(
        values.filter((_, i) => i % 2 === 0),
        values.filter((_, i) => i % 2 === 1),
        recipe.center_rewards_coefficient,
        perStep,
      );
      this.runner.backward(
        interleave(result.dChosen, result.dRejected),
      );
      totals.loss += result.loss;
      totals.correct += result.correct;
      totals.margin += result.marginSum;
      scores.push(...values);
    }
    const rate = learningRate(
      recipe.lr_scheduler_type,
      recipe.learning_rate,
      this.step,
      recipe.max_steps,
      warmupSteps(recipe),
    );
    this.optimizer.step(rate);
    this.step++;
    const metrics = {
      step: this.step,
      loss: totals.loss,
      accuracy: totals.correct / perStep,
      margin: totals.margin / perStep,
      mean_reward: mean(scores),
      grad_norm: await this.optimizer.gradNorm(),
      learning_rate: rate,
      step_time: (performance.now() - started) / 1000,
    };
    return { metrics, groups: [] };
  }

  private tokens(pairs: readonly PreferencePair[]): TokenGroup[] {
    return pairs.map(({ prompt, chosen, rejected }) =>
      judgedTokens(this.tokenizer, [
        { prompt, response: chosen },
        { prompt, response: rejected },
      ]),
    );
  }

  destroy(): void {
    this.runner.destroy();
    this.optimizer.destroy();
  }
}

function interleave(even: Float64Array, odd: Float64Array): Float32Array {
  return Float32Array.from({ length: 2 * even.length }, (_, i) => (i % 2 ? odd : even)[i >> 1]!);
}
