/** Twins of a run: the same seed and prompts, one thing changed. */
import type { RecipeValue, RecipeValues } from '../../rl/recipe/values.ts';
import { keysOf, recipeKeys } from '../../rl/recipe/keys.ts';
import { algorithms, type Algorithm, type RecipeKeySpec } from '../../rl/recipe/spec.ts';

export interface Twin {
  label: string;
  change: RecipeValues;
}

/** Those that learn from completions they write themselves: they have the keys of generation. */
export const rolloutAlgorithms: readonly Algorithm[] = algorithms.filter((algorithm) =>
  keysOf(algorithm).includes('temperature'),
);

/** Longest example of the built-in world, with room to spare. */
const EXAMPLE_TOKENS = 128;

/**
 * What a choice of `algorithm` sets besides, so that the default recipe of GRPO serves it: DPO judges
 * its own completions and has another scale of beta; those that are given examples take them in
 * batches of their own size.
 */
export function algorithmChange(algorithm: Algorithm): RecipeValues {
  const keys = keysOf(algorithm);
  const { beta, per_device_train_batch_size: batch } = recipeKeys as Record<string, RecipeKeySpec>;
  const own = (spec: RecipeKeySpec | undefined): RecipeValue | undefined =>
    (spec?.defaults as Record<string, RecipeValue> | undefined)?.[algorithm];
  return {
    algorithm,
    ...((keys as string[]).includes('online') && { online: true }),
    ...(own(beta) !== undefined && { beta: own(beta)! }),
    ...(!rolloutAlgorithms.includes(algorithm) && {
      per_device_train_batch_size: own(batch) ?? (batch?.default as RecipeValue),
      max_length: EXAMPLE_TOKENS,
    }),
  };
}

export function twinsOf(recipe: RecipeValues): Twin[] {
  const thinks = recipe['thinking'] !== false;
  const own = recipe['algorithm'] ?? 'grpo';
  return [
    { label: thinks ? 'Without a thought' : 'With a thought', change: { thinking: !thinks } },
    ...rolloutAlgorithms
      .filter((algorithm) => algorithm !== own)
      .map((algorithm) => ({
        label: `With ${algorithm.toUpperCase()}`,
        change: algorithmChange(algorithm),
      })),
  ];
}
