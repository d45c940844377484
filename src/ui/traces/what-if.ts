/**
 * What an update does to one group, under the run's terms or others: every number comes from the
 * training code (rl/objectives). The group counts as the whole batch.
 */
import {
  entropyThreshold,
  grpoLoss,
  importanceRatios,
  tokenWeight,
  type CompletionTerms,
  type GrpoOptions,
} from '../../rl/objectives/grpo.ts';
import { k3Estimate, k3Slope } from '../../rl/objectives/functions.ts';
import { policyTerms } from '../../rl/objectives/policy-term.ts';
import type { Group, Sample, TokenTrace } from '../../rl/report.ts';
import type { UpdateOptions } from '../stepper/update-options.ts';
import type { Choices } from '../stepper/walks/step.ts';
import { groupAdvantages } from '../stepper/walks/grpo.ts';
import { drawnGroup } from './traced.ts';

/** What the visitor may change. */
export interface Terms extends GrpoOptions {
  scale: Choices['scale'];
  mask: UpdateOptions['mask'];
  /**
   * The update after this one, on the same tries: their probabilities have moved, so the ratios are no
   * longer 1. It needs log-probs from after the update.
   */
  second: boolean;
}

/** One token on its way from the reward to the gradient. */
export interface TokenNumbers {
  ratio: number;
  advantage: number;
  /** Side on which the ratio is clipped. */
  clipped: 'low' | 'high' | undefined;
  /** k3 to the reference and its slope by the log-prob; 0 without a reference. */
  kl: number;
  klSlope: number;
  /** false if the loss leaves the token's term out. */
  kept: boolean;
  /** What the sum over tokens is multiplied by. */
  weight: number;
  /** The update pushes the log-prob by this: minus d loss / d logp. */
  push: number;
}

export interface GroupUpdate {
  /** One per try. */
  advantages: number[];
  tokens: TokenNumbers[][];
  /** The sum over the tokens of a try. */
  pushes: number[];
  loss: number;
}

type Traced = Sample & { trace: TokenTrace };

export const isWhole = ({ samples }: Group): boolean =>
  samples.every(({ trace }) => trace && trace.text.length > 0);

export const hasReference = ({ samples }: Group): boolean =>
  samples.every(({ trace }) => trace?.ref);

export const hasAfter = ({ samples }: Group): boolean => samples.every(({ trace }) => trace?.after);

/** The terms that the run was trained with. */
export const ownTerms = (options: UpdateOptions): Terms => ({
  ...options.grpo,
  scale: options.scaleRewards,
  mask: options.mask,
  second: false,
});

/** @param group with traces of every try */
export function updateOf(group: Group, terms: Terms): GroupUpdate {
  const samples = drawnGroup(group).samples as Traced[];
  const advantages = groupAdvantages(group, terms.scale);
  // Without log-probs of the reference, its KL cannot be computed.
  const options = { ...terms, beta: hasReference(group) ? terms.beta : 0 };
  const completions = samples.map((sample, i) => completionOf(sample, advantages[i]!, terms));
  const kept = keptTokens(samples, completions, terms.mask.topEntropy);
  const masked = completions.map((completion, i) => ({ ...completion, kept: kept[i]! }));
  const totals = {
    completions: samples.length,
    activeTokens: masked.reduce((sum, { active, logp }) => sum + (active ? logp.length : 0), 0),
  };
  const { dLogp, loss } = grpoLoss(masked, options, totals);
  const tokens = masked.map((completion, i) => {
    const { logp, refLogp, active, advantage } = completion;
    const ratios = importanceRatios(completion, options.importanceSamplingLevel);
    const termOf = policyTerms(completion, options);
    const weight = tokenWeight(options, totals, logp.length);
    const numbers = Array.from(logp, (value, t): TokenNumbers => {
      const ref = refLogp?.[t];
      return {
        ratio: ratios[t]!,
        advantage,
        clipped: termOf(ratios[t]!, t).clipped,
        kl: ref === undefined ? 0 : k3Estimate(value, ref),
        klSlope: ref === undefined ? 0 : k3Slope(value, ref),
        kept: active && kept[i]![t]!,
        weight,
        push: -dLogp[i]![t]! || 0,
      };
    });
    const [start, end] = group.samples[i]!.trace!.forced ?? [0, 0];
    const none = { ...NO_PART, advantage, weight };
    numbers.splice(start, 0, ...Array.from({ length: end - start }, () => none));
    return numbers;
  });
  return { advantages, tokens, pushes: tokens.map(sumOf), loss };
}

/** A token that the policy did not choose. */
const NO_PART = { ratio: 1, clipped: undefined, kl: 0, klSlope: 0, kept: false, push: 0 };

const sumOf = (tokens: readonly TokenNumbers[]): number =>
  tokens.reduce((sum, { push }) => sum + push, 0);

function completionOf(
  { trace, truncated }: Traced,
  advantage: number,
  { second, mask }: Terms,
): CompletionTerms {
  return {
    advantage,
    logp: (second && trace.after) || trace.logp,
    oldLogp: trace.logp,
    ...(trace.ref && { refLogp: trace.ref }),
    active: !(truncated && mask.truncated),
  };
}

function keptTokens(
  samples: readonly Traced[],
  completions: readonly CompletionTerms[],
  share: number,
): boolean[][] {
  const active = samples.filter((_, i) => completions[i]!.active);
  const threshold =
    share < 1
      ? entropyThreshold(
          active.flatMap(({ trace }) => [...trace.entropy]),
          share,
        )
      : -1;
  return samples.map(({ trace }) => trace.entropy.map((entropy) => entropy >= threshold));
}
