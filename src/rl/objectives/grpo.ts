/**
 * The GRPO loss and its derivative with respect to each token's log-prob, on the host in float64:
 * the trainer hands the derivative to the GPU's backward pass, and the page's stepper shows these
 * same numbers. Definitions follow TRL's GRPOTrainer (`_compute_loss`).
 */

export type LossType = 'grpo' | 'bnpo' | 'dr_grpo' | 'dapo';

export interface GrpoOptions {
  /** Clip range below and above 1 of the ratio pi / pi_old. */
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
 * divergence"), averaged as `lossType` says.
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
    // Under one ratio per completion each token's log-prob moves it by 1 / length.
    const share = options.importanceSamplingLevel === 'sequence' ? 1 / length : 1;
    let policyGradient = 0;
    for (let t = 0; t < length; t++) {
      const { loss, dRatio, clipped } = clippedTerm(ratios[t]!, terms.advantage, options);
      result.loss += weight * loss;
      if (options.importanceSamplingLevel === 'sequence') {
        policyGradient += weight * dRatio * ratios[t]! * share;
      } else gradient[t]! += weight * dRatio * ratios[t]!;
      if (clipped === 'low') result.clippedLow++;
      if (clipped === 'high') result.clippedHigh++;
    }
    if (policyGradient !== 0) for (let t = 0; t < length; t++) gradient[t]! += policyGradient;
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

function clippedTerm(
  ratio: number,
  advantage: number,
  options: GrpoOptions,
): { loss: number; dRatio: number; clipped: 'low' | 'high' | undefined } {
  const bounded = options.delta !== undefined && ratio > options.delta;
  const free = (bounded ? (options.delta as number) : ratio) * advantage;
  const low = 1 - options.epsilon;
  const high = 1 + options.epsilonHigh;
  const clipped = Math.min(Math.max(ratio, low), high) * advantage;
  // The smaller one counts; it is flat where its own bound is active.
  const flat = clipped < free ? ratio < low || ratio > high : bounded;
  return {
    loss: -Math.min(free, clipped),
    dRatio: flat ? 0 : -advantage,
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
