/** DPO: the rewards choose a pair; its margin over the reference; the sigmoid; the update. */
import { dpoLoss } from '../../../rl/objectives/dpo.ts';
import type { Group } from '../../../rl/report.ts';
import { formatNumber, formatShare } from '../../format.ts';
import { letter } from '../../group/letters.ts';
import { pairLogps, type Pair } from '../pair-logps.ts';
import type { UpdateOptions } from '../update-options.ts';
import { closedThoughts, noGradientStep, rewardsStep, updateStep } from './shared.ts';
import type { Step } from './step.ts';

export function dpoWalk(group: Group, { grpo: { beta } }: UpdateOptions, heldOut: boolean): Step[] {
  const first = rewardsStep(group);
  const { pair } = group;
  if (!pair) return [first, group.std < 1e-8 ? noGradientStep(group) : noPairStep(group)];
  const steps = [first, pairStep(group, pair)];
  const logps = pairLogps(group, pair);
  if (!logps) {
    const pushes = group.samples.map((_, i) =>
      i === pair.chosen ? beta : i === pair.rejected ? -beta : 0,
    );
    return [...steps, updateStep(group, pushes, heldOut)];
  }
  const result = dpoLoss([logps], beta, 1);
  const pushes = group.samples.map((_, i) =>
    i === pair.chosen ? -result.dChosen[0]! : i === pair.rejected ? -result.dRejected[0]! : 0,
  );
  return [
    ...steps,
    marginStep(group, pair, result.chosenRewards, result.rejectedRewards, beta),
    sigmoidStep(result.chosenRewards - result.rejectedRewards),
    pushStep(group, pair, pushes),
    updateStep(group, pushes, heldOut),
  ];
}

function marks({ chosen, rejected }: Pair): Record<number, string> {
  return { [chosen]: 'chosen', [rejected]: 'rejected' };
}

function noPairStep(group: Group): Step {
  return {
    title: 'No pair, no gradient',
    reveal:
      'DPO compares the best try with the worst, and leaves out tries with a broken form. No two tries with different rewards are left, so there is no gradient here.',
    view: { kind: 'tries', values: group.samples.map(() => 0), caption: 'Push' },
    chapter: 'dpo',
  };
}

function pairStep(group: Group, pair: Pair): Step {
  return {
    title: 'Best against worst',
    question: {
      kind: 'choice',
      text: 'DPO uses only two of these tries. Which two teach it most?',
      choices: ['The two best', 'The best and the worst', 'Two neighbours around the mean'],
      answer: 1,
    },
    reveal: `${letter(pair.chosen)} is chosen, ${letter(pair.rejected)} rejected. Only the order of their rewards counts, not the distance.`,
    view: {
      kind: 'tries',
      values: group.samples.map(({ reward }) => reward),
      caption: 'Reward',
      ofReward: true,
      plain: true,
      marks: marks(pair),
    },
    chapter: 'dpo',
  };
}

function marginStep(group: Group, pair: Pair, better: number, worse: number, beta: number): Step {
  const margin = better - worse;
  return {
    title: 'The margin',
    question: {
      kind: 'choice',
      text: 'Compare a try’s probability now with its probability under the reference, the model before training. Which of the two tries has gained more so far?',
      choices: [
        `${letter(pair.chosen)}, the chosen one`,
        `${letter(pair.rejected)}, the rejected one`,
        'Neither',
      ],
      answer: Math.abs(margin) < 5e-4 ? 2 : margin > 0 ? 0 : 1,
    },
    reveal: `Each bar is beta (${beta}) times the gain in log-prob. The difference of the two is the margin: ${formatNumber(margin, 3, true)}.`,
    view: {
      kind: 'tries',
      values: group.samples.map((_, i) =>
        i === pair.chosen ? better : i === pair.rejected ? worse : null,
      ),
      caption: 'Gain over the reference, times beta',
      marks: marks(pair),
    },
    chapter: 'dpo',
  };
}

/** The loss of a pair by its margin. */
function lossOf(margin: number): number {
  return dpoLoss([{ chosen: margin, rejected: 0, refChosen: 0, refRejected: 0 }], 1, 1).loss;
}

function sigmoidStep(margin: number): Step {
  const sure = 100 / (1 + Math.exp(-margin));
  const reach = Math.max(4, Math.ceil(1.5 * Math.abs(margin)));
  return {
    title: 'How sure it is',
    question: {
      kind: 'guess',
      text: `A sigmoid turns the margin of ${formatNumber(margin, 3, true)} into a probability that the chosen one is better. What is it, in per cent?`,
      min: 0,
      max: 100,
      step: 1,
      answer: sure,
      tolerance: 5,
    },
    reveal: `${formatShare(sure / 100)}. The loss is minus its logarithm, ${formatNumber(lossOf(margin), 3)}: steep where the model is wrong, flat where it is already sure. Move the slider to see.`,
    view: {
      kind: 'curve',
      f: lossOf,
      from: -reach,
      to: reach,
      start: margin,
      points: [margin],
      xLabel: 'margin',
      yLabel: 'loss',
      caption: 'Loss of a pair by its margin',
    },
    chapter: 'dpo',
  };
}

function pushStep(group: Group, pair: Pair, pushes: readonly number[]): Step {
  return {
    title: 'The push',
    question: {
      kind: 'choice',
      text: 'What happens to the other tries of the group?',
      choices: ['Nothing', 'They become a little likelier', 'They become a little less likely'],
      answer: 0,
    },
    reveal: `Nothing: DPO never looks at them. ${letter(pair.chosen)} and ${letter(pair.rejected)} are pushed equally hard in opposite directions, thoughts included.${closedThoughts(group, [pair.chosen, pair.rejected])}`,
    view: {
      kind: 'tries',
      values: pushes,
      caption: 'Push on each token',
      marks: marks(pair),
    },
    chapter: 'dpo',
  };
}
