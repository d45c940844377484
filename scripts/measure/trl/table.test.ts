import { expect, it } from 'vitest';
import { KERNELS_FOR, type KernelVariants } from '../../../src/gpu/variants.ts';
import { driverOf } from '../made.ts';
import { nameOf, trlSentence, trlTable, type Comparison, type Measured } from './table.ts';

const steps = (...seconds: number[]): Measured['steps'] =>
  seconds.map((one) => ({
    ...{ seconds: one, length: 40, reward: -1, kl: 0, entropy: 1, gradNorm: 1 },
  }));
const products = { nn: [0.1], nt: [0.1], tn: [0.1] };
const LAVAPIPE = 'mesa software llvmpipe-llvm-22 llvmpipe: Mesa 26.2.6-1 (LLVM 22.1.8)';

function ponder(
  device: string,
  kernels: KernelVariants,
  chosen: boolean,
  seconds: number,
): Measured {
  return { program: 'Ponder', device, kernels, chosen, steps: steps(seconds), products };
}

const comparison: Comparison = {
  made: { command: 'node scripts/measure.mjs trl', date: '2026-11-29', commit: 'abc' },
  ...{ size: 1024, rounds: 3 },
  measured: [
    {
      program: 'TRL',
      device: '2 threads',
      steps: steps(0.9, 0.5, 0.7),
      products,
      versions: { trl: '1.16.0', torch: '2.15.0+cpu', transformers: '5.24.0' },
    },
    ponder('google swiftshader 5', KERNELS_FOR.cpu, true, 1.75),
    ponder(LAVAPIPE, KERNELS_FOR.card, false, 2),
    ponder(LAVAPIPE, KERNELS_FOR.wide, true, 0.35),
  ],
};

it('names the driver and the kernels of each side', () => {
  expect(comparison.measured.map(nameOf)).toEqual([
    'TRL 1.16.0, torch 2.15.0, 2 threads',
    'Ponder, SwiftShader, cpu kernels',
    'Ponder, lavapipe of Mesa 26.2.6-1, card kernels',
    'Ponder, lavapipe of Mesa 26.2.6-1, wide kernels',
  ]);
  expect(driverOf('nvidia ampere')).toBe('nvidia ampere');
});

it('the table has medians, and marks the kernels that Ponder takes by itself', () => {
  const lines = trlTable(comparison).split('\n');
  expect(lines).toContain('Made by node scripts/measure.mjs trl, on 2026-11-29, at commit abc.');
  expect(lines.find((line) => line.startsWith('TRL'))).toMatch(/ 0\.70 +0\.50 to 0\.90 /);
  expect(lines.find((line) => line.includes('wide'))).toMatch(/wide kernels \* +0\.35/);
  expect(lines.find((line) => line.includes('card kernels'))).not.toContain('*');
});

it('the sentence says the factors of these kernels, slower ones too', () => {
  expect(trlSentence(comparison)).toBe(
    'Beside TRL on the same CPU, a GRPO step of `recipes/default.yaml`: TRL 1.16.0 on torch 2.15.0 takes 0.70 s; ' +
      'Ponder in Node on SwiftShader (what a browser without a graphics card uses) 1.75 s, 2.5 times as long as TRL; ' +
      'Ponder in Node on lavapipe of Mesa 26.2.6-1 (its own choice of kernels: wide) 0.35 s, 0.5 times as long as TRL.\n',
  );
});
