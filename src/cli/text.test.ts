import { expect, it } from 'vitest';
import { csv, oneLine, printable, table } from './text.ts';

it('a table aligns its columns, numbers to the right', () => {
  expect(
    table([
      ['a', '1,000', 'x'],
      ['bcd', '20', ''],
    ]),
  ).toBe('a    1,000  x\nbcd     20\n');
});

it('a table shows six digits of fractions, and all of whole numbers', () => {
  expect(
    table([
      ['learning_rate', 0.00006 - 1e-20],
      ['sum', 0.1 + 0.2],
      ['reward', -0.718732978945],
      ['bytes', 1234567.5],
      ['count', 12345678901234],
    ]),
  ).toBe(
    'learning_rate         0.00006\nsum                       0.3\nreward              -0.718733\n' +
      'bytes               1234567.5\ncount          12345678901234\n',
  );
});

it('an error message is one line', () => {
  expect(oneLine('a\n  b\r\nc\n')).toBe('a b c');
});

it('has no character that changes the terminal, in messages and results', () => {
  expect(oneLine('a\x1b]52;c;eA==\x07b\nc')).toBe('a\ufffd]52;c;eA==\ufffdb c');
  expect(printable('1\t2\n\x1b[2J\x9b0m é 🙂')).toBe('1\t2\n\ufffd[2J\ufffd0m é 🙂');
});

it('CSV quotes cells that would break a row', () => {
  expect(
    csv([
      ['a', 1.5],
      ['b,"c"', ''],
    ]),
  ).toBe('a,1.5\n"b,""c""",\n');
});
