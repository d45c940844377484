import { expect, it } from 'vitest';
import { progressLine } from './progress.ts';
import { csv, oneLine, printable, table } from './text.ts';

it('a table aligns its columns, numbers to the right', () => {
  expect(
    table([
      ['a', '1,000', 'x'],
      ['bcd', '20', ''],
    ]),
  ).toBe('a    1,000  x\nbcd     20\n');
});

it('a table shows no digits that stand for less than a rounding error', () => {
  expect(
    table([
      ['learning_rate', 0.00006 - 1e-20],
      ['sum', 0.1 + 0.2],
      ['count', 123456789012],
    ]),
  ).toBe('learning_rate       0.00006\nsum                     0.3\ncount          123456789012\n');
});

it('an error message is one line', () => {
  expect(oneLine('a\n  b\r\nc\n')).toBe('a b c');
});

it('has no character that changes the terminal, in messages and results', () => {
  expect(oneLine('a\x1b]52;c;eA==\x07b\nc')).toBe('a\ufffd]52;c;eA==\ufffdb c');
  expect(printable('1\t2\n\x1b[2J\x9b0m é 🙂')).toBe('1\t2\n\ufffd[2J\ufffd0m é 🙂');
});

it('a progress line shows the rate and the time left, from the steps done here', () => {
  expect(progressLine(0, 100, 0, 0, 'compiling')).toBe('[                    ] 0/100  compiling');
  expect(progressLine(60, 100, 50, 20, '')).toBe(
    '[############        ] 60/100  2.0 s each  1 min 20 s left',
  );
  expect(progressLine(25, 100, 0, 5, 'reward 1')).toBe(
    '[#####               ] 25/100  5.0 per s  15 s left  reward 1',
  );
});

it('CSV quotes cells that would break a row', () => {
  expect(
    csv([
      ['a', 1.5],
      ['b,"c"', ''],
    ]),
  ).toBe('a,1.5\n"b,""c""",\n');
});
