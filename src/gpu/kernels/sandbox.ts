/** What kernel tests share: buffers made from host data, one-shot runs, seeded inputs, comparisons. */
import { expect, vi } from 'vitest';
import { planActivations } from '../activations.ts';
import type { Gpu } from '../device.ts';
import { lower, type Op } from '../kernel.ts';
import type { View } from '../memory.ts';
import { openNodeGpu } from '../node.ts';
import { Program } from '../program.ts';
import type { KernelVariants } from '../variants.ts';

type HostData = Float32Array | Uint32Array;

export class Sandbox {
  private readonly views: View[] = [];
  private constructor(readonly gpu: Gpu) {}

  static async open(variants: Partial<KernelVariants> = {}): Promise<Sandbox> {
    return new Sandbox(await openNodeGpu({ variants }));
  }

  /** A buffer that holds `data`. */
  put(data: HostData): View {
    const view = this.gpu.allocate('io', data.byteLength, 'test');
    this.views.push(view);
    this.gpu.upload(view, data);
    return view;
  }

  /** A buffer of `count` MARKs: an element that still is MARK was not written. */
  marked(count: number): View {
    return this.put(new Float32Array(count).fill(MARK));
  }

  async run(...written: Op<unknown>[]): Promise<void> {
    const ops = lower(written, this.gpu.variants);
    const scratch = planActivations(this.gpu, ops);
    const program = await Program.compile(this.gpu, ops);
    await program.run(undefined);
    await this.gpu.idle();
    program.destroy();
    for (const view of scratch) this.gpu.release('activations', view);
  }

  /** The same in as many submits as can be: every workgroup that can be cut off has one of its own. */
  async runCut(...written: Op<unknown>[]): Promise<void> {
    const budget = vi.spyOn(this.gpu.pace, 'budget', 'get').mockReturnValue(1);
    const before = this.gpu.counters.dispatches;
    try {
      await this.run(...written);
    } finally {
      budget.mockRestore();
    }
    const most = lower(written, this.gpu.variants).reduce((sum, { kernel, grid }) => {
      const [x, y = 1] = grid(undefined);
      const launches = (kernel.cut ?? []).reduce((n, axis) => n * { x, y }[axis], 1);
      return sum + (x * y > 0 ? launches : 0);
    }, 0);
    expect(this.gpu.counters.dispatches - before).toBe(most);
  }

  async floats(view: View, count: number): Promise<Float32Array> {
    return (await this.gpu.readFloats(view)).subarray(0, count);
  }

  async integers(view: View, count: number): Promise<Uint32Array> {
    return new Uint32Array((await this.floats(view, count)).buffer, 0, count);
  }

  /** Frees the buffers of one test. */
  clear(): void {
    for (const view of this.views.splice(0)) this.gpu.release('io', view);
  }

  close(): void {
    this.clear();
    this.gpu.close();
  }
}

export const MARK = -12345.5;

/** The ways to reduce rows; all adapters of the tests have subgroups. */
export const ROW_VARIANTS = ['alone', 'memory', 'subgroups'] as const;

/** Seeded numbers in [low, high). */
export function seeded(count: number, seed: number, low = -1, high = 1): Float32Array {
  let state = seed >>> 0;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return low + ((high - low) * (state >>> 8)) / 2 ** 24;
  });
}

/** |got - want| <= absolute + relative |want|, element by element; reports the worst one. */
export function expectClose(
  got: ArrayLike<number>,
  want: ArrayLike<number>,
  absolute: number,
  relative = absolute,
): void {
  expect(got.length).toBe(want.length);
  let worst = 0;
  let report = '';
  for (let i = 0; i < want.length; i++) {
    const [g, w] = [got[i] as number, want[i] as number];
    const excess = Math.abs(g - w) / (absolute + relative * Math.abs(w));
    if (!(excess > worst) && !Number.isNaN(excess)) continue;
    worst = Number.isNaN(excess) ? Infinity : excess;
    report = `[${i}] is ${g}, not ${w}`;
  }
  if (worst > 1) expect.fail(report);
}

/** d f / d x[i] by central differences, for every i; `f` is evaluated in float64. */
export function centralDifferences(
  x: ArrayLike<number>,
  f: (x: Float64Array) => number,
  step = 1e-5,
): Float64Array {
  const at = Float64Array.from(x);
  return Float64Array.from(x, (value, i) => {
    at[i] = value + step;
    const above = f(at);
    at[i] = value - step;
    const below = f(at);
    at[i] = value;
    return (above - below) / (2 * step);
  });
}
