/** IFEval's rules against lm-eval 0.4.13 on 2,000 responses (make_ifeval.py), strict and loose. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { textModels } from '../../src/cli/text-models.ts';
import { follows } from '../../src/rl/evaluation/instructions.ts';
import type { Kwargs } from '../../src/rl/evaluation/ifeval-checks.ts';
import type { TextModels } from '../../src/rl/evaluation/text-models/text-models.ts';

interface Golden {
  instructions: [id: string, kwargs: Kwargs][];
  pieces: string[];
  cases: [pieces: string, bits: string][];
}

const golden = JSON.parse(readFileSync(join(import.meta.dirname, 'ifeval.json'), 'utf8')) as Record<
  'by_rules' | 'by_models',
  Golden
>;

/** The same text is asked for many instructions. */
const languages = new Map<string, string | undefined>();
const models: TextModels = {
  ...textModels,
  languageOf(text) {
    if (!languages.has(text)) languages.set(text, textModels.languageOf(text));
    return languages.get(text);
  },
};

describe.each(['by_rules', 'by_models'] as const)('%s', (part) => {
  const { instructions, pieces, cases } = golden[part];
  const bitsOf = (hex: string): string =>
    BigInt(`0x${hex}`)
      .toString(2)
      .padStart(2 * instructions.length, '0');

  it('agrees with lm-eval on every response and instruction', () => {
    expect(cases).toHaveLength(1000);
    const wrong = cases.flatMap(([indices, hex]) => {
      const text = indices
        .split(' ')
        .map((i) => pieces[Number(i)]!)
        .join('');
      const bits = bitsOf(hex);
      return instructions.flatMap(([id, kwargs], i) =>
        [false, true].flatMap((loose) => {
          const theirs = bits[i + (loose ? instructions.length : 0)] === '1';
          const ours = follows({ id, kwargs }, text, loose, models);
          return ours === theirs ? [] : [{ id, kwargs, loose, text, theirs }];
        }),
      );
    });
    expect(wrong).toEqual([]);
  });

  it('has responses that follow and that do not, for every instruction', () => {
    const all = cases.map(([, hex]) => bitsOf(hex));
    instructions.forEach(([id, kwargs], i) => {
      expect(new Set(all.map((bits) => bits[i])).size, id + JSON.stringify(kwargs)).toBe(2);
    });
  });
});
