/**
 * What a reward model says about answers. It has no scale of 1 to 10 and reads no rubric, so this is not
 * the benchmark's own score: it is the mean reward and, where the benchmark has a baseline, the rates by
 * which of the two answers has the higher reward.
 */
import { bootstrap } from '../intervals.ts';
import { lengthControlledInterval } from '../length-controlled.ts';
import { levelsFromScores, wildBenchScore } from '../levels.ts';
import { styleControlledInterval } from '../style-controlled.ts';
import { styleOf } from '../style.ts';
import { tieMargin, verdicts } from '../win-rate.ts';
import type { ScoreRow } from './benchmark.ts';
import { meanRow } from './rows.ts';

export interface RewardedAnswer {
  question: string;
  response: string;
  reward: number;
  reference?: { response: string; reward: number };
}

/** `answers` has at least one. */
export function rewardRows(answers: readonly RewardedAnswer[]): ScoreRow[] {
  const rows: ScoreRow[] = [
    meanRow(
      'mean_reward',
      answers.map(({ question, reward }) => ({ question, value: reward })),
    ),
  ];
  const pairs = answers.flatMap(({ reference, ...answer }) =>
    reference ? [{ ...answer, reference }] : [],
  );
  if (pairs.length === 0) return rows;
  const ours = pairs.map(({ reward }) => reward);
  const theirs = pairs.map(({ reference }) => reference.reward);
  const wins = verdicts(ours, theirs, tieMargin(ours, theirs));
  const levels = levelsFromScores(ours, theirs);
  const percent = { resamples: 500 };
  const scaled = (
    { mean, low, high }: { mean: number; low: number; high: number },
    name: string,
  ): ScoreRow => ({
    ...{ name, mean: 100 * mean, low: 100 * low, high: 100 * high, count: pairs.length },
  });
  const lengths = pairs.map(({ response, reference }) => ({
    length: response.length,
    baselineLength: reference.response.length,
  }));
  const graded = levels.map((level, i) => ({ level, ...lengths[i]! }));
  const battles = pairs.map(({ response, reference }, i) => ({
    level: levels[i]!,
    style: styleOf(response),
    baselineStyle: styleOf(reference.response),
  }));
  return [
    ...rows,
    meanRow(
      'win_rate',
      pairs.map(({ question }, i) => ({ question, value: wins[i]! })),
      100,
    ),
    scaled(
      lengthControlledInterval(
        lengths.map((length, i) => ({ verdict: wins[i]!, ...length })),
        percent,
      ),
      'lc_win_rate',
    ),
    scaled(styleControlledInterval(battles, percent), 'style_controlled_win_rate'),
    {
      name: 'wildbench_score',
      ...bootstrap(graded.length, (drawn) => wildBenchScore(drawn.map((i) => graded[i]!))),
      count: graded.length,
    },
  ];
}
