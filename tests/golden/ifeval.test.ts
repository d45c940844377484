/** IFEval's rules against lm-eval 0.4.13 on 1,000 responses (make_ifeval.py), strict and loose. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { follows } from '../../src/rl/evaluation/instructions.ts';
import type { Kwargs } from '../../src/rl/evaluation/ifeval-checks.ts';

const golden = JSON.parse(readFileSync(join(import.meta.dirname, 'ifeval.json'), 'utf8')) as {
  instructions: [id: string, kwargs: Kwargs][];
  pieces: string[];
  cases: [pieces: string, bits: string][];
};

it('agrees with lm-eval on every response and instruction', () => {
  const { instructions, pieces, cases } = golden;
  expect(cases).toHaveLength(1000);
  const wrong = cases.flatMap(([indices, hex]) => {
    const text = indices
      .split(' ')
      .map((i) => pieces[Number(i)]!)
      .join('');
    const bits = BigInt(`0x${hex}`)
      .toString(2)
      .padStart(2 * instructions.length, '0');
    return instructions.flatMap(([id, kwargs], i) =>
      [false, true].flatMap((loose) => {
        const theirs = bits[i + (loose ? instructions.length : 0)] === '1';
        const ours = follows({ id, kwargs }, text, loose);
        return ours === theirs ? [] : [{ id, kwargs, loose, text, theirs }];
      }),
    );
  });
  expect(wrong).toEqual([]);
});

it('has responses that follow and that do not, for every instruction', () => {
  const all = golden.cases.map(([, hex]) =>
    BigInt(`0x${hex}`)
      .toString(2)
      .padStart(2 * golden.instructions.length, '0'),
  );
  golden.instructions.forEach(([id], i) => {
    expect(new Set(all.map((bits) => bits[i])).size, id).toBe(2);
  });
});
