/** AlpacaEval 2 against the makers' own code and RLMT's, run once by make_alpaca_eval.py. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { alpacaEval, firstShare } from '../../src/rl/evaluation/benchmarks/alpaca-eval.ts';

interface Case {
  name: string;
  glm: 'length_controlled_v1' | 'length_controlled_minimal';
  /** The policy's share of each verdict, and the words of the two outputs. */
  rows: { share: number | null; baseline: number; own: number }[];
  csv: string | null;
  win_rate: number;
  length_controlled_winrate: number;
  /** The same at a tolerance of 1e-10. */
  converged: number;
  rlmt: { win_rate: number; lc_win_rate: number };
}
interface Golden {
  asked: {
    template: string;
    row: { instruction: string; output_1: string; output_2: string };
    messages: { role: string; content: string }[];
  };
  verdicts: [Record<string, number>, number | null][];
  cases: Case[];
}
const golden = JSON.parse(
  readFileSync(new URL('alpaca-eval.json', import.meta.url), 'utf8'),
) as Golden;

const { template } = golden.asked;
const itemsOf = (rows: { instruction: string; output: string }[], csv?: string | null) =>
  alpacaEval.items({
    'alpaca_eval_gpt4_baseline.json': JSON.stringify(rows),
    'alpaca_eval_clf.txt': template,
    ...(csv && { 'df_gamed.csv': csv }),
  });

it('asks as the original, with either output first', () => {
  const { row, messages } = golden.asked;
  const [item] = itemsOf([{ instruction: row.instruction, output: row.output_1 }]);
  const asked = (first: boolean, own: string, reference: string) =>
    alpacaEval.requests({ ...item!, reference, data: { ...item!.data, first } }, [own])[0]!;
  expect(asked(false, row.output_2, row.output_1)).toMatchObject({
    messages,
    choices: ['m', 'M'],
    maxTokens: 1,
  });
  expect(asked(true, row.output_1, row.output_2).messages).toEqual(messages);
});

it('reads log-probabilities as the original', () => {
  for (const [logprobs, share] of golden.verdicts) {
    const found = firstShare({ text: '', logprobs });
    if (share === null) expect(found).toBeNull();
    else expect(found).toBeCloseTo(share, 12);
  }
});

it.each(golden.cases)('win rates: $name', ({ rows, csv, glm, ...expected }) => {
  const text = (words: number): string => Array<string>(words).fill('ab').join(' ');
  const items = itemsOf(
    rows.map(({ baseline }, i) => ({ instruction: String(i), output: text(baseline) })),
    csv,
  );
  const scored = items.map((item, i) => ({
    ...{ item, responses: [text(rows[i]!.own)], verdict: rows[i]!.share },
  }));
  const table = alpacaEval.score(scored);
  // As the original's leaderboard and RLMT's table print them.
  const values = Object.fromEntries(table.map(({ name, mean }) => [name, mean.toFixed(2)]));
  const controlled =
    glm === 'length_controlled_v1'
      ? 'length_controlled_winrate'
      : 'length_controlled_minimal_winrate';
  expect(values).toEqual({
    [controlled]: expected.converged.toFixed(2),
    win_rate: expected.win_rate.toFixed(2),
    rlmt_win_rate: expected.rlmt.win_rate.toFixed(2),
    rlmt_lc_win_rate: expected.rlmt.lc_win_rate.toFixed(2),
  });
  expect(table[0]).toMatchObject({ name: controlled, main: true });
  expect(Math.abs(table[0]!.mean - expected.length_controlled_winrate)).toBeLessThan(0.005);
  for (const { mean, low, high } of table) {
    expect(low).toBeLessThanOrEqual(mean);
    expect(high).toBeGreaterThanOrEqual(mean);
  }
});
