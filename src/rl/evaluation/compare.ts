/** Compares two policies on the same prompts, by every judge that scored both. */
import type { Evaluated } from './evaluate.ts';
import { mean } from '../statistics.ts';
import type { ControlledInterval } from './controlled.ts';
import { bootstrap, hierarchicalBootstrap, type Interval } from './intervals.ts';
import { lengthControlledInterval } from './length-controlled.ts';
import { LENGTH_MARGIN, levelsFromScores, wildBenchScore } from './levels.ts';
import { styleControlledInterval } from './style-controlled.ts';
import { styleOf } from './style.ts';
import { tieMargin, verdicts } from './win-rate.ts';

export interface Comparison {
  judge: string;
  /** Mean scores. */
  ours: number;
  baseline: number;
  /** Ours minus the baseline's, prompt by prompt. */
  difference: Interval;
  /** Share of prompts that ours wins; ties count half, and differences within `tie_margin` are ties. */
  win_rate: Interval;
  tie_margin: number;
  /** AlpacaEval 2's win rate, as if all responses had equal length. */
  lc_win_rate: ControlledInterval;
  /** WildBench's score, -100 to 100. */
  score: Interval;
  /** Arena-Hard's win rate, as if length and markdown were equal. */
  style_controlled_win_rate: ControlledInterval;
}

/** Few, because each draw fits two regressions. */
const RESAMPLES = 300;

/**
 * @param lengthMargin of WildBench's score, in characters
 * @throws RangeError if the rows do not have the same prompts
 */
export function compareEvaluations(
  ours: readonly Evaluated[],
  baseline: readonly Evaluated[],
  seed = 0,
  lengthMargin = LENGTH_MARGIN,
): Comparison[] {
  const compareBy = (judge: string, own: readonly number[], other: readonly number[]) =>
    compareScores(judge, own, other, ours, baseline, { seed, lengthMargin });
  if (
    ours.length !== baseline.length ||
    ours.some(({ prompt }, i) => prompt !== baseline[i]!.prompt)
  ) {
    throw new RangeError('a comparison needs the same prompts in the same order on both sides');
  }
  const shared = Object.keys(ours[0]?.rewards ?? {}).filter((name) =>
    Object.hasOwn(baseline[0]!.rewards, name),
  );
  const comparisons = shared.map((name) => {
    const scores = (rows: readonly Evaluated[]): number[] => rows.map((row) => row.rewards[name]!);
    return compareBy(name, scores(ours), scores(baseline));
  });
  const [golds, baselineGolds] = [ours, baseline].map((rows) =>
    rows.flatMap((row) => row.gold ?? []),
  ) as [number[], number[]];
  if (golds.length === ours.length && baselineGolds.length === ours.length) {
    comparisons.push(compareBy('gold', golds, baselineGolds));
  }
  return comparisons;
}

function compareScores(
  judge: string,
  scores: readonly number[],
  baselineScores: readonly number[],
  ours: readonly Evaluated[],
  baseline: readonly Evaluated[],
  { seed, lengthMargin }: { seed: number; lengthMargin: number },
): Comparison {
  const margin = tieMargin(scores, baselineScores);
  const wins = verdicts(scores, baselineScores, margin);
  const levels = levelsFromScores(scores, baselineScores);
  const rows = ours.map(({ response }, i) => {
    const other = baseline[i]!.response;
    return {
      verdict: wins[i]!,
      level: levels[i]!,
      length: response.length,
      baselineLength: other.length,
      style: styleOf(response),
      baselineStyle: styleOf(other),
    };
  });
  const options = { seed, resamples: RESAMPLES };
  const score = (indices: readonly number[]): number =>
    wildBenchScore(
      indices.map((i) => rows[i]!),
      lengthMargin,
    );
  return {
    judge,
    ours: mean(scores),
    baseline: mean(baselineScores),
    difference: hierarchicalBootstrap([scores.map((score, i) => score - baselineScores[i]!)], {
      seed,
    }),
    win_rate: hierarchicalBootstrap([wins], { seed }),
    tie_margin: margin,
    lc_win_rate: lengthControlledInterval(rows, options),
    score: bootstrap(rows.length, score, options),
    style_controlled_win_rate: styleControlledInterval(rows, options),
  };
}
