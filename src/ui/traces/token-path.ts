/** The way of one token from the reward of its try to the gradient, in steps with their numbers. */
import { clamp } from '../../rl/objectives/functions.ts';
import type { LossType } from '../../rl/objectives/grpo.ts';
import type { Group, Sample } from '../../rl/report.ts';
import { formatCompact, formatNumber } from '../format.ts';
import { isForced } from './traced.ts';
import type { GroupUpdate, Terms, TokenNumbers } from './what-if.ts';

interface PathStep {
  name: string;
  value: string;
  why: string;
}

/** A formula of learn/formulas with the numbers of the token. */
interface FilledFormula {
  name: string;
  values: Readonly<Record<string, string>>;
}

const signed = (value: number, digits = 2): string => formatNumber(value, digits, true);
/** After a sign or a dot, a negative number stands in brackets. */
const bracketed = (value: number, digits = 2): string =>
  value < 0 ? `(${formatNumber(value, digits)})` : formatNumber(value, digits);

export function pathOf(
  { samples, mean, std }: Group,
  { tokens }: GroupUpdate,
  terms: Terms,
  [sample, token]: readonly [number, number],
): PathStep[] {
  const numbers = tokens[sample]![token]!;
  const { reward } = samples[sample]!;
  const { ratio, advantage, kl, kept, weight, push } = numbers;
  return [
    { name: 'Reward', value: formatNumber(reward), why: 'the judge’s score of the response' },
    {
      name: 'Minus the mean',
      value: signed(reward - mean),
      why: `the group’s mean is ${formatNumber(mean)}`,
    },
    {
      name: 'Advantage',
      value: signed(advantage),
      why: {
        group: `divided by the group’s standard deviation, ${formatNumber(std)}`,
        batch: 'divided by the standard deviation of the batch',
        none: 'not divided',
      }[terms.scale],
    },
    { name: 'Ratio', value: formatNumber(ratio, 3), why: ratioReason(terms) },
    { name: 'Clip', ...clipOf(numbers, terms) },
    {
      name: 'KL',
      value: formatNumber(kl, 3),
      why:
        terms.beta > 0
          ? `β = ${formatCompact(terms.beta)} times its slope is subtracted`
          : 'β is 0',
    },
    {
      name: 'Mask',
      value: kept ? '1' : '0',
      why: kept ? 'this token counts' : leftOut(samples[sample]!, token),
    },
    { name: 'Normaliser', value: formatCompact(weight), why: NORMALISERS[terms.lossType] },
    {
      name: 'Push',
      value: signed(push, 5),
      why:
        push === 0
          ? 'minus the gradient: nothing changes'
          : `minus the gradient: the token becomes ${push > 0 ? 'likelier' : 'less likely'}`,
    },
  ];
}

const leftOut = ({ trace }: Sample, t: number): string =>
  trace && isForced(trace, t)
    ? 'it was written for the model, to end the thought'
    : 'this token is left out';

function ratioReason({ importanceSamplingLevel, second }: Terms): string {
  if (!second) return 'nothing has been trained since it was written';
  return importanceSamplingLevel === 'sequence'
    ? 'the mean change over all tokens of the try'
    : 'its probability now, divided by its probability when it was written';
}

function clipOf(
  { clipped, ratio }: TokenNumbers,
  { lossType, epsilon, epsilonHigh }: Terms,
): Omit<PathStep, 'name'> {
  if (lossType === 'sapo' || lossType === 'vespo')
    return { value: '–', why: `${lossType} uses smooth weights instead` };
  if (lossType === 'cispo') {
    const limit = formatCompact(epsilonHigh);
    return { value: formatNumber(Math.min(ratio, epsilonHigh), 3), why: `limited to ${limit}` };
  }
  const range = `${formatNumber(1 - epsilon, 3)} to ${formatNumber(1 + epsilonHigh, 3)}`;
  if (!clipped) return { value: 'no', why: `the range is ${range}` };
  return {
    value: 'yes',
    why: `the ratio is ${clipped === 'high' ? 'above' : 'below'} the range ${range}`,
  };
}

const NORMALISERS: Readonly<Record<LossType, string>> = {
  grpo: '1 / (tries × tokens of this try)',
  sapo: '1 / (tries × tokens of this try)',
  dr_grpo: '1 / (tries × longest length allowed)',
  luspo: '1 / tries',
  bnpo: '1 / tokens of the group',
  dapo: '1 / tokens of the group',
  cispo: '1 / tokens of the group',
  vespo: '1 / tokens of the group',
};

/** The token's loss, where it has a short formula, and its gradient. */
export function formulasOf(numbers: TokenNumbers, logp: number, terms: Terms): FilledFormula[] {
  const { ratio, advantage, kl, klSlope, kept, weight, push } = numbers;
  const shared = { advantage: bracketed(advantage), beta: formatCompact(terms.beta) };
  const loss = { ...shared, ratio: formatNumber(ratio, 3), kl: formatNumber(kl, 3) };
  const gradient: FilledFormula = {
    name: 'token-push-values',
    values: {
      beta: shared.beta,
      mask: kept ? '1' : '0',
      weight: formatCompact(weight),
      // Of the policy's term alone.
      slope: formatNumber(push / weight + terms.beta * klSlope, 3),
      klslope: bracketed(klSlope, 3),
      push: signed(push, 5),
    },
  };
  const { lossType, epsilon, epsilonHigh } = terms;
  if (lossType === 'sapo' || lossType === 'vespo') return [gradient];
  if (lossType === 'cispo') {
    const values = { ...loss, limit: formatCompact(epsilonHigh), logp: bracketed(logp) };
    return [{ name: 'token-cispo-values', values }, gradient];
  }
  const clipped = clamp(ratio, 1 - epsilon, 1 + epsilonHigh);
  const values = { ...loss, clipped: formatNumber(clipped, 3) };
  return [{ name: 'token-loss-values', values }, gradient];
}
