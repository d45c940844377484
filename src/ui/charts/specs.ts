import type { RecipeValue } from '../../rl/recipe/values.ts';
import { formatCompact, formatNumber, formatShare } from '../format.ts';
import { goldLabel, goldNote } from './gold.ts';

/** One line of a chart. */
export interface Line {
  /** The metric's name in a MetricsRow (TRL's, where TRL has one). */
  key: string;
  label: string;
  /** A colour of tokens.css, without the dashes. */
  colour: string;
  /** Two lines of different units get an axis each. */
  axis: 'left' | 'right';
  /** So that lines differ by more than their colour. */
  dash?: 'dashed' | 'dotted';
  format: (value: number | null | undefined) => string;
}

export interface ChartSpec {
  title: string;
  /** What is drawn and how to read it. */
  note: string;
  lines: Line[];
  /** Fixed limits of the axes; otherwise they fit the data, from 0 on where `fromZero`. */
  range?: [number, number];
  fromZero?: boolean;
  /** Drawn only for runs with one of its metrics. */
  optional?: true;
}

const twoDecimals = (value: number | null | undefined): string => formatNumber(value, 2);
const wholeTokens = (value: number | null | undefined): string => formatNumber(value, 0);

/**
 * The first chart, for a run whose recipe has this `gold`; null is none. A run that does not learn
 * from its own completions is judged only on held-out prompts: `source` is then eval_.
 */
export function rewardChart(gold: RecipeValue | undefined, source: '' | 'eval_' = ''): ChartSpec {
  const where = source === '' ? '' : ' Both are measured on held-out prompts.';
  return {
    title: 'Is it getting better?',
    note:
      'Reward is the judge’s score of the responses. Training sees nothing else. ' +
      (gold === null
        ? 'This run has no gold: under “What counts as good” you can choose a judge that only watches.'
        : `${goldNote(gold)} If reward rises while gold falls, the model has learned to exploit its judge.${where}`),
    lines: [
      {
        key: `${source}reward`,
        label: 'Reward',
        colour: 'reward',
        axis: 'left',
        format: twoDecimals,
      },
      ...(gold === null ? [] : [goldLine(`${source}gold`, goldLabel(gold))]),
    ],
  };
}

const goldLine = (key: string, label: string): Line => ({
  ...{ key, label, colour: 'gold', axis: 'right', dash: 'dashed', format: twoDecimals },
});

const otherCharts: readonly ChartSpec[] = [
  {
    title: 'How much does it write?',
    note: 'Mean number of words. Nothing rewards the length of a thought directly: it changes only if that raises the reward.',
    fromZero: true,
    lines: [
      {
        key: 'completions/mean_thought_length',
        label: 'Thought',
        colour: 'thought',
        axis: 'left',
        dash: 'dashed',
        format: wholeTokens,
      },
      {
        key: 'completions/mean_response_length',
        label: 'Response',
        colour: 'response',
        axis: 'left',
        format: wholeTokens,
      },
    ],
  },
  {
    title: 'Are its thoughts true?',
    note: 'The share of claims in the thoughts that are true (prices, diets, money left), and the share of tries with a broken form. The judge never reads a thought: thoughts stay true only while that helps.',
    range: [0, 1],
    lines: [
      {
        key: 'thought_truth',
        label: 'True claims',
        colour: 'thought',
        axis: 'left',
        format: formatShare,
      },
      {
        key: 'completions/malformed_ratio',
        label: 'Broken form',
        colour: 'down',
        axis: 'left',
        dash: 'dashed',
        format: formatShare,
      },
    ],
  },
  {
    title: 'How far has it moved?',
    note: 'KL is the distance from the model before training; entropy is how undecided the model is at each token. Both are in nats: 0.69 nats is a factor of two.',
    fromZero: true,
    lines: [
      { key: 'kl', label: 'KL', colour: 'reward', axis: 'left', format: formatCompact },
      {
        key: 'entropy',
        label: 'Entropy',
        colour: 'response',
        axis: 'right',
        dash: 'dashed',
        format: formatCompact,
      },
    ],
  },
  {
    title: 'Groups with nothing to teach',
    note: 'When all tries at a prompt score the same, none is better than the mean, and the prompt gives no gradient. This is the share of such groups.',
    fromZero: true,
    lines: [
      {
        key: 'frac_reward_zero_std',
        label: 'Groups without variance',
        colour: 'ink-soft',
        axis: 'left',
        format: formatShare,
      },
    ],
  },
  {
    title: 'On held-out prompts',
    note: 'The same held-out prompts and the same random numbers at every evaluation: from one dot to the next, only the model differs.',
    optional: true,
    lines: [
      {
        key: 'eval_reward',
        label: 'Reward',
        colour: 'reward',
        axis: 'left',
        format: twoDecimals,
      },
      {
        key: 'eval_gold',
        label: 'Gold',
        colour: 'gold',
        axis: 'right',
        dash: 'dashed',
        format: twoDecimals,
      },
    ],
  },
  {
    title: 'Does it prefer what was chosen?',
    note: 'The share of pairs in which the chosen response has gained more than the rejected one, and by how much.',
    optional: true,
    lines: [
      {
        key: 'rewards/accuracies',
        label: 'Correct pairs',
        colour: 'response',
        axis: 'left',
        format: formatShare,
      },
      {
        key: 'rewards/margins',
        label: 'Margin',
        colour: 'reward',
        axis: 'right',
        dash: 'dashed',
        format: formatCompact,
      },
    ],
  },
  {
    title: 'Does the judge agree with people?',
    note: 'The share of pairs in which the reward model gives the preferred response the higher score. Chance gives one half.',
    range: [0, 1],
    optional: true,
    lines: [
      {
        key: 'accuracy',
        label: 'Training pairs',
        colour: 'reward',
        axis: 'left',
        format: formatShare,
      },
      {
        key: 'eval_accuracy',
        label: 'Held-out pairs',
        colour: 'gold',
        axis: 'left',
        dash: 'dashed',
        format: formatShare,
      },
    ],
  },
  {
    title: 'Can the value model predict the score?',
    note: 'PPO also trains a value model, which predicts at each token the rewards still to come. The value loss is its squared error.',
    fromZero: true,
    optional: true,
    lines: [
      {
        key: 'loss/value_avg',
        label: 'Value loss',
        colour: 'thought',
        axis: 'left',
        format: formatCompact,
      },
    ],
  },
  {
    title: 'Inside the optimizer',
    note: 'This chart is last because it says least: in this kind of training the loss stays near zero while the model improves. The gradient norm is the size of each step’s gradient, before clipping.',
    lines: [
      { key: 'loss', label: 'Loss', colour: 'ink-soft', axis: 'left', format: formatCompact },
      {
        key: 'grad_norm',
        label: 'Gradient norm',
        colour: 'reward',
        axis: 'right',
        dash: 'dashed',
        format: formatCompact,
      },
    ],
  },
];

/** Colours of runs, in the order in which they are given out. */
export const PALETTE = ['run-1', 'run-2', 'run-3', 'run-4', 'run-5', 'run-6'] as const;

/** Colours of a run's rewards: none is that of a run, which may be drawn over them. */
const REWARD_COLOURS = ['reward', 'reward-2', 'reward-3'] as const;

const REWARD_MEAN = /^rewards\/(.+)\/mean$/;

/** The charts under the first one, for a run that has the metrics `keys`. */
export function chartsFor(keys: readonly string[]): ChartSpec[] {
  const rewards = keys.filter((key) => REWARD_MEAN.test(key));
  const others = otherCharts.filter(
    ({ optional, lines }) => !optional || lines.some(({ key }) => keys.includes(key)),
  );
  return rewards.length > 1 ? [rewardsChart(rewards), ...others] : others;
}

function rewardsChart(keys: readonly string[]): ChartSpec {
  return {
    title: 'What each reward says',
    note: 'The mean of each reward by itself, before its weight. If one rises while the others fall, the model exploits that one.',
    lines: keys.map((key, i) => ({
      key,
      label: REWARD_MEAN.exec(key)?.[1] ?? key,
      colour: REWARD_COLOURS[i % REWARD_COLOURS.length]!,
      axis: 'left',
      ...(i % 3 > 0 && { dash: i % 3 === 1 ? 'dashed' : 'dotted' }),
      format: twoDecimals,
    })),
  };
}
