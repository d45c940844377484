/** Steps that all algorithms share: rewards, a group without a gradient, the effect of the update. */
import type { Group, TokenTrace } from '../../../rl/report.ts';
import { formatNumber } from '../../format.ts';
import { letter } from '../../group/letters.ts';
import { alike, asPrinted, largest, type Step } from './step.ts';

/** Names a few tries: "B", "B and D", "B, C and D". */
export function names(indices: readonly number[]): string {
  const letters = indices.map(letter);
  if (letters.length < 2) return letters.join('');
  return `${letters.slice(0, -1).join(', ')} and ${letters.at(-1)!}`;
}

/** A sentence on those of the given tries whose thoughts were closed for the model; empty if none was. */
export function closedThoughts({ samples }: Group, tries: readonly number[]): string {
  const closed = tries.filter((i) => samples[i]!.thoughtCut);
  if (closed.length === 0) return '';
  return ` In ${names(closed)} the tag that ends the thought was written for the model (max_thought_length), so its tokens are left out of the loss.`;
}

export function rewardsStep({ samples, mean }: Group): Step {
  const rewards = samples.map(({ reward }) => reward);
  const best = largest(rewards.map(asPrinted));
  // Where all responses are the same, there is nothing to ask.
  const options = alike(samples.map(({ response }) => response));
  return {
    title: 'Rewards',
    ...(options.length > 1 && {
      question: {
        kind: 'pick',
        text: `The judge has read all ${samples.length} responses, and none of the thoughts. Which one did it like best?`,
        options,
        answers: best,
        needsPrompt: true,
      },
    }),
    reveal: `${names(best)} got ${formatNumber(rewards[best[0]!])}. A reward says nothing by itself: what counts is how it compares with the other tries.`,
    view: {
      kind: 'tries',
      values: rewards,
      caption: 'Reward',
      ofReward: true,
      plain: true,
      line: { at: mean, label: `mean ${formatNumber(mean)}` },
    },
    chapter: 'reward-model',
  };
}

export function noGradientStep(group: Group): Step {
  return {
    title: 'No gradient here',
    question: {
      kind: 'choice',
      text: 'All tries got the same reward. What does the update learn from this group?',
      choices: ['To make them all likelier', 'To make them all less likely', 'Nothing'],
      answer: 2,
    },
    reveal:
      'No try is better than another, so there is no gradient here. With too many such groups training stands still: the prompts may be too easy or too hard.',
    view: {
      kind: 'tries',
      values: group.samples.map(() => 0),
      caption: 'Reward minus the mean',
      ofReward: true,
    },
    chapter: 'advantage',
  };
}

/** Ratio and clip of one token, which `subject` names; `f` is its gain by its ratio. */
export function ratioStep(token: {
  advantage: number;
  iterations: number;
  trace: TokenTrace | undefined;
  band: readonly [number, number];
  f: (ratio: number) => number;
  subject: string;
}): Step {
  const { advantage, iterations, trace, band, f, subject } = token;
  const [low, high] = band;
  const moved = trace?.after?.map((after, t) => Math.exp(after - (trace.logp[t] ?? after))) ?? [];
  const later =
    iterations > 1
      ? ` (it changes in the later of this run’s ${iterations} updates per batch)`
      : '';
  const bound =
    advantage > 0
      ? `above ${formatNumber(high)} there is nothing left to gain`
      : `below ${formatNumber(low)} there is nothing left to gain`;
  return {
    title: 'Ratio and clip',
    question: {
      kind: 'choice',
      text: 'Each token has a ratio: its probability under the policy now, divided by its probability when it was written. What is it at the first update?',
      choices: [
        'Above 1 for good tries, below 1 for bad ones',
        'Exactly 1, for every token',
        'Slightly random',
      ],
      answer: 1,
    },
    reveal: `Nothing has been trained since the tries were written, so every ratio is 1${later}. Move the slider: ${bound}, so no token is pushed far at once.${moved.length ? ' The dots are the tokens after this update.' : ''}`,
    view: {
      kind: 'curve',
      f,
      from: Math.max(0.05, 1 - 2.5 * (1 - low)),
      to: 1 + 2.5 * (high - 1),
      start: 1,
      points: moved,
      band,
      xLabel: 'ratio',
      yLabel: 'gain',
      caption: `Gain of ${subject} by its ratio, at an advantage of ${formatNumber(advantage, 2, true)}`,
    },
    chapter: 'clipped-loss',
    control: 'sample',
  };
}

/** Sum of after - logp over the tokens of each try; null without a trace of the update. */
function logpChanges({ samples }: Group): (number | null)[] {
  return samples.map(({ trace }) => {
    if (!trace?.after) return null;
    let sum = 0;
    for (const [t, after] of trace.after.entries()) sum += after - (trace.logp[t] ?? after);
    return sum;
  });
}

/** `pushes`: above 0 the loss makes a try likelier, below 0 less likely. */
export function updateStep(group: Group, pushes: readonly number[], heldOut = false): Step {
  const title = 'What the update did';
  const changes = logpChanges(group);
  const known = changes.filter((change) => change !== null);
  if (known.length < changes.length) {
    return {
      title,
      reveal:
        'This step has no log-probs from after the update, so only the direction of each push is shown.',
      view: { kind: 'tries', values: pushes, caption: 'Direction of the push' },
      chapter: 'clipped-loss',
    };
  }
  const printed = known.map(asPrinted);
  const most = largest(printed);
  const factor = Math.exp(known[most[0]!]!);
  const differs = printed.some((change) => change !== printed[0]);
  const options = alike(group.samples.map(({ completion }) => completion));
  const others = heldOut
    ? 'Training never uses this prompt: the update learned from the other prompts of its step. So a bar may go against its push.'
    : 'The other prompts of the batch push too, so not every bar follows its own push.';
  return {
    title,
    ...(differs &&
      options.length > 1 && {
        question: {
          kind: 'pick',
          text: 'The optimizer has taken its step. Which try’s probability has grown the most?',
          options,
          answers: most,
        },
      }),
    reveal: differs
      ? `${names(most)} ${most.length > 1 ? 'are' : 'is'} now ${formatNumber(factor, factor < 10 ? 2 : 0)} times as likely as before, thought included. ${others}`
      : 'All tries have moved by the same amount, to two decimals. At the end of a run the learning rate is close to 0, so an update moves almost nothing: go to an earlier step to see more.',
    view: {
      kind: 'tries',
      values: changes,
      caption: 'Change of the log-prob of the whole try',
    },
    chapter: 'clipped-loss',
  };
}
