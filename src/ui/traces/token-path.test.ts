import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { LossType } from '../../rl/objectives/grpo.ts';
import type { Group, Sample } from '../../rl/report.ts';
import { updateOptions } from '../stepper/update-options.ts';
import { formulasOf, pathOf } from './token-path.ts';
import { ownTerms, updateOf } from './what-if.ts';

const sample = (reward: number, after: number): Sample => ({
  ...{ completion: '', thought: null, response: '', wellFormed: true, truncated: false, tokens: 1 },
  ...{ reward, advantage: reward },
  trace: { text: ['a'], logp: [-1], after: [after], ref: [-1.2], entropy: [1] },
});
const group: Group = {
  prompt: '',
  mean: 0,
  std: Math.SQRT2,
  samples: [sample(1, -0.5), sample(-1, -1.1)],
};
const slots = (name: string): string[] => {
  const file = join(import.meta.dirname, '../learn/formulas', `${name}.tex`);
  return [...readFileSync(file, 'utf8').matchAll(/\\slot\{(\w+)\}/g)].map(([, slot]) => slot!);
};

const LOSSES: readonly LossType[] = [
  ...(['grpo', 'bnpo', 'dr_grpo', 'dapo', 'cispo', 'sapo', 'luspo', 'vespo'] as const),
];

it.each(LOSSES)('%s: the formulas of a token have a number in every slot', (loss_type) => {
  const recipe = { algorithm: 'grpo', loss_type, beta: 0.04, epsilon_high: 5 };
  const terms = { ...ownTerms(updateOptions(recipe)), second: true };
  const [numbers] = updateOf(group, terms).tokens[0]!;
  const formulas = formulasOf(numbers!, -1, terms);
  expect(formulas.length).toBeGreaterThan(0);
  for (const { name, values } of formulas) {
    expect(Object.keys(values).sort()).toEqual([...new Set(slots(name))].sort());
    expect(Object.values(values)).not.toContain('–');
  }
});

it('goes from the reward to the gradient in the order of the computation', () => {
  const terms = { ...ownTerms(updateOptions({ algorithm: 'grpo', loss_type: 'dapo' })) };
  const of = (second: boolean, place: readonly [number, number]) => {
    const given = { ...terms, second };
    return Object.fromEntries(
      pathOf(group, updateOf(group, given), given, place).map(({ name, value }) => [name, value]),
    );
  };
  expect(of(false, [0, 0])).toMatchObject({
    ...{ Reward: '1.00', 'Minus the mean': '+1.00', Advantage: '+0.71', Ratio: '1.000' },
    ...{ Clip: 'no', Mask: '1', Normaliser: '0.5' },
  });
  // Half a nat likelier is a ratio of 1.65, beyond the range: only the KL is left.
  expect(of(true, [0, 0])).toMatchObject({ Ratio: '1.649', Clip: 'yes' });
  expect(of(true, [1, 0])).toMatchObject({ Ratio: '0.905', Clip: 'no' });
});
