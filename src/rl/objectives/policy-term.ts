/**
 * The term of one token in GRPO's loss by `loss_type`, before averaging and without the KL, and its
 * derivatives. Definitions follow TRL's GRPOTrainer (`_compute_loss`); rho is the probability ratio of
 * the token, or of its completion, and A the advantage:
 * - grpo, bnpo, dr_grpo, dapo, luspo: -min(min(rho, delta) A, clip(rho, 1 - eps, 1 + eps_high) A)
 * - cispo: -sg[min(rho, eps_high)] A logp (MiniMax-M1, arXiv 2506.13585, eq. 4): every token keeps a gradient
 * - sapo: -4 / tau sigmoid(tau (rho - 1)) A, tau by the sign of A (arXiv 2511.20347)
 * - vespo: -sg[phi(w)] A logp, phi(w) = w^k exp(lambda (1 - w)), w the product of all the
 *   completion's token ratios, k and lambda by the sign of A (arXiv 2602.10693)
 */
import { clamp } from './functions.ts';

export type LossType = 'grpo' | 'bnpo' | 'dr_grpo' | 'dapo' | 'cispo' | 'sapo' | 'luspo' | 'vespo';

export interface PolicyTermOptions {
  lossType: LossType;
  /** Clip range of the ratio pi / pi_old below and above 1; for cispo epsilonHigh is the bound itself. */
  epsilon: number;
  epsilonHigh: number;
  /** Upper bound of the unclipped ratio (INTELLECT-2's two-sided clip); undefined switches it off. */
  delta?: number;
  /** sapo's tau for positive advantages and for others. */
  sapoTemperature?: { pos: number; neg: number };
  /** vespo's k and lambda for advantages that are not negative, and for negative ones. */
  vespo?: { pos: GammaShape; neg: GammaShape };
}

interface GammaShape {
  k: number;
  lambda: number;
}

interface PolicyTerm {
  loss: number;
  /** d loss / d log rho, and the derivative by logp where it appears outside rho. */
  dLogRatio: number;
  dLogp: number;
  clipped: 'low' | 'high' | undefined;
}

interface Completion {
  advantage: number;
  logp: ArrayLike<number>;
  oldLogp: ArrayLike<number>;
}

/** The terms of a completion's tokens, given the ratio and the index of each. */
export function policyTerms(
  completion: Completion,
  options: PolicyTermOptions,
): (ratio: number, t: number) => PolicyTerm {
  const { advantage, logp } = completion;
  switch (options.lossType) {
    case 'cispo':
      return (ratio, t) => ({
        ...weightedTerm(Math.min(ratio, options.epsilonHigh), advantage, logp[t]!),
        clipped: ratio > options.epsilonHigh && advantage > 0 ? 'high' : undefined,
      });
    case 'sapo': {
      if (!options.sapoTemperature) throw new Error('sapo needs its temperatures');
      const { pos, neg } = options.sapoTemperature;
      const temperature = advantage > 0 ? pos : neg;
      return (ratio) => gatedTerm(ratio, advantage, temperature);
    }
    case 'vespo': {
      if (!options.vespo) throw new Error('vespo needs its k and lambda');
      const shape = advantage >= 0 ? options.vespo.pos : options.vespo.neg;
      const weight = gammaWeight(completion, shape);
      return (_, t) => weightedTerm(weight, advantage, logp[t]!);
    }
    case 'grpo':
    case 'bnpo':
    case 'dr_grpo':
    case 'dapo':
    case 'luspo':
      return (ratio) => clippedTerm(ratio, advantage, options);
  }
}

/** -weight A logp, where the weight is a constant. */
function weightedTerm(weight: number, advantage: number, logp: number): PolicyTerm {
  const dLogp = -weight * advantage;
  return { loss: dLogp * logp, dLogRatio: 0, dLogp, clipped: undefined };
}

function gatedTerm(ratio: number, advantage: number, temperature: number): PolicyTerm {
  const gate = 1 / (1 + Math.exp(-temperature * (ratio - 1)));
  return {
    loss: (-4 / temperature) * gate * advantage,
    dLogRatio: -4 * gate * (1 - gate) * ratio * advantage,
    dLogp: 0,
    clipped: undefined,
  };
}

/** phi(w), with TRL's bounds on the logarithms; a weight that overflows counts as 0. */
function gammaWeight({ logp, oldLogp }: Completion, { k, lambda }: GammaShape): number {
  let sum = 0;
  for (let t = 0; t < logp.length; t++) sum += clamp(logp[t]! - oldLogp[t]!, -20, 20);
  const logW = clamp(sum, Math.log(1e-8), 20);
  const weight = Math.exp(lambda + k * logW - lambda * Math.exp(logW));
  return Number.isFinite(weight) ? weight : 0;
}

function clippedTerm(ratio: number, advantage: number, options: PolicyTermOptions): PolicyTerm {
  const bounded = options.delta !== undefined && ratio > options.delta;
  const free = (bounded ? (options.delta as number) : ratio) * advantage;
  const low = 1 - options.epsilon;
  const high = 1 + options.epsilonHigh;
  const clipped = clamp(ratio, low, high) * advantage;
  // The smaller one counts; its gradient is zero where its own bound is active.
  const flat = clipped < free ? ratio < low || ratio > high : bounded;
  return {
    loss: -Math.min(free, clipped),
    dLogRatio: flat ? 0 : -advantage * ratio,
    dLogp: 0,
    clipped:
      ratio < low && advantage < 0 ? 'low' : ratio > high && advantage > 0 ? 'high' : undefined,
  };
}
