/** The losses of published algorithms, to be compared on one group. */
import type { LossType } from '../../rl/objectives/grpo.ts';
import type { Terms } from './what-if.ts';

export interface Variant {
  id: string;
  name: string;
  /** How it differs, in a sentence. */
  note: string;
  lossType: LossType;
  level: Terms['importanceSamplingLevel'];
}

export const VARIANTS: readonly Variant[] = [
  {
    id: 'grpo',
    name: 'GRPO',
    note: 'The mean over a try’s tokens, then over the tries: a token of a short try counts more.',
    lossType: 'grpo',
    level: 'token',
  },
  {
    id: 'dapo',
    name: 'DAPO',
    note: 'The mean over all tokens of the step: each token counts the same, so a long try counts more.',
    lossType: 'dapo',
    level: 'token',
  },
  {
    id: 'dr_grpo',
    name: 'Dr. GRPO',
    note: 'Divides by the longest length that is allowed, for every try: the length changes nothing.',
    lossType: 'dr_grpo',
    level: 'token',
  },
  {
    id: 'bnpo',
    name: 'BNPO',
    note: 'The mean over the tokens of a batch. Ponder’s step is one batch, so it equals DAPO.',
    lossType: 'bnpo',
    level: 'token',
  },
  {
    id: 'gspo',
    name: 'GSPO',
    note: 'One ratio for a whole try, so that all its tokens are clipped together or not at all.',
    lossType: 'grpo',
    level: 'sequence',
  },
  {
    id: 'cispo',
    name: 'CISPO',
    note: 'Limits the ratio but drops no token: each keeps its gradient.',
    lossType: 'cispo',
    level: 'token',
  },
];

/** cispo's epsilon_high is the limit of the ratio itself; 5 is usual. */
const CISPO_LIMIT = 5;

/** The terms with the loss of a variant; `own` are those of the run. */
export function withVariant(terms: Terms, { lossType, level }: Variant, own: Terms): Terms {
  const isLimit = (type: LossType): boolean => type === 'cispo';
  const otherwise = isLimit(lossType) ? CISPO_LIMIT : terms.epsilon;
  const usual = isLimit(lossType) === isLimit(own.lossType) ? own.epsilonHigh : otherwise;
  return {
    ...terms,
    lossType,
    importanceSamplingLevel: level,
    epsilonHigh: isLimit(lossType) === isLimit(terms.lossType) ? terms.epsilonHigh : usual,
  };
}

/** The variant of these terms; undefined if they are of none, such as sapo's. */
export const variantOf = ({ lossType, importanceSamplingLevel }: Terms): Variant | undefined =>
  VARIANTS.find((one) => one.lossType === lossType && one.level === importanceSamplingLevel);
