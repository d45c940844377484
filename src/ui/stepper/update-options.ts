/** What a run's recipe says about an update, with the defaults of the keys it leaves out. */
import type { ScaleRewards } from '../../rl/objectives/advantages.ts';
import type { GrpoOptions, LossType } from '../../rl/objectives/grpo.ts';
import type { RecipeValue, RecipeValues } from '../../rl/recipe/values.ts';
import { recipeKeys } from '../../rl/recipe/keys.ts';
import { defaultOf, type Algorithm, type RecipeKeySpec } from '../../rl/recipe/spec.ts';

export interface UpdateOptions {
  algorithm: string;
  scaleRewards: ScaleRewards;
  iterations: number;
  grpo: GrpoOptions;
  /** Which tokens count: of completions that were cut off, and by entropy. */
  mask: { truncated: boolean; topEntropy: number };
  ppo: PpoOptions;
}

export interface PpoOptions {
  klCoef: number;
  /** Whether the KL penalty is in the rewards of tokens, or in the loss. */
  klIn: 'reward' | 'loss';
  gamma: number;
  lambda: number;
  cliprange: number;
  cliprangeValue: number;
  /** Updates on each batch. */
  epochs: number;
}

export function updateOptions(recipe: RecipeValues): UpdateOptions {
  const read = reader(recipe);
  const epsilon = Number(read('epsilon'));
  const delta = read('delta');
  return {
    algorithm: read('algorithm') as string,
    scaleRewards: read('scale_rewards') as ScaleRewards,
    iterations: Number(read('num_iterations')),
    grpo: {
      epsilon,
      epsilonHigh: Number(read('epsilon_high') ?? epsilon),
      ...(delta !== undefined && { delta: Number(delta) }),
      beta: Number(read('beta')),
      lossType: read('loss_type') as LossType,
      importanceSamplingLevel: read(
        'importance_sampling_level',
      ) as GrpoOptions['importanceSamplingLevel'],
      maxCompletionLength: Number(read('max_completion_length')),
      useBiasCorrectionKl: read('use_bias_correction_kl') === true,
      sapoTemperature: {
        pos: Number(read('sapo_temperature_pos')),
        neg: Number(read('sapo_temperature_neg')),
      },
      vespo: {
        pos: { k: Number(read('vespo_k_pos')), lambda: Number(read('vespo_lambda_pos')) },
        neg: { k: Number(read('vespo_k_neg')), lambda: Number(read('vespo_lambda_neg')) },
      },
    },
    mask: {
      truncated: read('mask_truncated_completions') === true,
      topEntropy: Number(read('top_entropy_quantile')),
    },
    ppo: {
      klCoef: Number(read('kl_coef')),
      klIn: read('kl_in') as PpoOptions['klIn'],
      gamma: Number(read('gamma')),
      lambda: Number(read('lam')),
      cliprange: Number(read('cliprange')),
      cliprangeValue: Number(read('cliprange_value')),
      epochs: Number(read('num_ppo_epochs')),
    },
  };
}

/** Reads one key: as chosen, else its default for the recipe's algorithm. */
function reader(recipe: RecipeValues): (key: string) => RecipeValue | undefined {
  const keys: Readonly<Record<string, RecipeKeySpec>> = recipeKeys;
  const algorithm = (recipe['algorithm'] ?? recipeKeys.algorithm.default) as Algorithm;
  return (key) => {
    const chosen = recipe[key] ?? defaultOf(keys[key], algorithm);
    return (chosen ?? undefined) as RecipeValue | undefined;
  };
}
