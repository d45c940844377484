import { expect, it } from 'vitest';
import { EXAMPLE } from './example.ts';
import { readMeasurement, type Row } from './measurement.ts';

const read = (value: unknown): unknown => readMeasurement(JSON.stringify(value), 'a.json');

it('reads what a measurement writes', () => {
  expect(read(EXAMPLE)).toEqual(EXAMPLE);
});

it('reads version 1, without the numbers that it counted wrongly', () => {
  const rows = EXAMPLE.rows.filter(({ group }) => group !== 'grpo');
  const right = { group: 'grpo', name: 'x.yaml', sizes: '8 completions', seconds: 2, timings: 5 };
  const wrong = { flops: 4.8e9, bound: 'compute', share: 0.24, tokensPerSecond: 9000 };
  const step = { dispatches: 1000, submits: 20, readbacks: 10, bytes: 118e6 };
  const kernels = { matmul: 'cpu', attention: 'shared', rows: 'alone' };
  const old = { ...EXAMPLE, version: 1, kernels, rows: [...rows, { ...right, ...wrong, step }] };
  expect(read(old)).toEqual({ ...EXAMPLE, kernels, rows: [...rows, right] });
});

const [row] = EXAMPLE.rows as [Row];

it.for<[string, unknown, string]>([
  ['another document', { name: 'x' }, 'is not a measurement of Ponder'],
  ['a later version', { ...EXAMPLE, version: 3 }, 'has version 3, not 2 or 1'],
  ['no ceiling', { ...EXAMPLE, ceilings: { f32: 0, bandwidth: 1 } }, 'has no ceiling f32'],
  ['no date', { ...EXAMPLE, date: undefined }, 'has no date'],
  ['no commit', { ...EXAMPLE, ponder: undefined }, 'does not say its commit'],
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
