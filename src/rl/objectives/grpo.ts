/**
 * The GRPO loss and its derivative with respect to each token's log-prob, on the host in float64:
 * the trainer hands the derivative to the GPU's backward pass, and the page's stepper shows these
 * same numbers. Definitions follow TRL's GRPOTrainer (`_compute_loss`).
 */

export type LossType = 'grpo' | 'bnpo' | 'dr_grpo' | 'dapo' | 'cispo';

export interface GrpoOptions {
  /** Clip range below and above 1 of the ratio pi / pi_old; for cispo epsilonHigh is the bound itself. */
  epsilon: number;
  epsilonHigh: number;
  /** Upper bound of the unclipped ratio (INTELLECT-2's two-sided clip); undefined switches it off. */
  delta?: number;
  /** Weight of the KL to the reference policy; 0 needs no reference. */
  beta: number;
  lossType: LossType;
  /** 'sequence' is GSPO (arXiv 2507.18071): one ratio per completion, the geometric mean. */
  importanceSamplingLevel: 'token' | 'sequence';
  /** The divisor of 'dr_grpo'. */
  maxCompletionLength: number;
}

/** One completion's tokens; all arrays have one entry per completion token. */
export interface CompletionTerms {
  advantage: number;
  /** Under the policy being trained. */
  logp: ArrayLike<number>;
  /** Under the policy that wrote it; the same as logp on the first update. */
  oldLogp: ArrayLike<number>;
  /** Under the frozen reference; needed when beta > 0. */
  refLogp?: ArrayLike<number>;
  /** False leaves the whole completion out of the loss (truncated ones, if so configured). */
  active: boolean;
  /** The tokens that the policy's term is about; all where absent. The KL is about all of them. */
  kept?: ArrayLike<boolean>;
}

/** Sizes of the whole optimizer step, of which a micro-batch may be a part. */
export interface BatchTotals {
  completions: number;
  /** Tokens of active completions. */
  activeTokens: number;
}

export interface GrpoResult {
  /** This micro-batch's share of the step's loss. */
  loss: number;
  /** d loss / d logp, one array per completion. */
  dLogp: Float64Array[];
  /** Sums over active tokens, to be divided by their number. */
  klSum: number;
  clippedLow: number;
  clippedHigh: number;
  tokens: number;
}

/**
 * Per token: l = -min(rho A, clip(rho, 1 - eps, 1 + eps_high) A) + beta k3,
 * rho = exp(logp - old), k3 = exp(ref - logp) - (ref - logp) - 1 (Schulman, "Approximating KL
 * divergence"), averaged as `lossType` says. cispo (MiniMax-M1, arXiv 2506.13585, eq. 4) has
 * -sg[min(rho, eps_high)] A logp in place of the first term: no token is without a gradient.
 */
export function grpoLoss(
  completions: readonly CompletionTerms[],
  options: GrpoOptions,
  totals: BatchTotals,
): GrpoResult {
  const result: GrpoResult = {
    loss: 0,
    dLogp: [],
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
    let shared = 0;
    for (let t = 0; t < length; t++) {
      if (terms.kept && !terms.kept[t]) continue;
      const { loss, dLogRatio, dLogp, clipped } =
        options.lossType === 'cispo'
          ? cispoTerm(ratios[t]!, terms.logp[t]!, terms.advantage, options)
          : clippedTerm(ratios[t]!, terms.advantage, options);
      result.loss += weight * loss;
      gradient[t]! += weight * dLogp;
      // Under one ratio per completion each token's log-prob moves it by 1 / length.
      if (options.importanceSamplingLevel === 'sequence') shared += (weight * dLogRatio) / length;
      else gradient[t]! += weight * dLogRatio;
      if (clipped === 'low') result.clippedLow++;
      if (clipped === 'high') result.clippedHigh++;
    }
    if (shared !== 0) for (let t = 0; t < length; t++) gradient[t]! += shared;
    if (options.beta > 0) addKl(terms, options.beta * weight, gradient, result);
    result.tokens += length;
  }
  return result;
}

/** The factor that turns a sum over tokens into the step's mean. */
function tokenWeight(options: GrpoOptions, totals: BatchTotals, length: number): number {
  switch (options.lossType) {
    case 'grpo':
      return 1 / (totals.completions * length);
    case 'dr_grpo':
      return 1 / (totals.completions * options.maxCompletionLength);
    // TRL's bnpo divides by the micro-batch's tokens and dapo by the step's; a step here is one
    // batch however its memory is split, so both mean the step's.
    case 'bnpo':
    case 'dapo':
    case 'cispo':
      return 1 / Math.max(1, totals.activeTokens);
  }
}

function importanceRatios(terms: CompletionTerms, level: 'token' | 'sequence'): Float64Array {
  const length = terms.logp.length;
  const ratios = new Float64Array(length);
  for (let t = 0; t < length; t++) ratios[t] = terms.logp[t]! - terms.oldLogp[t]!;
  if (level === 'sequence') ratios.fill(ratios.reduce((a, b) => a + b, 0) / length);
  return ratios.map(Math.exp);
}

interface PolicyTerm {
  loss: number;
  /** d loss / d log ratio, and what the log-prob does besides. */
  dLogRatio: number;
  dLogp: number;
  clipped: 'low' | 'high' | undefined;
}

function cispoTerm(
  ratio: number,
  logp: number,
  advantage: number,
  { epsilonHigh }: GrpoOptions,
): PolicyTerm {
  const dLogp = -Math.min(ratio, epsilonHigh) * advantage;
  const clipped = ratio > epsilonHigh && advantage > 0 ? 'high' : undefined;
  return { loss: dLogp * logp, dLogRatio: 0, dLogp, clipped };
}

function clippedTerm(ratio: number, advantage: number, options: GrpoOptions): PolicyTerm {
  const bounded = options.delta !== undefined && ratio > options.delta;
  const free = (bounded ? (options.delta as number) : ratio) * advantage;
  const low = 1 - options.epsilon;
  const high = 1 + options.epsilonHigh;
  const clipped = Math.min(Math.max(ratio, low), high) * advantage;
  // The smaller one counts; it is flat where its own bound is active.
  const flat = clipped < free ? ratio < low || ratio > high : bounded;
  return {
    loss: -Math.min(free, clipped),
    dLogRatio: flat ? 0 : -advantage * ratio,
    dLogp: 0,
    clipped:
      ratio < low && advantage < 0 ? 'low' : ratio > high && advantage > 0 ? 'high' : undefined,
  };
}

function addKl(
  terms: CompletionTerms,
  weight: number,
  gradient: Float64Array,
  result: GrpoResult,
): void {
  if (!terms.refLogp) throw new Error('beta > 0 needs the reference log-probs');
  for (let t = 0; t < gradient.length; t++) {
    const difference = terms.refLogp[t]! - terms.logp[t]!;
    const k3 = Math.exp(difference) - difference - 1;
    result.klSum += k3;
    result.loss += weight * k3;
    gradient[t]! += weight * (1 - Math.exp(difference));
  }
}

/**
 * The tokens whose entropy is in the top `share` (Wang et al. 2025, arXiv 2506.01939, sec. 5.1; TRL's
 * `get_high_entropy_mask`): those not below the (1 - share) quantile of `entropy`, which holds the
 * tokens of active completions. The quantile is interpolated linearly, as torch's is.
 */
export function entropyThreshold(entropy: ArrayLike<number>, share: number): number {
  if (entropy.length === 0) return Infinity;
  const sorted = Float64Array.from(entropy).sort();
  const at = (1 - share) * (sorted.length - 1);
  const below = Math.floor(at);
  const next = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return sorted[below]! + (at - below) * (next - sorted[below]!);
}
