/**
 * Losses, advantages and gradients against TRL's own code; make_trl.py makes trl.json. TRL's PPO has
 * its KL only in the rewards: `kl_in: loss` is ours, and src/rl/objectives/ppo.test.ts checks it
 * against its formula and central differences.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  advantages,
  fractionZeroStd,
  type ScaleRewards,
} from '../../src/rl/objectives/advantages.ts';
import { drawnOnly, type TokenRange } from '../../src/model/sequences.ts';
import { bradleyTerryLoss } from '../../src/rl/objectives/bradley-terry.ts';
import { dpoLoss } from '../../src/rl/objectives/dpo.ts';
import { entropyThreshold, grpoLoss, type LossType } from '../../src/rl/objectives/grpo.ts';
import { episodeTargets, ppoLoss } from '../../src/rl/objectives/ppo.ts';
import { softOverlongPunishment } from '../../src/rl/rewards/overlong.ts';
import { sftLoss } from '../../src/rl/objectives/sft.ts';

type Rows = number[][];
interface GrpoCase {
  options: {
    loss_type: LossType;
    importance_sampling_level: 'token' | 'sequence';
    epsilon: number;
    epsilon_high: number;
    delta: number | null;
    beta: number;
    top_entropy_quantile: number;
    /** Completions that are left out because they are truncated. */
    masked: number[];
    /** By completion: tokens that the model did not draw; in TRL they are the result of a tool. */
    forced: (TokenRange | null)[];
    /** Completions of groups that are left out. */
    left_out: number[];
    use_bias_correction_kl: boolean;
    entropy_coef: number;
    sapo_temperature_pos: number;
    sapo_temperature_neg: number;
    vespo_k_pos: number;
    vespo_lambda_pos: number;
    vespo_k_neg: number;
    vespo_lambda_neg: number;
  };
  loss: number;
  dLogp: Rows;
  /** null if the loss does not depend on the entropies. */
  dEntropy: Rows | null;
  metrics: Record<string, number>;
}
interface PpoCase {
  options: Record<'kl_coef' | 'gamma' | 'lam' | 'cliprange' | 'cliprange_value', number> & {
    kl_estimator: 'k1' | 'k3';
    whiten_rewards: boolean;
    missing_eos_penalty: number | null;
  };
  rewards: Rows;
  advantages: Rows;
  returns: Rows;
  policyLoss: number;
  valueLoss: number;
  clipfrac: number;
  valueClipfrac: number;
  dLogp: Rows;
  /** Of the whole loss, vf_coef included. */
  dValues: Rows;
}
interface Golden {
  grpo: {
    completions: { logp: Rows; entropy: Rows; advantages: number[]; old: Rows; ref: Rows };
    cases: GrpoCase[];
  };
  advantages: {
    rewards: Rows;
    weights: number[];
    num_generations: number;
    cases: { scale_rewards: ScaleRewards; advantages: number[]; frac_reward_zero_std: number }[];
  };
  overlong: { lengths: number[]; cases: { longest: number; cache: number; rewards: number[] }[] };
  ppo: {
    episodes: Record<'old' | 'oldValues' | 'ref' | 'logp' | 'values', Rows> & {
      scores: number[];
      finished: boolean[];
    };
    cases: (PpoCase & { options: { vf_coef: number } })[];
  };
  dpo: {
    beta: number;
    logp: Rows;
    ref: Rows;
    loss: number;
    dLogp: Rows;
    metrics: Record<string, number>;
  }[];
  reward: {
    centering: number | null;
    /** The margin of each pair; null without margins. */
    margin: number[] | null;
    scores: number[];
    loss: number;
    dScores: number[];
    metrics: Record<string, number>;
  }[];
  sft: {
    /** Tokens of the whole step. */
    items: number;
    /** One row for each target token. */
    logits: Rows;
    targets: number[];
    loss: number;
    dLogits: Rows;
  }[];
}
const golden = JSON.parse(readFileSync(new URL('trl.json', import.meta.url), 'utf8')) as Golden;

/** Golden numbers are in float64, rounded to eight digits after the point. */
function expectClose(
  actual: readonly ArrayLike<number>[],
  wanted: readonly ArrayLike<number>[],
): void {
  const flat = (rows: readonly ArrayLike<number>[]): number[] =>
    rows.flatMap((row) => Array.from(row));
  const numbers = flat(actual);
  expect(numbers.length).toBe(flat(wanted).length);
  flat(wanted).forEach((value, i) => expect(numbers[i]).toBeCloseTo(value, 6));
}
const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

describe('GRPO', () => {
  const { completions, cases } = golden.grpo;
  it.each(cases.map((one) => [JSON.stringify(one.options), one] as const))('%s', (_, one) => {
    const { options } = one;
    const drawn = (rows: Rows): (readonly number[])[] =>
      rows.map((row, i) => drawnOnly(row, options.forced[i] ?? undefined));
    const [logp, old, ref, entropy] = [
      drawn(completions.logp),
      drawn(completions.old),
      drawn(completions.ref),
      drawn(completions.entropy),
    ];
    const counted = completions.advantages.map((_, i) => !options.left_out.includes(i));
    const active = counted.map((counts, i) => counts && !options.masked.includes(i));
    const entropies = entropy.flatMap((row, i) => (active[i] ? row : []));
    const threshold = entropyThreshold(entropies, options.top_entropy_quantile);
    const tokens = sum(logp.map((row, i) => (active[i] ? row.length : 0)));
    const result = grpoLoss(
      completions.advantages.map((advantage, i) => ({
        advantage,
        logp: logp[i]!,
        oldLogp: old[i]!,
        refLogp: ref[i]!,
        entropy: entropy[i]!,
        active: active[i]!,
        ...(options.top_entropy_quantile < 1 && {
          kept: entropy[i]!.map((value) => value >= threshold),
        }),
      })),
      {
        lossType: options.loss_type,
        importanceSamplingLevel: options.importance_sampling_level,
        epsilon: options.epsilon,
        epsilonHigh: options.epsilon_high,
        ...(options.delta !== null && { delta: options.delta }),
        sapoTemperature: { pos: options.sapo_temperature_pos, neg: options.sapo_temperature_neg },
        vespo: {
          pos: { k: options.vespo_k_pos, lambda: options.vespo_lambda_pos },
          neg: { k: options.vespo_k_neg, lambda: options.vespo_lambda_neg },
        },
        beta: options.beta,
        useBiasCorrectionKl: options.use_bias_correction_kl,
        entropyCoef: options.entropy_coef,
        maxCompletionLength: 8,
      },
      { completions: counted.filter(Boolean).length, activeTokens: tokens },
    );
    expect(result.loss).toBeCloseTo(one.loss, 6);
    expectClose(result.dLogp, drawn(one.dLogp));
    expectClose(
      result.dEntropy,
      one.dEntropy ? drawn(one.dEntropy) : entropy.map((row) => row.map(() => 0)),
    );
    if (options.beta > 0) expect(result.klSum / tokens).toBeCloseTo(one.metrics.kl!, 6);
    const bySequence = options.importance_sampling_level === 'sequence';
    const ratios = bySequence ? counted.filter(Boolean).length : tokens;
    if (options.loss_type === 'cispo') {
      expect(result.clippedHigh / ratios).toBeCloseTo(one.metrics.cispo_clip_ratio!, 6);
    } else if ('clip_ratio/low_mean' in one.metrics) {
      expect(result.clippedLow / ratios).toBeCloseTo(one.metrics['clip_ratio/low_mean'], 6);
      expect(result.clippedHigh / ratios).toBeCloseTo(one.metrics['clip_ratio/high_mean']!, 6);
    }
  });
});

describe('advantages', () => {
  const { rewards, weights, num_generations: size, cases } = golden.advantages;
  const totals = rewards[0]!.map((_, i) => sum(rewards.map((row, k) => weights[k]! * row[i]!)));
  const groups = [totals.slice(0, size), totals.slice(size)];
  it.each(cases)('scaled by $scale_rewards', (one) => {
    expectClose([advantages(groups, one.scale_rewards).flat()], [one.advantages]);
    if (one.scale_rewards === 'batch') return; // TRL then uses the deviation of the batch
    expect(fractionZeroStd(groups)).toBe(one.frac_reward_zero_std);
  });
});

describe('the soft overlong punishment', () => {
  const { lengths, cases } = golden.overlong;
  it.each(cases)('$cache of $longest tokens', ({ longest, cache, rewards }) => {
    expectClose([lengths.map((n) => softOverlongPunishment(n, longest, cache))], [rewards]);
  });
});

describe('PPO', () => {
  const { episodes, cases } = golden.ppo;
  it.each(cases.map((one) => [JSON.stringify(one.options), one] as const))('%s', (_, one) => {
    const { options } = one;
    const targets = episodeTargets(
      episodes.scores.map((score, i) => ({
        logp: episodes.old[i]!,
        refLogp: episodes.ref[i]!,
        values: episodes.oldValues[i]!,
        score,
        finished: episodes.finished[i]!,
      })),
      {
        klCoef: options.kl_coef,
        klEstimator: options.kl_estimator,
        klIn: 'reward',
        ...(options.missing_eos_penalty !== null && {
          missingEosPenalty: options.missing_eos_penalty,
        }),
        whitenRewards: options.whiten_rewards,
        gamma: options.gamma,
        lam: options.lam,
      },
    );
    expectClose(
      targets.map((t) => t.tokenRewards),
      one.rewards,
    );
    expectClose(
      targets.map((t) => t.advantages),
      one.advantages,
    );
    expectClose(
      targets.map((t) => t.returns),
      one.returns,
    );
    const tokens = sum(episodes.logp.map((row) => row.length));
    const result = ppoLoss(
      targets.map(({ advantages: own, returns }, i) => ({
        logp: episodes.logp[i]!,
        oldLogp: episodes.old[i]!,
        values: episodes.values[i]!,
        oldValues: episodes.oldValues[i]!,
        advantages: own,
        returns,
      })),
      { cliprange: options.cliprange, cliprangeValue: options.cliprange_value, klCoef: 0 },
      tokens,
    );
    expect(result.policyLoss).toBeCloseTo(one.policyLoss, 6);
    expect(result.valueLoss).toBeCloseTo(one.valueLoss, 6);
    expect(result.clipped / tokens).toBeCloseTo(one.clipfrac, 6);
    expect(result.valuesClipped / tokens).toBeCloseTo(one.valueClipfrac, 6);
    expectClose(result.dLogp, one.dLogp);
    expectClose(
      result.dValues.map((row) => row.map((value) => options.vf_coef * value)),
      one.dValues,
    );
  });
});

it.each(golden.dpo)('DPO with beta $beta', ({ beta, logp, ref, loss, dLogp, metrics }) => {
  const pairs = [0, 1].map((i) => ({
    chosen: sum(logp[i]!),
    rejected: sum(logp[i + 2]!),
    refChosen: sum(ref[i]!),
    refRejected: sum(ref[i + 2]!),
  }));
  const result = dpoLoss(pairs, beta, 2);
  expect(result.loss).toBeCloseTo(loss, 6);
  const perToken = [...result.dChosen, ...result.dRejected];
  expectClose(
    logp.map((row, i) => row.map(() => perToken[i]!)),
    dLogp,
  );
  expect(result.chosenRewards / 2).toBeCloseTo(metrics['rewards/chosen']!, 6);
  expect(result.rejectedRewards / 2).toBeCloseTo(metrics['rewards/rejected']!, 6);
  expect(result.correct / 2).toBe(metrics['rewards/accuracies']);
});

it.each(golden.reward)('a reward model with centering $centering, margins $margin', (one) => {
  const [chosen, rejected] = [one.scores.slice(0, 3), one.scores.slice(3)];
  const result = bradleyTerryLoss(chosen, rejected, one.margin ?? [0, 0, 0], one.centering ?? 0, 3);
  expect(result.loss).toBeCloseTo(one.loss, 6);
  expectClose([result.dChosen, result.dRejected], [one.dScores.slice(0, 3), one.dScores.slice(3)]);
  expect(result.correct / 3).toBeCloseTo(one.metrics.accuracy!, 6);
  expect(result.marginSum / 3).toBeCloseTo(one.metrics.margin!, 6);
});

it.each(golden.sft)(
  'SFT in a step of $items tokens',
  ({ items, logits, targets, loss, dLogits }) => {
    const probabilities = logits.map((row) => {
      const total = sum(row.map(Math.exp));
      return row.map((z) => Math.exp(z) / total);
    });
    const result = sftLoss(
      probabilities.map((row, i) => Math.log(row[targets[i]!]!)),
      items,
    );
    expect(result.loss).toBeCloseTo(loss, 6);
    // d logp of the target / d logit is [target] - p.
    expectClose(
      probabilities.map((row, i) =>
        row.map((p, v) => result.dLogp[i]! * (Number(v === targets[i]) - p)),
      ),
      dLogits,
    );
  },
);
