/**
 * The result of "Measure this browser": the document that the page offers for download and that
 * `npm run bench --out` writes. A change of its fields raises VERSION; files of version 1 are read too.
 */
import type { KernelVariants } from '../../gpu/variants.ts';

export const SCHEMA = 'ponder-measurement';
export const VERSION = 2;

/** What the GPU can do at most, measured in the same run; see ceilings.ts. Medians over the run. */
export interface Ceilings {
  /** Floating-point operations per second, 2 for each multiply-add. */
  readonly f32: number;
  /** The same in float16; null: the adapter has no shader-f16. */
  readonly f16: number | null;
  /** Bytes read and written per second. */
  readonly bandwidth: number;
}

/** The launches of one label in one repetition, by timestamps. */
export interface KernelRow {
  readonly label: string;
  readonly launches: number;
  readonly seconds: number;
  readonly flops: number;
}

/** Another library at the same work. */
export interface OtherResult {
  /** Median seconds of one repetition. */
  readonly seconds?: number;
  readonly timings?: number;
  /** Why it was not timed. */
  readonly skipped?: string;
}

export const groups = ['matmul', 'attention', 'decoding', 'training', 'grpo'] as const;
export type Group = (typeof groups)[number];

/** One piece of work. Rates are per second of `seconds`. */
export interface Row {
  readonly group: Group;
  readonly name: string;
  /** Its sizes, in words. */
  readonly sizes: string;
  /** Why it was not timed; then there are no numbers. */
  readonly skipped?: string;
  /** Median seconds of one repetition, seen from outside. */
  readonly seconds?: number;
  /** How many timings `seconds` is the median of. */
  readonly timings?: number;
  /** Mean seconds of one repetition on the GPU, by timestamps. */
  readonly gpuSeconds?: number;
  /** Useful floating-point operations; see GpuCounters. */
  readonly flops?: number;
  /** The bytes that must be read or written at least: each operand and each result once. */
  readonly bytes?: number;
  /** The ceiling that bounds this work, and the share of it that was reached; see roofline. */
  readonly bound?: 'compute' | 'bandwidth';
  readonly share?: number;
  /** In decoding and GRPO those that are written (the completions'), in training those that are read. */
  readonly tokensPerSecond?: number;
  /** Largest error over the largest element, among samples. */
  readonly error?: number;
  /** The steps' losses differ by this at most between the libraries, relative to the loss. */
  readonly lossDifference?: number;
  readonly others?: Readonly<Record<string, OtherResult>>;
  readonly kernels?: readonly KernelRow[];
  readonly step?: StepCounts;
  readonly grpo?: GrpoNumbers;
}

/**
 * Counts of one repetition: a training step; a GRPO step, policy and reward model together; or one more
 * token of every sequence, with its share of the prompt.
 */
export interface StepCounts {
  readonly dispatches: number;
  readonly submits: number;
  readonly readbacks: number;
  /**
   * The most GPU memory that was held meanwhile for the work's models, gradients, moments, activations
   * and caches; of several devices the sum.
   */
  readonly peakBytes: number;
}

/** What is known of GRPO steps only. */
export interface GrpoNumbers {
  /** Mean tokens of a completion. */
  readonly completionLength: number;
  /** The matrix product that was timed between the steps, and its median rate. */
  readonly matmul: { readonly name: string; readonly rate: number };
  /** The rate of the step over that of the product. */
  readonly shareOfMatmul: number;
}

interface Adapter {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
  /** The browser calls it a fallback adapter: it runs on the CPU. */
  readonly fallback: boolean;
  readonly features: readonly string[];
}

export interface Measurement {
  readonly schema: typeof SCHEMA;
  readonly version: typeof VERSION;
  /** ISO 8601 */
  readonly date: string;
  /** The commit of Ponder's source; null: not known when it was built. */
  readonly ponder: string | null;
  /** The user-agent string. */
  readonly browser: string;
  readonly adapter: Adapter;
  /** The kernels that were run, with the rates of the card if they were measured. Version 1 has a part. */
  readonly kernels: Partial<KernelVariants>;
  /** Seconds between two values of the GPU's clock; null: no timestamps here. */
  readonly timestampResolution: number | null;
  readonly ceilings: Ceilings;
  readonly rows: readonly Row[];
  /** false: it was stopped before the last row. */
  readonly complete: boolean;
  /** Seconds of the whole run. */
  readonly seconds: number;
}

/**
 * Reads a measurement's JSON text; `name` is for messages.
 * @throws Error that says what is wrong
 */
export function readMeasurement(text: string, name: string): Measurement {
  const fail = (problem: string): never => {
    throw new Error(`${name} ${problem}; measure again with npm run bench -- --out ${name}`);
  };
  let value: Partial<Measurement> | null;
  try {
    value = JSON.parse(text) as Partial<Measurement> | null;
  } catch {
    return fail('is not JSON');
  }
  if (value?.schema !== SCHEMA) return fail('is not a measurement of Ponder');
  const version: unknown = value.version;
  if (version !== VERSION && version !== 1) {
    return fail(`has version ${String(version)}, not ${VERSION} or 1`);
  }
  const { adapter, ceilings, rows } = value;
  for (const key of ['date', 'browser'] as const) {
    if (typeof value[key] !== 'string') fail(`has no ${key}`);
  }
  if (value.ponder !== null && typeof value.ponder !== 'string') fail('does not say its commit');
  if (typeof adapter?.description !== 'string') fail('does not name its adapter');
  for (const key of ['f32', 'bandwidth'] as const) {
    if (!isPositive(ceilings?.[key])) fail(`has no ceiling ${key}`);
  }
  if (!Array.isArray(rows)) return fail('has no rows');
  for (const row of rows as Row[]) {
    if (!groups.includes(row.group)) fail(`has a row of the unknown group ${row.group as string}`);
    const timed = isPositive(row.seconds);
    if (timed === (row.skipped !== undefined)) {
      fail(
        `has the row ${row.name}, which must have either seconds or the reason why it was skipped`,
      );
    }
    if (row.share !== undefined && !isPositive(row.share)) fail(`has a wrong share at ${row.name}`);
  }
  return version === 1 ? ofVersion1(value as Measurement) : (value as Measurement);
}

/**
 * Of a GRPO step, version 1 has the operations of more than one, the prompts among the tokens, and no peak
 * of the memory: all that comes from these is left out.
 */
const WRONG_IN_VERSION_1 = ['flops', 'bound', 'share', 'tokensPerSecond', 'step'];

function ofVersion1(measurement: Measurement): Measurement {
  const rows = measurement.rows.map((row): Row => {
    if (row.group !== 'grpo') return row;
    const right = Object.entries(row).filter(([key]) => !WRONG_IN_VERSION_1.includes(key));
    return Object.fromEntries(right) as unknown as Row;
  });
  return { ...measurement, version: VERSION, rows };
}

function isPositive(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value) && value > 0;
}
