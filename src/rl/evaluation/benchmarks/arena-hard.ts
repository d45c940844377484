/**
 * Arena-Hard v2 (Li et al. 2024, arXiv 2406.11939), as in lmarena/arena-hard-auto at commit 196f6b8
 * (gen_judgment.py, show_result.py, utils/judge_utils.py; Apache 2.0, from which the two system prompts
 * are): two games against a baseline, in both orders; a clear verdict counts as three battles. RLMT's
 * variant is the plain mean of the two games, where a clear verdict counts as one and an unreadable one
 * as a tie. Style is counted in words instead of GPT-4o's tokens.
 */
import { Random } from '../../random.ts';
import { mean, std } from '../../statistics.ts';
import { bootstrap, quantile } from '../intervals.ts';
import { sigmoid } from '../logistic.ts';
import { styleDifferences, styleOf, type Style } from '../style.ts';
import { CREATIVE_SYSTEM, HARD_SYSTEM } from './arena-hard-prompts.ts';
import {
  BenchmarkDataError,
  type JudgeRequest,
  type JudgedBenchmark,
  type ScoreRow,
} from './benchmark.ts';
import { fitBradleyTerry } from './bradley-terry.ts';
import { asRow, jsonRows, meanRow, rowsField, textField } from './rows.ts';

const QUESTIONS = 'question.jsonl';
const HARD = 'o3-mini-2025-01-31.jsonl';
const CREATIVE = 'gemini-2.0-flash-001.jsonl';
const ANSWERS =
  'https://huggingface.co/datasets/lmarena-ai/arena-hard-auto (data/arena-hard-v2.0/model_answer)';

/** The labels of the baseline-first game and of the policy-first game; null if one cannot be read. */
type Games = readonly [string | null, string | null];

export const arenaHard: JudgedBenchmark<{ category: string }, Games> = {
  name: 'arena-hard',
  title: 'Arena-Hard v2',
  by: 'judge',
  remark:
    'the range of style_controlled_win_rate is that of its makers: from 5% to 95% of 100 draws, so it holds 90%, not 95%.',
  files: [
    {
      name: QUESTIONS,
      holds: 'the 750 questions',
      from: 'https://github.com/lmarena/arena-hard-auto (data/arena-hard-v2.0)',
    },
    { name: HARD, holds: 'the baseline of hard prompts', from: ANSWERS },
    { name: CREATIVE, holds: 'the baseline of creative prompts', from: ANSWERS },
  ],
  items(files) {
    const baselines = new Map([HARD, CREATIVE].map((name) => [name, answers(files[name]!, name)]));
    return jsonRows(files[QUESTIONS]!, QUESTIONS).map((row, i) => {
      const place = `${QUESTIONS}, row ${i + 1}`;
      const id = textField(row, 'uid', place);
      const category = textField(row, 'category', place);
      const baseline = category === 'creative_writing' ? CREATIVE : HARD;
      const reference = baselines.get(baseline)!.get(id);
      if (reference === undefined) {
        throw new BenchmarkDataError(`${baseline} has no answer to ${id}; download it again.`);
      }
      return { id, turns: [textField(row, 'prompt', place)], reference, data: { category } };
    });
  },
  requests({ turns, reference, data }, [response = '']) {
    const game = (a: string, b: string): JudgeRequest => ({
      messages: [
        {
          role: 'system',
          content: data.category === 'creative_writing' ? CREATIVE_SYSTEM : HARD_SYSTEM,
        },
        {
          role: 'user',
          content: `<|User Prompt|>\n${turns[0]!}\n\n<|The Start of Assistant A's Answer|>\n${a}\n<|The End of Assistant A's Answer|>\n\n<|The Start of Assistant B's Answer|>\n${b}\n<|The End of Assistant B's Answer|>`,
        },
      ],
      temperature: 0,
      maxTokens: 16_000,
    });
    return [game(reference!, response), game(response, reference!)];
  },
  verdict: (_, __, [first, second]) => [label(first?.text ?? ''), label(second?.text ?? '')],
  score(rows) {
    const battles = rows.map(({ item, responses, verdict }) => ({
      question: item.id,
      outcomes: battleOutcomes(verdict),
      style: styleOf(responses[0]!),
      baselineStyle: styleOf(item.reference!),
    }));
    const read = battles.filter(({ outcomes }) => outcomes.length > 0);
    const table: ScoreRow[] = [];
    if (read.length > 0) {
      const rate = (drawn: readonly number[]): number =>
        100 * mean(drawn.flatMap((i) => read[i]!.outcomes));
      table.push(
        { name: 'win_rate', ...bootstrap(read.length, rate), count: read.length, main: true },
        { name: 'style_controlled_win_rate', ...styleControlled(read), count: read.length },
      );
    }
    const plain = rows.map(({ item, verdict }) => ({
      question: item.id,
      value: plainMean(verdict),
    }));
    return [
      ...table,
      { ...meanRow('rlmt_win_rate', plain, 100), ...(!table.length && { main: true }) },
    ];
  },
};

/** The last label in `[[...]]`, else in `[...]`, of any letters A, B and signs; null without one. */
export function label(judgment: string): string | null {
  const upper = judgment.toUpperCase();
  for (const pattern of [/\[\[([AB<>=]+)\]\]/g, /\[([AB<>=]+)\]/g]) {
    const last = [...upper.matchAll(pattern)].at(-1);
    if (last) return last[1]!;
  }
  return null;
}

/** Of A, with how often they count. */
const OUTCOMES: Readonly<Record<string, readonly number[]>> = {
  'A>B': [1],
  'A>>B': [1, 1, 1],
  'A=B': [0.5],
  'A<<B': [0, 0, 0],
  'A<B': [0],
  'B>A': [0],
  'B>>A': [0, 0, 0],
  'B=A': [0.5],
  'B<<A': [1, 1, 1],
  'B<A': [1],
};

/**
 * The policy's battles of the two games: none if one has no label.
 * A label that is no verdict, such as [[A]], stops the original; here it is as if there were none.
 */
export function battleOutcomes([baselineFirst, policyFirst]: Games): number[] {
  const own = OUTCOMES[policyFirst ?? ''];
  const other = OUTCOMES[baselineFirst ?? ''];
  return own && other ? [...own, ...other.map((outcome) => 1 - outcome)] : [];
}

/** RLMT's: 1, 0.5 or 0 a game, and 0.5 for anything else. */
function plainMean([baselineFirst, policyFirst]: Games): number {
  const of = (games: string | null, wins: readonly string[], losses: readonly string[]): number =>
    wins.includes(games ?? '') ? 1 : losses.includes(games ?? '') ? 0 : 0.5;
  const [a, b] = [
    ['A>B', 'A>>B'],
    ['B>A', 'B>>A'],
  ] as const;
  return (of(baselineFirst, b, a) + of(policyFirst, a, b)) / 2;
}

interface StyledBattles {
  outcomes: readonly number[];
  style: Style;
  baselineStyle: Style;
}

const ROUNDS = 100;

/**
 * The original's median and 5% to 95% range over 100 bootstraps of the battles, with z-scored features.
 * With one policy, z-scoring moves the mean effect of style into the policy's coefficient; the original
 * has many policies in one table, and its number for one depends on the others.
 */
function styleControlled(battles: readonly StyledBattles[]) {
  const rows = battles.flatMap(({ outcomes, style, baselineStyle }) =>
    outcomes.map((outcome) => ({ outcome, features: styleFeatures(style, baselineStyle) })),
  );
  const scaled = zScored(rows.map(({ features }) => features));
  // The policy's column is 1 and the baseline's -1.
  const design = scaled.map((style) => [1, -1, ...style]);
  const random = new Random(0, 'arena-hard');
  const rates = Array.from({ length: ROUNDS }, () => {
    const drawn = rows.map(() => random.below(rows.length));
    const [own, baseline] = fitBradleyTerry(
      drawn.map((i) => design[i]!),
      drawn.map((i) => rows[i]!.outcome),
    );
    return 100 * sigmoid(own! - baseline!);
  }).sort((a, b) => a - b);
  return { mean: quantile(rates, 0.5), low: quantile(rates, 0.05), high: quantile(rates, 0.95) };
}

/** With the original's densities, counts / (length + 1). */
export const styleFeatures = (own: Style, other: Style): number[] =>
  styleDifferences(own, other, (length) => length + 1);

/** Minus the mean, over the standard deviation (n - 1); a feature that never differs becomes 0. */
export function zScored(rows: readonly (readonly number[])[]): number[][] {
  const columns = (rows[0] ?? []).map((_, k) => rows.map((row) => row[k]!));
  const centres = columns.map(mean);
  const scales = columns.map((column) => std(column) || 1);
  return rows.map((row) => row.map((value, k) => (value - centres[k]!) / scales[k]!));
}

function answers(text: string, name: string): Map<string, string> {
  return new Map(
    jsonRows(text, name).map((row, i) => {
      const place = `${name}, row ${i + 1}`;
      const last = rowsField(row, 'messages', place).at(-1);
      const content = asRow(last?.['content'], `${place}: the content of the last message`);
      return [textField(row, 'uid', place), textField(content, 'answer', place)];
    }),
  );
}
