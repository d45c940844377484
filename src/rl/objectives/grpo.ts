/**
 * The GRPO loss and its derivatives with respect to each token's log-prob and entropy, on the host in
 * float64. The trainer passes the derivatives to the GPU's backward pass, and the page's stepper shows
 * the same numbers. Definitions follow TRL's GRPOTrainer (`_compute_loss`).
 */
import { mean } from '../statistics.ts';
import { k3Estimate, k3Slope } from './functions.ts';
import { policyTerms, type PolicyTermOptions } from './policy-term.ts';

export type { LossType } from './policy-term.ts';

export interface GrpoOptions extends PolicyTermOptions {
  /** Weight of the KL to the reference policy; 0 needs no reference. */
  beta: number;
  /** Multiplies the KL of a token by its ratio, so that its gradient is unbiased (arXiv 2512.02556). */
  useBiasCorrectionKl?: boolean;
  /** Weight of the mean entropy, which is subtracted from the loss; 0 and undefined switch it off. */
  entropyCoef?: number;
  /** 'sequence' is GSPO (arXiv 2507.18071): one ratio per completion, the geometric mean. */
  importanceSamplingLevel: 'token' | 'sequence';
  /** The divisor of 'dr_grpo'. */
  maxCompletionLength: number;
}

/** One completion's tokens; all arrays have one entry per completion token. */
export interface CompletionTerms {
  advantage: number;
  /** Log-probs under the policy being trained. */
  logp: ArrayLike<number>;
  /** Log-probs under the policy that wrote it; the same as logp in the first update. */
  oldLogp: ArrayLike<number>;
  /** Log-probs under the frozen reference; needed when beta > 0. */
  refLogp?: ArrayLike<number>;
  /** Entropy of the policy's distribution for each token; needed when entropyCoef > 0. */
  entropy?: ArrayLike<number>;
  /** false leaves the whole completion out of the loss (mask_truncated_completions, mask_zero_std_groups). */
  active: boolean;
  /** Which tokens have the policy's term and the entropy; all if absent. All tokens have the KL. */
  kept?: ArrayLike<boolean>;
}

/** Sizes of the whole optimizer step, of which a micro-batch may be a part. */
export interface BatchTotals {
  /** Those that averages count: truncated ones too, but not those of groups that are left out. */
  completions: number;
  /** Tokens of active completions. */
  activeTokens: number;
}

export interface GrpoResult {
  /** This micro-batch's share of the step's loss. */
  loss: number;
  /** d loss / d logp, one array per completion. */
  dLogp: Float64Array[];
  /** d loss / d entropy, one array per completion. */
  dEntropy: Float64Array[];
  /** Sum over active tokens, to be divided by their number. */
  klSum: number;
  /** How many ratios of active completions are clipped; those of tokens without the policy's term, too. */
  clippedLow: number;
  clippedHigh: number;
  /** Active tokens. */
  tokens: number;
}

/**
 * Per token: the policy's term (policy-term.ts), a function of rho = exp(logp - old) and the
 * advantage, + beta k3 (functions.ts), averaged as `lossType` says.
 */
export function grpoLoss(
  completions: readonly CompletionTerms[],
  options: GrpoOptions,
  totals: BatchTotals,
): GrpoResult {
  const result: GrpoResult = {
    loss: 0,
    dLogp: [],
    dEntropy: [],
    klSum: 0,
    clippedLow: 0,
    clippedHigh: 0,
    tokens: 0,
  };
  for (const terms of completions) {
    const length = terms.logp.length;
    const gradient = new Float64Array(length);
    result.dLogp.push(gradient);
    if (!terms.active || length === 0) continue;
    const weight = tokenWeight(options, totals, length);
    const ratios = importanceRatios(terms, options.importanceSamplingLevel);
    const termOf = policyTerms(terms, options);
    const dLogRatio = new Float64Array(length);
    for (let t = 0; t < length; t++) {
      const term = termOf(ratios[t]!, t);
      // At the level of the sequence a completion has one ratio.
      if (t === 0 || options.importanceSamplingLevel === 'token') {
        if (term.clipped === 'low') result.clippedLow++;
        if (term.clipped === 'high') result.clippedHigh++;
      }
      if (!isKept(terms, t)) continue;
      result.loss += weight * term.loss;
      gradient[t]! += weight * term.dLogp;
      dLogRatio[t]! += weight * term.dLogRatio;
    }
    if (options.beta > 0) {
      const factors = options.useBiasCorrectionKl ? ratios : undefined;
      addKl(terms, options.beta * weight, factors, { gradient, dLogRatio }, result);
    }
    // With one ratio per completion, each token's log-prob changes it by 1 / length.
    if (options.importanceSamplingLevel === 'sequence') dLogRatio.fill(mean(dLogRatio));
    for (let t = 0; t < length; t++) gradient[t]! += dLogRatio[t]!;
    result.tokens += length;
  }
  addEntropy(completions, options.entropyCoef ?? 0, totals, result);
  return result;
}

const isKept = ({ kept }: CompletionTerms, t: number): boolean => !kept || kept[t]!;

/** The factor that turns a sum over tokens into the step's mean. */
export function tokenWeight(options: GrpoOptions, totals: BatchTotals, length: number): number {
  switch (options.lossType) {
    case 'grpo':
    case 'sapo':
      return 1 / (totals.completions * length);
    case 'dr_grpo':
      return 1 / (totals.completions * options.maxCompletionLength);
    // Longer completions count for more (LUSPO, arXiv 2602.05261).
    case 'luspo':
      return 1 / totals.completions;
    // TRL's bnpo divides by the micro-batch's tokens and dapo by the step's. Here a step is one batch,
    // whatever parts it is computed in, so both divide by the step's tokens.
    case 'bnpo':
    case 'dapo':
    case 'cispo':
    case 'vespo':
      return 1 / Math.max(1, totals.activeTokens);
  }
}

/** rho of each token; at the level of the sequence all tokens have the same. */
export function importanceRatios(
  terms: Pick<CompletionTerms, 'logp' | 'oldLogp'>,
  level: 'token' | 'sequence',
): Float64Array {
  const length = terms.logp.length;
  const ratios = new Float64Array(length);
  for (let t = 0; t < length; t++) ratios[t] = terms.logp[t]! - terms.oldLogp[t]!;
  if (level === 'sequence') ratios.fill(ratios.reduce((a, b) => a + b, 0) / length);
  return ratios.map(Math.exp);
}

function addKl(
  terms: CompletionTerms,
  weight: number,
  factors: Float64Array | undefined,
  { gradient, dLogRatio }: { gradient: Float64Array; dLogRatio: Float64Array },
  result: GrpoResult,
): void {
  if (!terms.refLogp) throw new Error('beta > 0 needs the reference log-probs');
  for (let t = 0; t < gradient.length; t++) {
    const [logp, refLogp] = [terms.logp[t]!, terms.refLogp[t]!];
    const factor = factors?.[t] ?? 1;
    const kl = factor * k3Estimate(logp, refLogp);
    result.klSum += kl;
    result.loss += weight * kl;
    gradient[t]! += weight * factor * k3Slope(logp, refLogp);
    if (factors) dLogRatio[t]! += weight * kl;
  }
}

/**
 * -coefficient H for every loss type, where H is the mean entropy of the kept tokens. The kept tokens
 * are known for this micro-batch only, so its mean counts by its share of the step's active tokens.
 */
function addEntropy(
  completions: readonly CompletionTerms[],
  coefficient: number,
  totals: BatchTotals,
  result: GrpoResult,
): void {
  result.dEntropy = completions.map(({ logp }) => new Float64Array(logp.length));
  if (coefficient === 0) return;
  const used = completions.map((terms) =>
    Array.from(terms.logp, (_, t) => terms.active && isKept(terms, t)),
  );
  const kept = used.flat().filter(Boolean).length;
  const weight = (-coefficient * result.tokens) / kept / totals.activeTokens;
  completions.forEach(({ entropy }, i) => {
    if (!entropy) throw new Error('entropy_coef > 0 needs the entropies');
    used[i]!.forEach((counts, t) => {
      if (!counts) return;
      result.loss += weight * entropy[t]!;
      result.dEntropy[i]![t] = weight;
    });
  });
}

/**
 * The threshold of the top `share` of tokens by entropy (Wang et al. 2025, arXiv 2506.01939, sec. 5.1;
 * TRL's `get_high_entropy_mask`): the (1 - share) quantile of `entropy`, which has the tokens of active
 * completions. The quantile is interpolated linearly, as in torch.
 */
export function entropyThreshold(entropy: ArrayLike<number>, share: number): number {
  if (entropy.length === 0) return Infinity;
  const sorted = Float64Array.from(entropy).sort();
  const at = (1 - share) * (sorted.length - 1);
  const below = Math.floor(at);
  const next = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return sorted[below]! + (at - below) * (next - sorted[below]!);
}
