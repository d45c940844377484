/** What the comparison with TRL measured, and its table. */

export interface Measured {
  name: string;
  /** Of TRL: torch's threads. */
  device: string;
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
  /** Of the square products. */
  size: number;
  rounds: number;
  measured: Measured[];
}

export function trlTable({ size, rounds, measured }: Comparison): string {
  const layouts = Object.keys(measured[0]!.products);
  const rows = measured.map(({ name, steps, products }) => {
    const seconds = steps.map((step) => step.seconds);
    const perToken = steps.map((step) => (1e6 * step.seconds) / (128 * step.length));
    return [
      name,
      median(seconds).toFixed(2),
      `${Math.min(...seconds).toFixed(2)} to ${Math.max(...seconds).toFixed(2)}`,
      mean(steps.map(({ length }) => length)).toFixed(1),
      median(perToken).toFixed(0),
      mean(steps.map(({ reward }) => reward ?? NaN)).toFixed(2),
      ...layouts.map((layout) => (2e-9 * size ** 3 * (1 / median(products[layout]!))).toFixed(1)),
    ];
  });
  const heading = ['', 'step, s', 'least to most', 'tokens', 'us a token', 'reward', ...layouts];
  return `${[
    `GRPO steps of recipes/default.yaml (128 completions), and matmul ${size} in GFLOP/s by layout;`,
    `medians of ${rounds} timings in turn on one machine, float32. tokens: the mean length of a completion.`,
    'The same prompts in the same order, weights, reward model (thought left out), loss and optimizer; the',
    'random numbers of sampling differ, so completions and their lengths do, a little.',
    '',
    ...[heading, ...rows].map(
      ([name, ...cells]) => name!.padEnd(34) + cells.map((cell) => cell.padStart(15)).join(''),
    ),
  ].join('\n')}\n`;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2;
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
