import { expect, it } from 'vitest';
import type { JudgedPair } from '../../app/judge-pair.ts';
import { compareEvaluations } from '../../rl/evaluation/compare.ts';
import type { Evaluated } from '../../rl/evaluation/evaluate.ts';
import { traitChanges } from '../../rl/evaluation/traits.ts';
import { scoreTable, thoughtTable, traitTable } from './judged-tables.ts';

const row = (prompt: number, response: string, reward: number): Evaluated => ({
  ...{ prompt: String(prompt), thought: null, response, well_formed: true },
  rewards: { reward, 'stored:mine': -reward },
});
/** After training every response is one point better, and ten words longer in every second row. */
const before = [0, 1, 2, 3].map((i) => row(i, 'a b c', i));
const after = before.map((own, i) =>
  row(i, own.response + (i % 2 ? ' d e f g h i j k l m' : ''), i + 1),
);

const pair: JudgedPair = {
  prompts: 4,
  comparisons: compareEvaluations(after, before),
  traits: traitChanges([{ tries: 1 }, { tries: 2 }], [{ tries: 3, cross_checks: 1 }, { tries: 2 }]),
  thoughts: 3,
  effects: [
    { variant: 'own', scores: { reward: { mean: 2, low: 1, high: 3 } } },
    {
      variant: 'removed',
      scores: { reward: { mean: 0.5, low: 0, high: 1 } },
      loss: { reward: { mean: 1.5, low: 1, high: 2 } },
    },
  ],
};

it('has a row for each judge, with win rates and scores of the policy after training', () => {
  const { columns, rows, notes } = scoreTable(pair, 20);
  expect(rows.map(({ name }) => name)).toEqual(['The reward it was trained on', 'mine']);
  const cell = (judge: number, column: string) => rows[judge]!.cells[columns.indexOf(column) - 1]!;
  expect(cell(0, 'Mean before').value).toBe('1.50');
  expect(cell(0, 'Mean after')).toEqual({ value: '2.50', below: '1.00 (1.00 to 1.00) more' });
  expect(cell(0, 'Wins after training')).toEqual({ value: '100%', below: '100% to 100%' });
  expect(cell(1, 'Wins after training').value).toBe('0%');
  expect(cell(1, 'Mean after').below).toBe('−1.00 (−1.00 to −1.00) more');
  expect(cell(0, 'WildBench score').value).toBe('+50');
  expect(cell(1, 'WildBench score').value).toBe('−50');
  expect(notes[0]).toContain('more than 20 characters longer');
});

it('marks a rate that could not be controlled for length', () => {
  const same = compareEvaluations(
    [0, 1].map((i) => row(i, 'a b c d', i + 1)),
    [0, 1].map((i) => row(i, 'a b', i)),
  );
  const { rows, notes } = scoreTable({ ...pair, comparisons: same }, 500);
  expect(rows[0]!.cells[3]!.value).toBe('100%*');
  expect(notes.at(-1)).toMatch(/^\* The raw win rate/);
});

it('explains each trait, and how often there is more of it', () => {
  const { rows, notes } = traitTable(pair)!;
  expect(rows.map(({ name }) => name)).toEqual(['tries', 'cross checks']);
  expect(rows[0]).toMatchObject({
    help: 'Number of plans that it considers.',
    cells: [{ value: '1.50' }, { value: '2.50' }, { value: '75%', below: '50% to 100%' }],
  });
  expect(rows[1]!.cells).toEqual([
    { value: '–' },
    { value: '1.00' },
    { value: '–', below: '0 prompts' },
  ]);
  expect(notes[0]).toMatch(/log-odds/);
  expect(traitTable({ ...pair, traits: [] })).toBeUndefined();
});

it('shows what is lost without the thought', () => {
  const { columns, rows, notes } = thoughtTable(pair)!;
  expect(columns).toEqual(['Judge', 'Its own thought', 'No thought']);
  expect(rows[0]!.cells).toEqual([
    { value: '2.00' },
    { value: '0.50', below: '1.50 (1.00 to 2.00) less' },
  ]);
  expect(notes[0]).toContain('answers 3 prompts again');
  expect(thoughtTable({ ...pair, effects: [] })).toBeUndefined();
});
