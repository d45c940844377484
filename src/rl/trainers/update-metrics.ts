/**
 * The metrics of GRPO's updates in one step, as TRL's `_compute_loss` logs them: means over tokens, without
 * those of truncated completions that the recipe leaves out of the loss.
 */
import type { BatchTotals, GrpoResult } from '../objectives/grpo.ts';
import type { Recipe } from '../recipe/recipe.ts';

/** One completion before the first update; the arrays have an entry for each token that the policy drew. */
interface CompletionNumbers {
  /** Left out by mask_truncated_completions. */
  masked: boolean;
  logp: ArrayLike<number>;
  entropy: ArrayLike<number>;
  /** The log-probs with which the tokens were drawn. */
  written: ArrayLike<number>;
}

export class UpdateMetrics {
  private loss = 0;
  private kl = 0;
  private clippedLow = 0;
  private clippedHigh = 0;
  private tokens = 0;
  private entropy = 0;
  private difference = { sum: 0, max: 0 };

  constructor(
    private readonly recipe: Recipe,
    private readonly totals: BatchTotals,
  ) {}

  /** The loss of all updates so far. */
  get lossSum(): number {
    return this.loss;
  }

  /** Adds the loss of one micro-batch in one update. */
  addLoss(result: GrpoResult): void {
    this.loss += result.loss;
    this.kl += result.klSum;
    this.clippedLow += result.clippedLow;
    this.clippedHigh += result.clippedHigh;
  }

  /** Adds the completions of one micro-batch, before the first update. */
  addTokens(completions: readonly CompletionNumbers[]): void {
    for (const { masked, logp, entropy, written } of completions) {
      if (masked) continue;
      this.tokens += logp.length;
      for (let t = 0; t < logp.length; t++) {
        this.entropy += entropy[t]!;
        const gap = Math.abs(logp[t]! - written[t]!);
        this.difference.sum += gap;
        this.difference.max = Math.max(this.difference.max, gap);
      }
    }
  }

  /** @param gradNorm of the last update */
  values(gradNorm: number): Record<string, number> {
    const { recipe, tokens, difference } = this;
    const lossTokens = Math.max(1, this.totals.activeTokens) * recipe.num_iterations;
    return {
      ...(recipe.beta > 0 && { kl: this.kl / lossTokens }),
      ...(tokens > 0 && { entropy: this.entropy / tokens }),
      ...this.clipRatios(),
      ...(tokens > 0 && {
        'sampling/sampling_logp_difference/mean': difference.sum / tokens,
        'sampling/sampling_logp_difference/max': difference.max,
      }),
      loss: this.loss / recipe.num_iterations,
      grad_norm: gradNorm,
    };
  }

  private clipRatios(): Record<string, number> {
    const { loss_type, importance_sampling_level, num_iterations } = this.recipe;
    if (loss_type === 'sapo' || loss_type === 'vespo') return {};
    const { completions, activeTokens } = this.totals;
    const count = importance_sampling_level === 'sequence' ? completions : activeTokens;
    const ratios = Math.max(1, count) * num_iterations;
    const [low, high] = [this.clippedLow / ratios, this.clippedHigh / ratios];
    if (loss_type === 'cispo') return { cispo_clip_ratio: high };
    return {
      'clip_ratio/low_mean': low,
      'clip_ratio/high_mean': high,
      'clip_ratio/region_mean': low + high,
    };
  }
}
