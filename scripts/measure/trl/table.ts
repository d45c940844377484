/** What the comparison with TRL measured, as a table and as sentences. */
import { median } from '../../../src/app/measure/arithmetic.ts';
import { driverOf, kernelsName, madeLine, type Made } from '../made.ts';
import type { Ready } from './side.ts';

export interface Measured extends Ready {
  program: 'TRL' | 'Ponder';
  steps: {
    seconds: number;
    /** Mean tokens of a completion. */
    length: number;
    reward: number | undefined;
    kl: number | undefined;
    entropy: number | undefined;
    gradNorm: number | undefined;
  }[];
  /** Seconds of a product by layout. */
  products: Record<string, number[]>;
}

export interface Comparison {
  made: Made;
  /** Of the square products. */
  size: number;
  rounds: number;
  measured: Measured[];
}

/** As "Ponder, lavapipe of Mesa 26.2.6-1, wide kernels". */
export function nameOf({ program, device, kernels, versions }: Measured): string {
  if (!kernels)
    return `${program} ${versions!['trl']}, torch ${releaseOf(versions!['torch']!)}, ${device}`;
  return `${program}, ${driverOf(device)}, ${kernelsName(kernels)} kernels`;
}

/** A Python version without its build, such as +cpu. */
function releaseOf(version: string): string {
  return version.split('+')[0]!;
}

export function trlTable({ made, size, rounds, measured }: Comparison): string {
  const layouts = Object.keys(measured[0]!.products);
  const rows = measured.map((one) => {
    const { steps, products, chosen } = one;
    const seconds = steps.map((step) => step.seconds);
    const perToken = steps.map((step) => (1e6 * step.seconds) / (128 * step.length));
    return [
      `${nameOf(one)}${chosen ? ' *' : ''}`,
      median(seconds).toFixed(2),
      `${Math.min(...seconds).toFixed(2)} to ${Math.max(...seconds).toFixed(2)}`,
      mean(steps.map(({ length }) => length)).toFixed(1),
      median(perToken).toFixed(0),
      mean(steps.map(({ reward }) => reward ?? NaN)).toFixed(2),
      ...layouts.map((layout) => (2e-9 * size ** 3 * (1 / median(products[layout]!))).toFixed(1)),
    ];
  });
  const heading = ['', 'step, s', 'least to most', 'tokens', 'us a token', 'reward', ...layouts];
  const versions = Object.entries(measured.find((one) => one.versions)?.versions ?? {});
  return `${[
    `GRPO steps of recipes/default.yaml (128 completions), and matmul ${size} in GFLOP/s by layout;`,
    `medians of ${rounds} timings in turn on one machine, float32. tokens: the mean length of a completion.`,
    'The same prompts in the same order, weights, reward model (thought left out), loss and optimizer; the',
    'random numbers of sampling differ, so completions and their lengths do, a little.',
    `*: the kernels that Ponder takes on this driver by itself. ${versions.map((one) => one.join(' ')).join(', ')}.`,
    madeLine(made),
    '',
    ...[heading, ...rows].map(
      ([name, ...cells]) => name!.padEnd(50) + cells.map((cell) => cell.padStart(14)).join(''),
    ),
  ].join('\n')}\n`;
}

/** A sentence for README.md: TRL, and Ponder with the kernels that it takes on each driver by itself. */
export function trlSentence({ measured }: Comparison): string {
  const trl = measured.find(({ program }) => program === 'TRL')!;
  const ours = measured.filter(({ chosen }) => chosen);
  const parts = ours.map((one) => {
    const driver = driverOf(one.device);
    const kernels = `its own choice of kernels: ${kernelsName(one.kernels!)}`;
    const note = driver === 'SwiftShader' ? 'what a browser without a graphics card uses' : kernels;
    return `Ponder in Node on ${driver} (${note}) ${stepOf(one).toFixed(2)} s, ${timesOf(one, trl)}`;
  });
  const { trl: release, torch } = trl.versions!;
  return (
    `Beside TRL on the same CPU, a GRPO step of \`recipes/default.yaml\`: TRL ${release} on torch ${releaseOf(torch!)} takes ` +
    `${stepOf(trl).toFixed(2)} s; ${parts.join('; ')}.\n`
  );
}

/** "2.5 times as long as TRL" */
function timesOf(one: Measured, trl: Measured): string {
  return `${(stepOf(one) / stepOf(trl)).toFixed(1)} times as long as TRL`;
}

/** Median seconds of a step. */
function stepOf({ steps }: Measured): number {
  return median(steps.map(({ seconds }) => seconds));
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
