/** Results of a blind comparison: who won for which judge, how far judges agree, and its export. */
import { jsonLines } from '../../rl/data/json-lines.ts';
import {
  blindVerdicts,
  sameVerdicts,
  type BlindComparison,
  type Choice,
} from '../../rl/evaluation/blind.ts';
import { wilsonInterval, type Interval } from '../../rl/evaluation/intervals.ts';
import { tieMargin, verdicts, type Verdict } from '../../rl/evaluation/win-rate.ts';
import type { Judgement } from '../../app/answer.ts';
import type { BlindRow, Judged } from '../../app/policy-pair-service.ts';

/** What another judge says of the pairs that the person judged. */
interface Opinion {
  /** Of the policy after training; ties count half. */
  winRate: Interval;
  /** Number of pairs on which both agree, among those that neither called a tie. */
  agrees: number;
  decided: number;
}

/** The completions of the pairs judged so far, in the order in which they were judged. */
function judgedRows({ pairs, choices }: BlindComparison, rows: readonly BlindRow[]): BlindRow[] {
  const byPrompt = new Map(rows.map((row) => [row.prompt, row]));
  return choices.map((_, i) => byPrompt.get(pairs[i]!.prompt)!);
}

/** The opinion by `score`; undefined if a completion has none, or nothing was judged. */
export function opinion(
  state: BlindComparison,
  rows: readonly BlindRow[],
  score: keyof Judgement,
): Opinion | undefined {
  const judged = judgedRows(state, rows);
  const first = judged.flatMap((row) => row.first[score] ?? []);
  const second = judged.flatMap((row) => row.second[score] ?? []);
  if (judged.length === 0 || first.length + second.length < 2 * judged.length) return undefined;
  // As elsewhere, nearly equal scores are a tie.
  const own = verdicts(first, second, tieMargin(first, second));
  const person = blindVerdicts(state);
  const decided = own.flatMap((verdict, i): [Verdict, Verdict][] =>
    verdict === 0.5 || person[i] === 0.5 ? [] : [[verdict, person[i]!]],
  );
  return {
    winRate: wilsonInterval([...own, ...sameVerdicts(state)]),
    agrees: decided.filter(([a, b]) => a === b).length,
    decided: decided.length,
  };
}

/** The pair that was judged last, with its thoughts, left and right as shown. */
export function lastJudged(
  state: BlindComparison,
  rows: readonly BlindRow[],
): { choice: Choice; left: Judged; right: Judged } | undefined {
  const row = judgedRows(state, rows).at(-1);
  const choice = state.choices.at(-1);
  if (!row || !choice) return undefined;
  const { firstIsLeft } = state.pairs[state.choices.length - 1]!;
  const [left, right] = firstIsLeft ? [row.first, row.second] : [row.second, row.first];
  return { choice, left, right };
}

/** One JSON line per judged pair: both completions and scores, which stood left, and the choice. */
export function blindLines(state: BlindComparison, rows: readonly BlindRow[]): string {
  const person = blindVerdicts(state);
  const lines = judgedRows(state, rows).map(({ prompt, first: after, second: before }, i) => {
    const left = state.pairs[i]!.firstIsLeft ? 'after' : 'before';
    const preferred = person[i] === 0.5 ? 'tie' : person[i] === 1 ? 'after' : 'before';
    return { prompt, before, after, left, preferred };
  });
  return jsonLines(lines);
}
