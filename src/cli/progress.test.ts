import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Progress, progressLine } from './progress.ts';

it('a progress line shows the rate and the time left, from the steps done here', () => {
  expect(progressLine(0, 100, 0, 0, 'compiling')).toBe('[                    ] 0/100  compiling');
  expect(progressLine(60, 100, 50, 20, '')).toBe(
    '[############        ] 60/100  2.0 s each  1 min 20 s left',
  );
  expect(progressLine(25, 100, 0, 5, 'reward 1')).toBe(
    '[#####               ] 25/100  5.0 per s  15 s left  reward 1',
  );
});

describe('progress', () => {
  let now = 0;
  let said = '';
  const { isTTY } = process.stderr;
  beforeEach(() => {
    now = 0;
    said = '';
    vi.spyOn(performance, 'now').mockImplementation(() => now);
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => (said += String(text)) !== '');
  });
  afterEach(() => {
    vi.restoreAllMocks();
    process.stderr.isTTY = isTTY;
  });

  /** 100 steps of a second each. */
  const run = (): void => {
    const progress = new Progress(100);
    for (let step = 1; step <= 100; step++) {
      now = 1000 * step;
      progress.update(step);
    }
    progress.clear();
  };

  it('in a file is a line every half minute, without what moves a cursor', () => {
    process.stderr.isTTY = false;
    run();
    const lines = said.split('\n');
    expect(lines.map((line) => line.match(/\d+\/100/)?.[0])).toEqual([
      ...['30/100', '60/100', '90/100', undefined],
    ]);
    // eslint-disable-next-line no-control-regex -- they must not be there
    expect(said).not.toMatch(/[\r\x1b]/);
  });

  it('in a terminal is one line that is drawn again, and gone at the end', () => {
    process.stderr.isTTY = true;
    run();
    expect(said).not.toContain('\n');
    expect(said.split('\r\x1b[K').slice(1)).toHaveLength(101);
    expect(said.endsWith('\r\x1b[K')).toBe(true);
  });
});
