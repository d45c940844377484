/** "Measure this browser": all rows, one after the other, with the ceilings timed between them. */
import type { Gpu } from '../../gpu/device.ts';
import { roofline } from './arithmetic.ts';
import { attentionRows, attentionShapes } from './attention.ts';
import { Bench, type Library } from './bench.ts';
import { CeilingProbes } from './ceilings.ts';
import { decodingRows, decodingTask } from './decoding.ts';
import { grpoRow, type GrpoTask } from './grpo.ts';
import { matmulRow, matmulShapes, squares } from './matmuls.ts';
import {
  SCHEMA,
  VERSION,
  type Ceilings,
  type Group,
  type Measurement,
  type Row,
} from './measurement.ts';
import { profileOf } from './timing.ts';
import { trainingRow, trainingShapes } from './training.ts';

/** Features that the measured device gets if the adapter has them. */
export const MEASURED_FEATURES: readonly GPUFeatureName[] = ['timestamp-query', 'shader-f16'];

/** How long the measurement may take. */
interface Patience {
  /** Seconds in which a work is timed again and again. */
  readonly budget: number;
  /** Seconds that one repetition may take; what takes longer is skipped. */
  readonly longest: number;
}

/** A visitor waits for the result. */
export const VISITOR: Patience = { budget: 0.5, longest: 2.5 };
export const THOROUGH: Patience = { budget: 1.5, longest: 40 };

export interface MeasureOptions {
  /** Opened with MEASURED_FEATURES. */
  readonly gpu: Gpu;
  /** For a device of this multiply-add rate; see tasksFor. */
  readonly tasks: (rate: number) => readonly Task[];
  readonly patience: Patience;
  readonly browser: string;
  /** The commit of Ponder's source, if it is known. */
  readonly ponder: string | null;
  readonly libraries?: readonly Library[];
  /** Measures these groups only; matmul must be among them if grpo is. */
  readonly groups?: readonly Group[];
  /** Called when the ceilings are measured, and after each task. */
  readonly onProgress?: (progress: Progress) => void;
}

export interface Progress {
  /** All that is measured so far. */
  readonly measurement: Measurement;
  /** Tasks done, and tasks in total. */
  readonly done: number;
  readonly total: number;
  /** What is measured next; absent at the end. */
  readonly next?: string;
}

/** A part of the measurement that gives one row or more. */
export interface Task {
  readonly group: Group;
  readonly name: string;
  run(bench: Bench, before: readonly Row[]): Promise<readonly Row[]>;
}

/** All tasks, in order; `rate` is the multiply-add rate of the device. */
export function tasksFor(rate: number, grpo: GrpoTask): Task[] {
  const decoding = decodingTask(rate);
  return [
    ...matmulShapes.map((shape): Task => ({
      ...{ group: 'matmul', name: `matrix product ${shape.name}` },
      run: async (bench) => [await matmulRow(bench, shape)],
    })),
    ...attentionShapes.map((shape): Task => ({
      ...{ group: 'attention', name: `attention, ${shape.sequences} x ${shape.length} tokens` },
      run: (bench) => attentionRows(bench, shape),
    })),
    {
      ...{ group: 'decoding', name: `decoding, ${decoding.model}` },
      run: (bench) => decodingRows(bench, decoding),
    },
    ...trainingShapes.map((shape): Task => ({
      ...{ group: 'training', name: `training, ${shape.name}` },
      run: async (bench) => [await trainingRow(bench, shape)],
    })),
    {
      ...{ group: 'grpo', name: `GRPO steps of ${grpo.name}` },
      run: async (bench, before) => [await grpoRow(bench, grpo, bestSquare(before))],
    },
  ];
}

/** Resolves with the whole measurement. @throws GpuError of a device that has failed */
export async function measure(options: MeasureOptions): Promise<Measurement> {
  const { gpu, patience, libraries = [], groups, onProgress } = options;
  const started = performance.now();
  const date = new Date().toISOString();
  const probes = await CeilingProbes.open(gpu);
  const clock = await profileOf([gpu], () => probes.again());
  const bench = new Bench(gpu, probes, libraries, patience.budget, patience.longest);
  const tasks = options
    .tasks(probes.ceilings.f32)
    .filter(({ group }) => groups?.includes(group) ?? true);
  const rows: Row[] = [];
  const measured = (complete: boolean): Measurement => ({
    schema: SCHEMA,
    version: VERSION,
    date,
    ponder: options.ponder,
    browser: options.browser,
    adapter: adapterOf(gpu),
    kernels: gpu.variants,
    timestampResolution: clock?.[0]?.resolution ?? null,
    ceilings: probes.ceilings,
    rows: rows.map((row) => withShare(row, probes.ceilings)),
    complete,
    seconds: (performance.now() - started) / 1000,
  });
  const total = tasks.length;
  for (const [done, task] of tasks.entries()) {
    onProgress?.({ measurement: measured(false), done, total, next: task.name });
    rows.push(...(await task.run(bench, rows)));
    await probes.again();
  }
  probes.free();
  const measurement = measured(groups === undefined);
  onProgress?.({ measurement, done: total, total });
  return measurement;
}

/** With the share of the ceilings of the whole run; a skipped row has none. */
function withShare(row: Row, ceilings: Ceilings): Row {
  const { seconds, flops, bytes } = row;
  if (seconds === undefined || flops === undefined) return row;
  return { ...row, ...roofline({ seconds, flops, bytes }, ceilings) };
}

function adapterOf({ info, device }: Gpu): Measurement['adapter'] {
  const { vendor, architecture, description } = info;
  return {
    ...{ vendor, architecture, description },
    device: info.device,
    fallback: info.isFallbackAdapter,
    features: [...device.features].sort(),
  };
}

function bestSquare(rows: readonly Row[]): Parameters<typeof grpoRow>[2] {
  const timed = squares.flatMap((shape) => {
    const row = rows.find(({ group, name }) => group === 'matmul' && name === shape.name);
    return row?.seconds === undefined ? [] : [{ shape, rate: row.flops! / row.seconds }];
  });
  const [best] = timed.sort((a, b) => b.rate - a.rate);
  if (!best) throw new Error('the square products come before the GRPO steps');
  return best;
}
