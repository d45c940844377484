import { describe, expect, it } from 'vitest';
import { formatBytes, formatDuration } from './format.ts';

describe('formatDuration', () => {
  it('changes units with the size', () => {
    expect([0.4, 59.4, 60, 200, 3900, -3].map(formatDuration)).toEqual([
      '0 s',
      '59 s',
      '1 min',
      '3 min 20 s',
      '1 h 05 min',
      '0 s',
    ]);
  });
});

describe('formatBytes', () => {
  it('uses decimal units', () => {
    expect([512, 1500, 212_000_000, 3.2e9].map(formatBytes)).toEqual([
      '512 B',
      '1.5 kB',
      '212 MB',
      '3.2 GB',
    ]);
  });
});
