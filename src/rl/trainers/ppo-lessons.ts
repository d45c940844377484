/**
 * The data of PPO's updates: the numbers of the models for every token before any update, and the
 * targets that follow from them.
 */
import { mean } from '../statistics.ts';
import { episodeTargets, type EpisodeTargets } from '../objectives/ppo.ts';
import type { Recipe } from '../recipe/recipe.ts';
import type { RolloutSample } from '../rollout/rollout.ts';
import type { ScoredGroup } from './rollout-writer.ts';
import { k3 } from './token-trace.ts';

/** One completion with the models' numbers before any update; arrays have one entry per token. */
export interface JudgedSample {
  sample: RolloutSample;
  score: number;
  logp: Float32Array;
  entropy: Float32Array;
  refLogp?: Float32Array;
  values: Float32Array;
}

/** The same with the targets of the updates. */
type Lesson = JudgedSample & { targets: EpisodeTargets };

export interface JudgedGroup extends ScoredGroup {
  judged: JudgedSample[];
}

export interface LessonGroup extends ScoredGroup {
  lessons: Lesson[];
}

/** Token rewards, advantages and returns of a step; whitening is over all completions of the step. */
export function lessonsOf(groups: readonly JudgedGroup[], recipe: Recipe): LessonGroup[] {
  const targets = episodeTargets(
    groups.flatMap(({ judged }) =>
      judged.map(({ sample, ...numbers }) => ({ ...numbers, finished: sample.finished })),
    ),
    {
      klCoef: recipe.kl_coef,
      klEstimator: recipe.kl_estimator,
      klIn: recipe.kl_in,
      ...(recipe.missing_eos_penalty !== undefined && {
        missingEosPenalty: recipe.missing_eos_penalty,
      }),
      whitenRewards: recipe.whiten_rewards,
      gamma: recipe.gamma,
      lam: recipe.lam,
    },
  );
  let at = 0;
  return groups.map(({ judged, ...group }) => ({
    ...group,
    lessons: judged.map((one) => ({ ...one, targets: targets[at++]! })),
  }));
}

/**
 * TRL's `objective/...`: sums over the tokens of a completion, then means over completions. Also means
 * over tokens under GRPO's names, to compare algorithms.
 */
export function objectiveMetrics(
  lessons: readonly Lesson[],
  recipe: Recipe,
): Record<string, number> {
  const perCompletion = (of: (lesson: Lesson) => ArrayLike<number>): number =>
    mean(lessons.map((lesson) => Array.from(of(lesson)).reduce((a, b) => a + b, 0)));
  const tokens = (of: (lesson: Lesson) => ArrayLike<number>): number =>
    mean(lessons.flatMap((lesson) => Array.from(of(lesson))));
  const score = mean(lessons.map(({ targets }) => targets.score));
  const kl = perCompletion(({ targets }) => targets.kl);
  const penalty = recipe.kl_in === 'reward' ? -recipe.kl_coef * kl : 0;
  return {
    'objective/kl': kl,
    'objective/entropy': perCompletion(({ logp }) => logp.map((value) => -value)),
    'objective/scores': score,
    'objective/non_score_reward': penalty,
    'objective/rlhf_reward': penalty + score,
    ...(recipe.kl_coef > 0 && { kl: tokens(({ logp, refLogp }) => k3(logp, refLogp!)) }),
    entropy: tokens((lesson) => lesson.entropy),
  };
}
