/** The tables of what judges said of a policy before and after training. */
import { storedName } from '../../app/page-paths.ts';
import type { JudgedPair } from '../../app/judge-pair.ts';
import type { ControlledInterval } from '../../rl/evaluation/controlled.ts';
import type { Interval } from '../../rl/evaluation/intervals.ts';
import { MEAL_TRAIT_HELP } from '../../rl/evaluation/meal-traits.ts';
import type { ThoughtVariant } from '../../rl/evaluation/thought-effect.ts';
import { JUDGED_TRAITS } from '../../rl/evaluation/traits.ts';
import { formatNumber, formatShare } from '../format.ts';
import { SECOND_REWARD } from '../rewards/reward-recipe.ts';

interface JudgedCell {
  value: string;
  /** A 95% interval, or another remark below the value. */
  below?: string;
}

export interface JudgedTable {
  title: string;
  /** The first is the heading of the rows' names. */
  columns: readonly string[];
  rows: readonly { name: string; help?: string; cells: readonly JudgedCell[] }[];
  notes: readonly string[];
}

export function judgeName(judge: string): string {
  if (judge === 'reward') return 'The reward it was trained on';
  if (judge === 'gold') return 'Gold, never trained on';
  if (judge === SECOND_REWARD) return 'The second dinner judge';
  return storedName(judge) ?? judge;
}

/** The win rates and scores of every judge. */
export function scoreTable({ comparisons }: JudgedPair, lengthMargin: number): JudgedTable {
  const rates = comparisons.flatMap((one) => [one.lc_win_rate, one.style_controlled_win_rate]);
  return {
    title: 'Who wins',
    columns: [
      ...['Judge', 'Mean before', 'Mean after', 'Wins after training'],
      ...['At equal length', 'WildBench score', 'At equal style'],
    ],
    rows: comparisons.map((one) => ({
      name: judgeName(one.judge),
      cells: [
        { value: formatNumber(one.baseline) },
        { value: formatNumber(one.ours), below: `${interval(one.difference, plain)} more` },
        rate(one.win_rate),
        controlled(one.lc_win_rate),
        { value: points(one.score.mean), below: range(one.score, points) },
        controlled(one.style_controlled_win_rate),
      ],
    })),
    notes: [
      'A win is a better response after training; ties count half. “At equal length” estimates the win ' +
        'rate if both responses had the same length (as AlpacaEval 2 does), “at equal style” if they also ' +
        'had the same markdown (as Arena-Hard does). WildBench’s score goes from −100 to 100; in it, a slight ' +
        `win by a response that is more than ${lengthMargin} characters longer counts as a tie. Ranges are ` +
        '95% intervals over the prompts.',
      'A judge here gives each response one score; the makers’ judges read both responses together. So ' +
        'these numbers compare your two models with each other, not with a public leaderboard.',
      ...(rates.every((one) => one.controlled)
        ? []
        : [
            '* The raw win rate. Length or style differs by about the same amount on every prompt, so its ' +
              'effect cannot be separated from that of training.',
          ]),
    ],
  };
}

/** How the thoughts changed; undefined if no trait was found in any. */
export function traitTable({ traits }: JudgedPair): JudgedTable | undefined {
  if (traits.length === 0) return undefined;
  const isJudged = (trait: string): boolean => Object.hasOwn(JUDGED_TRAITS, trait);
  return {
    title: 'How the thoughts changed',
    columns: ['Trait', 'Before', 'After', 'More of it after training'],
    rows: traits.map(({ trait, before, after, winRate, prompts }) => ({
      name: trait.replaceAll('_', ' '),
      help: MEAL_TRAIT_HELP[trait] ?? JUDGED_TRAITS[trait] ?? '',
      cells: [
        { value: formatNumber(before) },
        { value: formatNumber(after) },
        winRate ? rate(winRate) : { value: '–', below: `${prompts} prompts` },
      ],
    })),
    notes: traits.some(({ trait }) => isJudged(trait))
      ? [
          'Traits that are a question have the chat model’s log-odds of Yes, in nats: above 0 it says Yes. ' +
            'All other traits are counted.',
        ]
      : [],
  };
}

const VARIANTS: Readonly<Record<ThoughtVariant, string>> = {
  own: 'Its own thought',
  swapped: 'That of another prompt',
  truncated: 'Half of its own',
  removed: 'No thought',
};

/** What the thought contributes after training; undefined if it was not measured. */
export function thoughtTable({ effects, thoughts }: JudgedPair): JudgedTable | undefined {
  const judges = Object.keys(effects[0]?.scores ?? {});
  if (judges.length === 0) return undefined;
  return {
    title: 'What the thought contributes',
    columns: ['Judge', ...effects.map(({ variant }) => VARIANTS[variant])],
    rows: judges.map((judge) => ({
      name: judgeName(judge),
      cells: effects.map(({ scores, loss }) => ({
        value: formatNumber(scores[judge]!.mean),
        ...(loss && { below: `${interval(loss[judge]!, plain)} less` }),
      })),
    })),
    notes: [
      `The model after training answers ${thoughts} prompts again, each time after another thought. A score ` +
        'that does not fall shows that this part of the thought is not used.',
    ],
  };
}

type Format = (value: number) => string;

const plain: Format = (value) => formatNumber(value);
const points: Format = (value) => formatNumber(value, 0, true);

function range({ low, high }: Interval, format: Format): string {
  return `${format(low)} to ${format(high)}`;
}

function interval(of: Interval, format: Format): string {
  return `${format(of.mean)} (${range(of, format)})`;
}

function rate(of: Interval): JudgedCell {
  return { value: formatShare(of.mean), below: range(of, formatShare) };
}

function controlled(of: ControlledInterval): JudgedCell {
  const { value, below } = rate(of);
  return { value: of.controlled ? value : `${value}*`, ...(below !== undefined && { below }) };
}
