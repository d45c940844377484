/** AlpacaEval 2: what a run with few questions, or with a weak judge, comes to; the numbers are in tests/golden. */
import { expect, it } from 'vitest';
import { alpacaEval, firstShare } from './alpaca-eval.ts';
import { fitLassoLogistic } from './lasso-logistic.ts';

const PROMPT =
  '<|im_start|>system\nJudge.\n<|im_end|>\n<|im_start|>user\n{instruction}|{output_1}|{output_2}\n<|im_end|>';
const itemsOf = (count: number, more: Record<string, string> = {}) =>
  alpacaEval.items({
    'alpaca_eval_gpt4_baseline.json': JSON.stringify(
      Array.from({ length: count }, (_, i) => ({ instruction: `Q${i}`, output: 'base line' })),
    ),
    'alpaca_eval_clf.txt': PROMPT,
    ...more,
  });

it.each<[string, number | null]>([
  ['m', 1],
  ['M', 0],
  [' "M".', 0],
  ['**m**', 1],
  ['Model m', null],
  ["m's", null],
  ['Many', null],
  ['mé', null],
  ['', null],
])('reads the letter of %j as %j', (text, share) => {
  expect(firstShare({ text })).toBe(share);
});

it('turns the verdict to the policy, wherever its output stands', () => {
  const items = itemsOf(40);
  const first = items.filter(({ data }) => data.first);
  expect(first.length).toBeGreaterThan(10);
  expect(first.length).toBeLessThan(30);
  for (const item of items) {
    const [request] = alpacaEval.requests(item, ['mine']);
    const { content } = request!.messages[1]!;
    expect(content).toBe(
      `${item.turns[0]}|${item.data.first ? 'mine|base line' : 'base line|mine'}`,
    );
    const text = item.data.first ? 'm' : 'M';
    expect(alpacaEval.verdict(item, ['mine'], [{ text }])).toBe(1);
    expect(alpacaEval.verdict(item, ['mine'], [{ text: '?' }])).toBeNull();
  }
});

it('asks no judge about equal outputs: a tie', () => {
  const [item] = itemsOf(1);
  expect(alpacaEval.requests(item!, ['base line'])).toEqual([]);
  expect(alpacaEval.verdict(item!, ['base line'], [])).toBe(0.5);
});

const main = (verdicts: (number | null)[], response = 'mine') => {
  const scored = itemsOf(verdicts.length).map((item, i) => ({
    ...{ item, responses: [response], verdict: verdicts[i]! },
  }));
  const table = alpacaEval.score(scored);
  for (const { mean } of table) expect(mean).toBeGreaterThanOrEqual(0);
  return table.find((row) => row.main);
};

it('with fewer verdicts than folds has no length-controlled rate', () => {
  expect(main([1, 0, 1, 1])).toMatchObject({ name: 'win_rate', mean: 75, count: 4 });
  expect(main([1, null, 0])).toMatchObject({ name: 'win_rate', mean: 50, count: 2 });
  expect(main([null, null])).toMatchObject({ name: 'rlmt_win_rate', mean: 0, count: 2 });
});

it('gives a rate where all lengths are equal, and where one side wins all', () => {
  const name = 'length_controlled_minimal_winrate';
  expect(main([1, 0, 1, 1, 0, 1, 1, 1])).toMatchObject({ name, count: 8 });
  const all = main(Array<number>(20).fill(1));
  expect(all).toMatchObject({ name });
  expect(all!.mean).toBeGreaterThan(99);
});

const CSV = 'model,index,preference,std_delta_len,instruction_difficulty,not_gamed_baseline\n';

it.each([
  [{ 'df_gamed.csv': `${CSV}v,0,0.5,1,0.1,False\n` }, 'df_gamed.csv has no row with index 1'],
  [{ 'df_gamed.csv': `${CSV}v,0,0.5,,0.1,False\n` }, 'row 1 has no number "std_delta_len"'],
  [{ 'df_gamed.csv': CSV }, 'df_gamed.csv has no rows'],
  [{ 'alpaca_eval_clf.txt': '{instruction} {output_1} {output_2}' }, 'does not ask in ChatML'],
  [{ 'alpaca_eval_gpt4_baseline.json': '[{"instruction": "x"}]' }, 'row 1 has no text "output"'],
])('refuses %j in one sentence', (files, message) => {
  expect(() => itemsOf(2, files)).toThrow(message);
});

it('the l1 penalty: a single constant feature has a closed form', () => {
  // The loss C n (-o log p - (1 - o) log(1 - p)) + |w| is lowest where C n (p - o) = -sign(w).
  const rows = [0, 1, 1, 1].map((outcome) => ({ features: [1], outcome, weight: 1 }));
  const [w] = fitLassoLogistic(rows, 2);
  expect(1 / (1 + Math.exp(-w!))).toBeCloseTo(0.75 - 1 / 8, 9);
  expect(fitLassoLogistic(rows, 0.5)).toEqual([0]);
});
