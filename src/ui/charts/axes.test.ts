import { describe, expect, it } from 'vitest';
import { AXES, axisRange, roundTicks, valueRange, type Room } from './axes.ts';

const room = (more: Partial<Room> = {}): Room => ({
  log: false,
  fromZero: false,
  part: 'all',
  ...more,
});

describe('axisRange', () => {
  it('goes to the last planned step of any run', () => {
    expect(axisRange('step', 1, 0, 0)).toEqual([1, 2]);
    expect(axisRange('step', 1, 12, 150)).toEqual([1, 150]);
    expect(axisRange('step', 1, 300, 150)).toEqual([1, 300]);
  });
  it('begins at step 0 if a run was evaluated before training', () => {
    expect(axisRange('step', 0, 12, 150)).toEqual([0, 150]);
    expect(axisRange('step', 10, 12, 150)).toEqual([1, 150]);
  });
  it('ends at the time and tokens so far', () => {
    expect(axisRange('time', 0, 95.5, 150)).toEqual([0, 95.5]);
    expect(axisRange('tokens', 0, 0, 150)).toEqual([0, 1]);
  });
});

describe('roundTicks', () => {
  it.each([
    [[-1.3, 0.14], 3, [-1, -0.5, 0]],
    [[0, 0.537], 3, [0, 0.2, 0.4]],
    [[-0.26, 0.52], 4, [-0.2, 0, 0.2, 0.4]],
    [[0.2, 0.9], 4, [0.2, 0.4, 0.6, 0.8]],
    [[-130, 250], 4, [-100, 0, 100, 200]],
    [[0.0011, 0.0019], 5, [0.0012, 0.0014, 0.0016, 0.0018]],
  ] as const)('of %j, at most %i: %j', (range, most, ticks) => {
    expect(roundTicks(range, most)).toEqual(ticks);
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
