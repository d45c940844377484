import { expect, it } from 'vitest';
import { unknownFacts, type RunFacts } from '../../app/runs/facts.ts';
import type { StoredRun } from '../../app/runs/stored-runs.ts';
import { LAST_SLOT, listingsOf, nextSlot } from './listings.ts';

const stored = (id: string, facts: Partial<RunFacts> = {}, finished = false): StoredRun => ({
  ...{ id, finished, recipe: {}, maxSteps: 5, savedStep: 2, rows: [], problems: [] },
  facts: { ...unknownFacts(id), ...facts },
});

const list = (runs: StoredRun[], held: string[] = [], here: string[] = [], taken: number[] = []) =>
  listingsOf(runs, { held: new Set(held), here, taken, nameOf: () => 'Default recipe' });

it('says how each run ended, and which tab trains it', () => {
  const runs = [
    stored('closed'),
    stored('failed', { ended: 'failed' }),
    stored('done', {}, true),
    stored('here'),
    stored('there', { ended: 'stopped' }),
  ];
  const ends = list(runs, ['here', 'there'], ['here', 'closed']).map(({ id, end }) => [id, end]);
  expect(Object.fromEntries(ends)).toEqual({
    ...{ closed: 'stopped', failed: 'failed', done: 'finished' },
    ...{ here: 'running', there: 'elsewhere' },
  });
});

it('gives each run a slot of its own, and a name', () => {
  const runs = [
    stored('a', { slot: 2, name: 'Mine' }),
    stored('b', { slot: 2 }),
    stored('c'),
    stored('d', { slot: 1 }),
  ];
  const listed = list(runs, [], [], [1]).map(({ facts: { slot, name } }) => [slot, name]);
  expect(listed).toEqual([
    [2, 'Mine'],
    [3, 'Default recipe'],
    [4, 'Default recipe'],
    [5, 'Default recipe'],
  ]);
});

it('keeps the last letter for a recorded run', () => {
  expect(nextSlot([0, LAST_SLOT])).toBe(1);
  expect(nextSlot([0, 24])).toBe(26);
  expect(nextSlot([0, LAST_SLOT, 26])).toBe(27);
});
