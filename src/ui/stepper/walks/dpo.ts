/** DPO: the rewards choose a pair; its margin over the reference; the sigmoid; the update. */
import { dpoLoss } from '../../../rl/objectives/dpo.ts';
import type { Group, TokenTrace } from '../../../rl/report.ts';
import { formatNumber, formatShare } from '../../format.ts';
import { letter } from '../../group/letters.ts';
import type { UpdateOptions } from '../update-options.ts';
import { noGradientStep, rewardsStep, updateStep } from './shared.ts';
import type { Step } from './step.ts';

export function dpoWalk(group: Group, { grpo: { beta } }: UpdateOptions): Step[] {
  const first = rewardsStep(group);
  const { pair } = group;
  if (!pair) return [first, group.std < 1e-8 ? noGradientStep(group) : noPairStep(group)];
  const steps = [first, pairStep(group, pair)];
  const logps = pairLogps(group, pair);
  if (!logps) {
    const pushes = group.samples.map((_, i) =>
      i === pair.chosen ? beta : i === pair.rejected ? -beta : 0,
    );
    return [...steps, updateStep(group, pushes)];
  }
  const result = dpoLoss([logps], beta, 1);
  const pushes = group.samples.map((_, i) =>
    i === pair.chosen ? -result.dChosen[0]! : i === pair.rejected ? -result.dRejected[0]! : 0,
  );
  return [
    ...steps,
    marginStep(group, pair, result.chosenRewards, result.rejectedRewards, beta),
    sigmoidStep(result.chosenRewards - result.rejectedRewards),
    pushStep(pair, pushes),
    updateStep(group, pushes),
  ];
}

type Pair = NonNullable<Group['pair']>;

/** Log-probs of both completions; undefined where the report lacks them. */
export function pairLogps(
  { samples }: Group,
  { chosen, rejected }: Pair,
): Parameters<typeof dpoLoss>[0][number] | undefined {
  const better = samples[chosen]?.trace;
  const worse = samples[rejected]?.trace;
  if (!better?.ref || !worse?.ref) return undefined;
  return {
    chosen: sum(better.logp),
    rejected: sum(worse.logp),
    refChosen: sum(better.ref),
    refRejected: sum(worse.ref),
  };
}

function sum(values: TokenTrace['logp']): number {
  return values.reduce((total, value) => total + value, 0);
}

function marks({ chosen, rejected }: Pair): Record<number, string> {
  return { [chosen]: 'chosen', [rejected]: 'rejected' };
}

function noPairStep(group: Group): Step {
  return {
    title: 'No pair, no gradient',
    reveal:
      'DPO compares the best try with the worst, and leaves out those of broken form. Here no two were left that differ, so there is no gradient here.',
    view: { kind: 'tries', values: group.samples.map(() => 0), caption: 'Push' },
    chapter: 'dpo',
  };
}

function pairStep(group: Group, pair: Pair): Step {
  return {
    title: 'Best against worst',
    question: {
      kind: 'choice',
      text: 'DPO looks at two of these tries only. Which two teach it most?',
      choices: ['The two best', 'The best and the worst', 'Two neighbours around the mean'],
      answer: 1,
    },
    reveal: `${letter(pair.chosen)} is chosen, ${letter(pair.rejected)} rejected. How far apart their rewards are is forgotten: only the order counts.`,
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
      text: 'How much likelier is a try now than under the reference, the model that training began with? Which of the two has gained more so far?',
      choices: [
        `${letter(pair.chosen)}, the chosen one`,
        `${letter(pair.rejected)}, the rejected one`,
        'Neither',
      ],
      answer: Math.abs(margin) < 5e-4 ? 2 : margin > 0 ? 0 : 1,
    },
    reveal: `The bars are beta, ${beta}, times the gain in log-prob. Their difference is the margin: ${formatNumber(margin, 3, true)}.`,
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
      text: `A sigmoid turns the margin of ${formatNumber(margin, 3, true)} into a probability that the chosen one is better. How many per cent?`,
      min: 0,
      max: 100,
      step: 1,
      answer: sure,
      tolerance: 5,
    },
    reveal: `${formatShare(sure / 100)}. The loss is minus the logarithm of it, ${formatNumber(lossOf(margin), 3)}: steep where the model is wrong, flat where it is sure already. Move the slider to see.`,
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

function pushStep(pair: Pair, pushes: readonly number[]): Step {
  return {
    title: 'The push',
    question: {
      kind: 'choice',
      text: 'What happens to the other tries of the group?',
      choices: ['Nothing', 'They are made a little likelier', 'They are made a little less likely'],
      answer: 0,
    },
    reveal: `Nothing: DPO never looks at them. ${letter(pair.chosen)} and ${letter(pair.rejected)} are pushed equally hard in opposite directions, thought and all.`,
    view: {
      kind: 'tries',
      values: pushes,
      caption: 'Push on each token',
      marks: marks(pair),
    },
    chapter: 'dpo',
  };
}
