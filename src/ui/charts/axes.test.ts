import { describe, expect, it } from 'vitest';
import { AXES, axisRange, valueRange, type Room } from './axes.ts';

const room = (more: Partial<Room> = {}): Room => ({
  log: false,
  fromZero: false,
  part: 'all',
  ...more,
});

describe('axisRange', () => {
  it('goes to the last planned step of any run', () => {
    expect(axisRange('step', 0, 0)).toEqual([1, 2]);
    expect(axisRange('step', 12, 150)).toEqual([1, 150]);
    expect(axisRange('step', 300, 150)).toEqual([1, 300]);
  });
  it('ends at the time and tokens so far', () => {
    expect(axisRange('time', 95.5, 150)).toEqual([0, 95.5]);
    expect(axisRange('tokens', 0, 150)).toEqual([0, 1]);
  });
});

describe('valueRange', () => {
  it('leaves a margin, and starts at zero where asked', () => {
    expect(valueRange(10, 20, room())).toEqual([9.4, 20.6]);
    expect(valueRange(10, 20, room({ fromZero: true }))).toEqual([0, 21.2]);
    expect(valueRange(-10, 10, room({ fromZero: true }))).toEqual([-11.2, 11.2]);
  });
  it('has room for a single value', () => {
    const [low, high] = valueRange(3, 3, room());
    expect(low).toBeLessThan(3);
    expect(high).toBeGreaterThan(3);
    const [logLow, logHigh] = valueRange(3, 3, room({ log: true }));
    expect(logLow).toBeLessThan(3);
    expect(logLow).toBeGreaterThan(0);
    expect(logHigh).toBeGreaterThan(3);
  });
  it('scales the axis on a log scale: margins are factors', () => {
    const [low, high] = valueRange(1, 100, room({ log: true }));
    expect(low).toBeCloseTo(100 ** -0.06);
    expect(high).toBeCloseTo(100 ** 1.06);
  });
  it('keeps two scales apart', () => {
    const above = valueRange(0, 10, room({ part: 'above' }));
    const below = valueRange(0, 10, room({ part: 'below' }));
    expect(above).toEqual([-3.5, 10.6]);
    expect(below).toEqual([-0.6, 13.5]);
  });
});

it('ticks carry their unit', () => {
  expect(AXES.step.tick(1, true)).toBe('step 1');
  expect(AXES.step.tick(50, false)).toBe('50');
  expect(AXES.time.tick(90, false)).toBe('1 min 30 s');
  expect(AXES.tokens.tick(20_000, true)).toBe('20K tokens');
});
