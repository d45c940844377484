/**
 * PPO (Schulman et al. 2017, arXiv 1707.06347) on completions: every token is an action, and its state
 * is all the text before it. Per-token rewards, advantages by GAE, and the two losses with their
 * derivatives, on the host in float64. Definitions follow TRL's experimental PPOTrainer (`train`), with
 * one difference: here an episode ends with its stop token, while TRL adds one more state after it if
 * the padding has room.
 */
import { mean } from '../statistics.ts';
import { clamp, k1Estimate, k3Estimate, k3Slope } from './functions.ts';

export interface PpoRewardOptions {
  /** Weight of the KL to the reference policy; 0 needs no reference. */
  klCoef: number;
  /** Of each token: functions.ts. */
  klEstimator: 'k1' | 'k3';
  /** Whether the penalty is part of the reward, as in TRL, or of the loss, as in GRPO. */
  klIn: 'reward' | 'loss';
  /** Amount subtracted from the score of a completion that was cut off. */
  missingEosPenalty?: number;
  whitenRewards: boolean;
  gamma: number;
  /** GAE's lambda. */
  lam: number;
}

/** One completion before any update, with its score; arrays have one entry per token. */
export interface Episode {
  /** Log-probs under the policy that wrote it. */
  logp: ArrayLike<number>;
  /** Log-probs under the frozen reference; needed when klCoef > 0. */
  refLogp?: ArrayLike<number>;
  /** Values of the state before each token. */
  values: ArrayLike<number>;
  score: number;
  /** Whether a stop token ended it. */
  finished: boolean;
}

/** The targets of the updates, one entry per token. */
export interface EpisodeTargets {
  /** KL penalties at every token, plus the score at the last one. */
  tokenRewards: Float64Array;
  /** Whitened over all tokens of the batch. */
  advantages: Float64Array;
  /** The targets of the values. */
  returns: Float64Array;
  /** KL estimate of each token; zero without a reference. */
  kl: Float64Array;
  /** The score after the penalty for a missing stop token. */
  score: number;
}

/** Rewards, advantages and returns of a whole batch; whitening is over all its tokens. */
export function episodeTargets(
  episodes: readonly Episode[],
  options: PpoRewardOptions,
): EpisodeTargets[] {
  const judged = episodes.map((episode) => {
    const { missingEosPenalty = 0 } = options;
    const score = episode.score - (episode.finished ? 0 : missingEosPenalty);
    const kl = tokenKl(episode, options);
    const penalty = options.klIn === 'reward' ? options.klCoef : 0;
    const tokenRewards = kl.map((value) => -penalty * value);
    if (tokenRewards.length > 0) tokenRewards[tokenRewards.length - 1]! += score;
    return { tokenRewards, kl, score };
  });
  const plain = judged.map((one) => one.tokenRewards);
  const used = options.whitenRewards ? whiten(plain, false) : plain;
  const estimates = episodes.map(({ values }, i) =>
    generalizedAdvantages(used[i]!, values, options.gamma, options.lam),
  );
  const advantages = whiten(estimates, true);
  return judged.map(({ kl, score }, i) => ({
    tokenRewards: used[i]!,
    advantages: advantages[i]!,
    returns: estimates[i]!.map((advantage, t) => advantage + episodes[i]!.values[t]!),
    kl,
    score,
  }));
}

function tokenKl({ logp, refLogp }: Episode, options: PpoRewardOptions): Float64Array {
  const kl = new Float64Array(logp.length);
  if (options.klCoef === 0) return kl;
  if (!refLogp) throw new Error('kl_coef > 0 needs the reference log-probs');
  const estimate = options.klEstimator === 'k1' ? k1Estimate : k3Estimate;
  return kl.map((_, t) => estimate(logp[t]!, refLogp[t]!));
}

/**
 * A_t = sum over l of (gamma lam)^l delta_(t+l), delta_t = r_t + gamma V_(t+1) - V_t, V zero after
 * the last token (Schulman et al. 2015, arXiv 1506.02438, eq. 16).
 */
export function generalizedAdvantages(
  tokenRewards: ArrayLike<number>,
  values: ArrayLike<number>,
  gamma: number,
  lam: number,
): Float64Array {
  const advantages = new Float64Array(tokenRewards.length);
  let following = 0;
  for (let t = tokenRewards.length - 1; t >= 0; t--) {
    const delta = tokenRewards[t]! + gamma * (values[t + 1] ?? 0) - values[t]!;
    following = delta + gamma * lam * following;
    advantages[t] = following;
  }
  return advantages;
}

/**
 * (x - mean) / sqrt(variance + 1e-8) over all entries of all rows, with n - 1 in the variance; without
 * `shiftMean` the mean is added again (TRL's `masked_whiten`).
 */
export function whiten(rows: readonly Float64Array[], shiftMean: boolean): Float64Array[] {
  const all = rows.flatMap((row) => [...row]);
  const centre = mean(all);
  const squares = all.reduce((sum, x) => sum + (x - centre) ** 2, 0);
  const scale = 1 / Math.sqrt(squares / Math.max(1, all.length - 1) + 1e-8);
  return rows.map((row) => row.map((x) => (x - centre) * scale + (shiftMean ? 0 : centre)));
}

interface PpoLossOptions {
  /** Clip range around 1 of the ratio pi / pi_old. */
  cliprange: number;
  /** How far a value may move from its value before the updates. */
  cliprangeValue: number;
  /** Weight of k3 to the reference in the policy's loss; 0 if the KL is in the reward. */
  klCoef: number;
}

/** The tokens of one completion under the policy and the value model being trained. */
export interface PpoTerms {
  logp: ArrayLike<number>;
  oldLogp: ArrayLike<number>;
  refLogp?: ArrayLike<number>;
  values: ArrayLike<number>;
  oldValues: ArrayLike<number>;
  advantages: ArrayLike<number>;
  returns: ArrayLike<number>;
}

export interface PpoResult {
  /** This micro-batch's share of the mini-batch's losses; the value loss before vf_coef. */
  policyLoss: number;
  valueLoss: number;
  /** d policy loss / d logp and d value loss / d value, one array per completion. */
  dLogp: Float64Array[];
  dValues: Float64Array[];
  /** Sums over tokens, to be divided by their number. */
  klSum: number;
  /** Sum of (logp - old)^2 / 2, the k2 estimate of the KL of the update. */
  approxKlSum: number;
  clipped: number;
  valuesClipped: number;
}

/**
 * Policy: max(-rho A, -clip(rho, 1 - c, 1 + c) A), rho = exp(logp - old). Value: half the larger of
 * (V - R)^2 and (V_old + clip(V - V_old, -c_v, c_v) - R)^2. Both are means over the `tokens` of the
 * mini-batch; these completions may be only a part of it.
 */
export function ppoLoss(
  completions: readonly PpoTerms[],
  options: PpoLossOptions,
  tokens: number,
): PpoResult {
  const result: PpoResult = {
    policyLoss: 0,
    valueLoss: 0,
    dLogp: [],
    dValues: [],
    klSum: 0,
    approxKlSum: 0,
    clipped: 0,
    valuesClipped: 0,
  };
  for (const terms of completions) {
    const dLogp = new Float64Array(terms.logp.length);
    const dValues = new Float64Array(terms.logp.length);
    for (let t = 0; t < dLogp.length; t++) {
      addPolicyTerm(terms, t, options, tokens, dLogp, result);
      addValueTerm(terms, t, options.cliprangeValue, tokens, dValues, result);
    }
    result.dLogp.push(dLogp);
    result.dValues.push(dValues);
  }
  return result;
}

function addPolicyTerm(
  { logp, oldLogp, refLogp, advantages }: PpoTerms,
  t: number,
  { cliprange, klCoef }: PpoLossOptions,
  tokens: number,
  gradient: Float64Array,
  result: PpoResult,
): void {
  const moved = logp[t]! - oldLogp[t]!;
  const ratio = Math.exp(moved);
  const free = -advantages[t]! * ratio;
  const bounded = -advantages[t]! * clamp(ratio, 1 - cliprange, 1 + cliprange);
  // If the clipped term is the larger one, its bound is active and its gradient is zero.
  const flat = bounded > free;
  result.policyLoss += Math.max(free, bounded) / tokens;
  gradient[t] = flat ? 0 : free / tokens;
  if (flat) result.clipped++;
  result.approxKlSum += moved ** 2 / 2;
  if (klCoef === 0) return;
  if (!refLogp) throw new Error('kl_coef > 0 needs the reference log-probs');
  const kl = k3Estimate(logp[t]!, refLogp[t]!);
  result.klSum += kl;
  result.policyLoss += (klCoef * kl) / tokens;
  gradient[t] += (klCoef * k3Slope(logp[t]!, refLogp[t]!)) / tokens;
}

function addValueTerm(
  { values, oldValues, returns }: PpoTerms,
  t: number,
  range: number,
  tokens: number,
  gradient: Float64Array,
  result: PpoResult,
): void {
  const old = oldValues[t]!;
  const near = clamp(values[t]!, old - range, old + range);
  const free = (values[t]! - returns[t]!) ** 2;
  const bounded = (near - returns[t]!) ** 2;
  const flat = bounded > free;
  result.valueLoss += Math.max(free, bounded) / 2 / tokens;
  gradient[t] = flat ? 0 : (values[t]! - returns[t]!) / tokens;
  if (flat) result.valuesClipped++;
}
