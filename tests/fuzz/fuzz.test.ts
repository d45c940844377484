/** A fixed number of changed files for every reader; `npm run fuzz` tries as many as one likes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PARSERS } from './parsers.ts';
import { judge } from './verdict.ts';

/** In ms. Tests beside this one slow it down; `npm run fuzz` asks for a second. */
const LONGEST = 5000;

/** Cases of a reader of weight 1. */
const CASES = 600;

describe.each(PARSERS)('$name', (parser) => {
  it('reads a changed file, or refuses it with an error of its own, in time', async () => {
    const seen = { read: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(parser.inputs, async (input) => {
        const { outcome, detail } = await judge(parser, input, LONGEST);
        expect(['read', 'refused'], detail).toContain(outcome);
        seen[outcome as 'read' | 'refused']++;
      }),
      { numRuns: Math.ceil(CASES * parser.weight), seed: 1 },
    );
    // The changes are neither all harmless nor all fatal.
    expect(seen.read).toBeGreaterThan(0);
    expect(seen.refused).toBeGreaterThan(0);
  });
});
