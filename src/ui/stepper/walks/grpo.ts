/** GRPO: rewards, minus the mean, over the std, ratio and clip, token losses, the update. */
import { advantages } from '../../../rl/objectives/advantages.ts';
import { grpoLoss, type GrpoOptions, type LossType } from '../../../rl/objectives/grpo.ts';
import type { Group } from '../../../rl/report.ts';
import { formatNumber } from '../../format.ts';
import { letter } from '../../group/letters.ts';
import type { UpdateOptions } from '../update-options.ts';
import { closedThoughts, noGradientStep, ratioStep, rewardsStep, updateStep } from './shared.ts';
import { largest, sliderFor, type Choices, type Step } from './step.ts';

/** Losses without a flat part: cispo bounds ratios, the others flatten smoothly. */
const CLIPLESS: readonly LossType[] = ['cispo', 'sapo', 'vespo'];

export function grpoWalk(
  group: Group,
  options: UpdateOptions,
  choices: Choices,
  heldOut: boolean,
): Step[] {
  const first = rewardsStep(group);
  if (group.std < 1e-8) return [first, noGradientStep(group)];
  const scaled = groupAdvantages(group, choices.scale);
  return [
    first,
    centreStep(group),
    scaleStep(group, scaled, choices.scale),
    ...(CLIPLESS.includes(options.grpo.lossType)
      ? []
      : [clipStep(group, options, scaled, choices.sample)]),
    lossStep(group, options, scaled, choices.sample),
    updateStep(group, scaled, heldOut),
  ];
}

/** From the training code; a batch's standard deviation is not known here, only its advantages. */
export function groupAdvantages({ samples }: Group, scale: Choices['scale']): number[] {
  if (scale === 'batch') return samples.map(({ advantage }) => advantage);
  return advantages([samples.map(({ reward }) => reward)], scale)[0]!;
}

function centreStep({ samples, mean }: Group): Step {
  const centred = samples.map(({ reward }) => reward - mean);
  const above = centred.filter((value) => value > 0).length;
  const positive = samples.filter(({ reward }) => reward > 0).length;
  const best = largest(centred).length;
  // Two choices that mean the same tries would both be right, or both wrong.
  const rivals = [
    ...(positive > best && positive < samples.length && positive !== above
      ? [`The ${positive} with a reward above zero`]
      : []),
    ...(best === 1 && above > 1 ? ['Only the best one'] : []),
    `All ${samples.length}, a little`,
    'Those with the longest thoughts',
  ].slice(0, 3);
  return {
    title: 'Minus the mean',
    question: {
      kind: 'choice',
      text: 'Which of these tries will become likelier?',
      choices: [...rivals.slice(0, 1), `The ${above} above the mean`, ...rivals.slice(1)],
      answer: 1,
    },
    reveal: `The mean, ${formatNumber(mean)}, is what the model gets on this prompt on average. Tries above it become likelier, tries below it less likely, whatever the sign of the reward.`,
    view: { kind: 'tries', values: centred, caption: 'Reward minus the mean', ofReward: true },
    chapter: 'advantage',
  };
}

function scaleStep({ samples, mean, std }: Group, scaled: number[], scale: Choices['scale']): Step {
  const best = largest(samples.map(({ reward }) => reward))[0]!;
  const distance = samples[best]!.reward - mean;
  const answer = scaled[best]!;
  const divisor =
    scale === 'none'
      ? 'Without the division, as in Dr. GRPO, groups with a larger spread count for more.'
      : scale === 'batch'
        ? 'This run divides by the standard deviation of the whole batch, which is wider than this group.'
        : 'After the division, a group with close rewards counts as much as one with extreme rewards.';
  return {
    title: 'Divided by the spread',
    question: {
      kind: 'guess',
      text: `${letter(best)} is ${formatNumber(distance)} above the mean. The standard deviation of the group is ${formatNumber(std)}. What is the advantage of ${letter(best)}?`,
      ...sliderFor(answer),
      answer,
    },
    reveal: `${formatNumber(answer, 2, true)}. ${divisor}`,
    view: { kind: 'tries', values: scaled, caption: 'Advantage', ofReward: true },
    chapter: 'advantage',
    control: 'scale_rewards',
  };
}

/** -(loss) of one token without its KL: the effect of clipping on a ratio. */
function gain(ratio: number, advantage: number, options: GrpoOptions): number {
  const terms = { advantage, logp: [Math.log(ratio)], oldLogp: [0], active: true };
  return -grpoLoss([terms], { ...options, beta: 0 }, { completions: 1, activeTokens: 1 }).loss;
}

function clipStep(
  { samples }: Group,
  { grpo, iterations }: UpdateOptions,
  scaled: readonly number[],
  sample: number,
): Step {
  const advantage = scaled[sample]!;
  return ratioStep({
    advantage,
    iterations,
    trace: samples[sample]!.trace,
    band: [1 - grpo.epsilon, 1 + grpo.epsilonHigh],
    // Averaging is left out: the curve is of a single token.
    f: (ratio) => gain(ratio, advantage, { ...grpo, lossType: 'dapo' }),
    subject: `a token of ${letter(sample)}`,
  });
}

function lossStep(
  group: Group,
  { grpo }: UpdateOptions,
  scaled: readonly number[],
  sample: number,
): Step {
  const { trace } = group.samples[sample]!;
  const push = scaled[sample]!;
  const name = letter(sample);
  const step = {
    title: 'Token by token',
    question: {
      kind: 'choice',
      text: `The judge never saw the thoughts. Which tokens of ${name} get its advantage?`,
      choices: ['Only those of the response', 'Only the last one', 'All of them, thought included'],
      answer: 2,
    },
    chapter: 'kl',
    control: 'sample',
  } as const satisfies Partial<Step>;
  const start = `All: each token is pushed by the advantage, ${formatNumber(push, 2, true)} (its loss is minus that). So the model learns thoughts that no judge has read.${closedThoughts(group, [sample])}`;
  if (!trace) {
    return {
      ...step,
      reveal: `${start} This step has no numbers for single tokens, so the bar of a try stands for all its tokens.`,
      view: { kind: 'tries', values: scaled, caption: 'Push on each token' },
    };
  }
  const kl = trace.kl ?? trace.logp.map(() => 0);
  const hasKl = grpo.beta > 0 && trace.kl;
  return {
    ...step,
    reveal: `${start} ${
      hasKl
        ? `From this push the update subtracts ${grpo.beta} times the token’s KL, here ${formatNumber(Math.max(...kl), 3)} at most. This keeps the model near its start.`
        : 'This run has no KL penalty.'
    }`,
    view: {
      kind: 'tokens',
      sample,
      values: kl.map((k3) => push - (hasKl ? grpo.beta * k3 : 0)),
      caption: `Push on each token of ${name}: minus its loss`,
    },
  };
}
