/**
 * A program is a list of ops compiled once (pipelines, bind groups, a uniform arena) and replayed
 * many times. A replay writes the parameters of all ops at once, encodes one pass and submits once:
 * it creates nothing per kernel.
 */
import { viewOf } from './activations.ts';
import type { Gpu } from './device.ts';
import { GpuError } from './errors.ts';
import type { Op } from './kernel.ts';

/** The alignment WebGPU guarantees for dynamic uniform offsets. */
const BLOCK_BYTES = 256;
const PARAM_BYTES = 64;

interface Ready<D> {
  readonly op: Op<D>;
  /** One for each kernel that the op can pick. */
  readonly pipelines: readonly GPUComputePipeline[];
  readonly bindGroup: GPUBindGroup;
}

export class Program<D> {
  private readonly arenaBytes: ArrayBuffer;
  private constructor(
    private readonly gpu: Gpu,
    private readonly steps: readonly Ready<D>[],
    private readonly arena: GPUBuffer,
    private readonly arenaGroup: GPUBindGroup,
    /** How many replays fit into one submit. */
    readonly maxRuns: number,
  ) {
    this.arenaBytes = new ArrayBuffer(arena.size);
  }

  /** Compiles `ops`; activations must have been planned. `maxRuns` replays can share one submit. */
  static async compile<D>(gpu: Gpu, written: readonly Op<D>[], maxRuns = 1): Promise<Program<D>> {
    const ops = written.map((op) => op.adapt?.(gpu.variants) ?? op);
    const pipelines = await Promise.all(
      ops.map((op) =>
        Promise.all(
          [op.kernel, ...(op.others ?? [])].map((kernel) =>
            gpu.pipeline(kernel, op.constants).catch((error: unknown) => {
              throw new GpuError(`kernel ${kernel.name} does not compile: ${String(error)}`);
            }),
          ),
        ),
      ),
    );
    const steps = ops.map((op, i) => ({
      op,
      pipelines: pipelines[i] as GPUComputePipeline[],
      bindGroup: gpu.device.createBindGroup({
        label: op.label,
        layout: gpu.storageLayout(op.kernel),
        entries: op.bindings.map((bindable, binding) => {
          const { buffer, byteOffset, byteLength } = viewOf(bindable);
          return { binding, resource: { buffer, offset: byteOffset, size: byteLength } };
        }),
      }),
    }));
    const arena = gpu.createBuffer({
      label: 'parameters',
      size: Math.max(1, ops.length * maxRuns) * BLOCK_BYTES,
      usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
    });
    const arenaGroup = gpu.device.createBindGroup({
      layout: gpu.paramsLayout(),
      entries: [{ binding: 0, resource: { buffer: arena, size: PARAM_BYTES } }],
    });
    return new Program(gpu, steps, arena, arenaGroup, maxRuns);
  }

  /** Replays the program once per entry of `runs`, in order, in one submit. */
  run(...runs: readonly D[]): void {
    const encoder = this.gpu.device.createCommandEncoder();
    this.writeParams(runs);
    const pass = encoder.beginComputePass();
    runs.forEach((dims, run) => {
      for (let i = 0; i < this.steps.length; i++) this.dispatch(pass, run, i, dims);
    });
    pass.end();
    this.gpu.submit(encoder);
  }

  /** Useful floating-point operations of one replay. */
  flops(dims: D): number {
    return this.steps.reduce((sum, { op }) => sum + (op.flops?.(dims) ?? 0), 0);
  }

  destroy(): void {
    this.gpu.destroyBuffer(this.arena);
  }

  private writeParams(runs: readonly D[]): void {
    if (runs.length > this.maxRuns) throw new GpuError(`at most ${this.maxRuns} runs per submit`);
    const view = new DataView(this.arenaBytes);
    runs.forEach((dims, run) => {
      this.steps.forEach(({ op }, i) => {
        const types = Object.values(op.kernel.params);
        let at = (run * this.steps.length + i) * BLOCK_BYTES;
        op.params(dims).forEach((value, field) => {
          if (types[field] === 'f32') view.setFloat32(at, value, true);
          else if (types[field] === 'i32') view.setInt32(at, value, true);
          else view.setUint32(at, value, true);
          at += 4;
        });
      });
    });
    const bytes = runs.length * this.steps.length * BLOCK_BYTES;
    this.gpu.device.queue.writeBuffer(this.arena, 0, this.arenaBytes, 0, bytes);
  }

  private dispatch(pass: GPUComputePassEncoder, run: number, index: number, dims: D): void {
    const { op, pipelines, bindGroup } = this.steps[index] as Ready<D>;
    const [x, y = 1, z = 1] = op.grid(dims);
    if (x * y * z === 0) return;
    pass.setPipeline(pipelines[op.pick?.(dims) ?? 0] as GPUComputePipeline);
    pass.setBindGroup(0, bindGroup);
    pass.setBindGroup(1, this.arenaGroup, [(run * this.steps.length + index) * BLOCK_BYTES]);
    pass.dispatchWorkgroups(x, y, z);
    this.gpu.counters.dispatches++;
  }
}
