import { expect, it } from 'vitest';
import { Random } from '../../src/rl/random.ts';
import { disagreement, fitEnsemble } from './ensemble.ts';

it('disagrees about what the pairs say little of', () => {
  const random = new Random(1);
  // The first number decides each pair; the second, which is as large, has no say.
  const states = Array.from({ length: 60 }, () => {
    const [a, b] = [random.normal(), random.normal()];
    return [
      [Math.max(a, b), random.normal(), 0],
      [Math.min(a, b), random.normal(), 0],
    ];
  });
  const groups = states.map(() => ({ prompt: '', responses: ['', ''], pairs: [[0, 1]] as const }));
  const ensemble = fitEnsemble(groups, states);
  expect(ensemble.heads.every(([first, second]) => first! > 2 * Math.abs(second!))).toBe(true);

  const { centre } = ensemble;
  const at = (...moved: number[]) => [centre.map((value, i) => value + moved[i]!)];
  expect(disagreement(ensemble, at(0, 0, 0))).toBeCloseTo(0);
  // No pair differs in the third number: the heads have no weight there, so they cannot see it.
  expect(disagreement(ensemble, at(0, 0, 5))).toBeCloseTo(0);
  expect(disagreement(ensemble, at(0, 2, 0))).toBeGreaterThan(0.1);
});
