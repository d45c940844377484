import { expect, it } from 'vitest';
import { EXAMPLE } from './example.ts';
import { readMeasurement, type Row } from './measurement.ts';

const read = (value: unknown): unknown => readMeasurement(JSON.stringify(value), 'a.json');

it('reads what a measurement writes', () => {
  expect(read(EXAMPLE)).toEqual(EXAMPLE);
});

const [row] = EXAMPLE.rows as [Row];

it.for<[string, unknown, string]>([
  ['another document', { name: 'x' }, 'is not a measurement of Ponder'],
  ['a later version', { ...EXAMPLE, version: 2 }, 'has version 2, not 1'],
  ['no ceiling', { ...EXAMPLE, ceilings: { f32: 0, bandwidth: 1 } }, 'has no ceiling f32'],
  ['no date', { ...EXAMPLE, date: undefined }, 'has no date'],
  ['no rows', { ...EXAMPLE, rows: undefined }, 'has no rows'],
  ['an unknown group', { ...EXAMPLE, rows: [{ ...row, group: 'x' }] }, 'unknown group x'],
  ['a row without numbers', { ...EXAMPLE, rows: [{ ...row, seconds: undefined }] }, 'square 256'],
  ['a wrong share', { ...EXAMPLE, rows: [{ ...row, share: -1 }] }, 'a wrong share at square 256'],
  ['null', null, 'is not a measurement'],
])('refuses %s', ([, value, problem]) => {
  expect(() => read(value)).toThrow(problem);
  expect(() => read(value)).toThrow('a.json');
});

it('refuses what is not JSON', () => {
  expect(() => readMeasurement('{', 'a.json')).toThrow('a.json is not JSON');
});
