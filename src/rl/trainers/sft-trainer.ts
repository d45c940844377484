/**
 * Supervised fine-tuning: the mean negative log-prob of completion tokens, without those of the prompt
 * (TRL's SFTTrainer with completion_only_loss).
 */
import { AdamW } from '../../model/adamw.ts';
import { packBatch, splitGroups, type TokenGroup } from '../../model/batch.ts';
import { TrainingRunner } from '../../model/batch-runner.ts';
import type { LanguageModel } from '../../model/language-model.ts';
import type { Tokenizer } from '../../model/tokenizer.ts';
import { take, type SftExample, type Source } from '../data/dataset.ts';
import { sftLoss } from '../objectives/sft.ts';
import { adamwOptions, batchLimits, type Recipe } from '../recipe/recipe.ts';
import { promptWithCompletions } from '../rollout/rollout.ts';
import { turnEnd } from '../rollout/stop-tokens.ts';
import { scheduledRate } from './schedule.ts';
import { moveWeights, TrainingError, type StepResult, type Trainer } from './trainer.ts';

export class SftTrainer implements Trainer {
  step = 0;
  tokensSeen = 0;
  onDetail?: (detail: string) => void;

  /** The token after every completion. */
  private readonly turnEnd: number | undefined;

  private constructor(
    readonly recipe: Recipe,
    readonly model: LanguageModel,
    private readonly tokenizer: Tokenizer,
    private readonly examples: Source<SftExample>,
    readonly optimizer: AdamW,
    readonly runner: TrainingRunner,
  ) {
    this.turnEnd = turnEnd(tokenizer, model.config.eosTokenIds);
  }

  static async create(
    recipe: Recipe,
    model: LanguageModel,
    tokenizer: Tokenizer,
    examples: Source<SftExample>,
  ): Promise<SftTrainer> {
    const optimizer = await AdamW.create(model, adamwOptions(recipe));
    const runner = await TrainingRunner.create(model, batchLimits(recipe), optimizer.gradients);
    return new SftTrainer(recipe, model, tokenizer, examples, optimizer, runner);
  }

  async trainStep(): Promise<StepResult> {
    const started = performance.now();
    const { recipe } = this;
    const perStep = recipe.per_device_train_batch_size * recipe.gradient_accumulation_steps;
    const groups = take(this.examples, this.step * perStep, perStep).map((example) =>
      exampleTokens(example, this.tokenizer, this.turnEnd, recipe),
    );
    const targets = groups.reduce((sum, g) => sum + (g.completions[0]?.length ?? 0), 0);
    if (targets === 0) throw nothingToLearn(this.step + 1);
    let loss = 0;
    let entropySum = 0;
    let tokens = 0;
    for (const part of splitGroups(groups, 'completion', this.runner.limits)) {
      const pass = await this.runner.forward(packBatch(part, 'completion'));
      const { values, entropy } = pass;
      const result = sftLoss(values, targets);
      await this.runner.backward(pass, Float32Array.from(result.dLogp));
      loss += result.loss;
      entropySum += entropy.reduce((a, b) => a + b, 0);
      tokens += part.reduce((n, g) => n + g.prompt.length, values.length);
    }
    const rate = scheduledRate(recipe, this.step);
    const gradNorm = await moveWeights(this, rate, this.step, loss);
    this.step++;
    this.tokensSeen += tokens;
    const metrics = {
      step: this.step,
      loss,
      entropy: entropySum / targets,
      grad_norm: gradNorm,
      learning_rate: rate,
      num_tokens: this.tokensSeen,
      step_time: (performance.now() - started) / 1000,
    };
    return { metrics, groups: [] };
  }

  destroy(): void {
    this.runner.destroy();
    this.optimizer.destroy();
  }
}

/** @param eos the token after the completion, if there is one */
export function exampleTokens(
  { prompt, completion, thinking }: SftExample,
  tokenizer: Tokenizer,
  eos: number | undefined,
  { system_prompt: systemPrompt }: Pick<Recipe, 'system_prompt'>,
): TokenGroup {
  const tokens = promptWithCompletions(tokenizer, prompt, [completion], thinking, systemPrompt);
  const completions = tokens.completions.map((ids) => (eos === undefined ? ids : [...ids, eos]));
  return { prompt: tokens.prompt, completions };
}

function nothingToLearn(step: number): TrainingError {
  return new TrainingError(
    `Training stopped in step ${step}: no example of the step has a token to learn. Leave out rows ` +
      'with an empty completion, or give the model an eos_token_id, which then ends every completion.',
  );
}
