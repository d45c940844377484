/**
 * A program is a list of ops compiled once (pipelines, bind groups, a uniform arena) and replayed
 * many times. A replay is cut into submits (submits.ts), usually one; each writes the parameters of its
 * launches at once and encodes one pass: it creates nothing per kernel.
 */
import { viewOf } from './activations.ts';
import type { Gpu } from './device.ts';
import { GpuError } from './errors.ts';
import { lower, writeParams, type Op, type ParamType } from './kernel.ts';
import type { View } from './memory.ts';
import type { Profile } from './profile.ts';
import { AXES, cutIntoSubmits, type Launch, type Submit } from './submits.ts';

/** The alignment WebGPU guarantees for dynamic uniform offsets; the parameters of a launch take less. */
const BLOCK_BYTES = 256;

interface Ready<D> {
  readonly op: Op<D>;
  readonly paramTypes: readonly ParamType[];
  /** One for each kernel that the op can pick. */
  readonly pipelines: readonly GPUComputePipeline[];
  readonly bindGroup: GPUBindGroup;
}

/** Hands an encoder over to the device. */
type Hand = (encoder: GPUCommandEncoder, last: boolean) => void;

export interface Readback {
  readonly data: Promise<ArrayBuffer[]>;
}

export class Program<D> {
  private readonly arenaBytes: ArrayBuffer;
  private readonly ops: readonly Op<D>[];
  private destroyed = false;

  private constructor(
    private readonly gpu: Gpu,
    private readonly steps: readonly Ready<D>[],
    private readonly arena: GPUBuffer,
    private readonly arenaGroup: GPUBindGroup,
  ) {
    this.arenaBytes = new ArrayBuffer(arena.size);
    this.ops = steps.map(({ op }) => op);
  }

  /** Compiles `ops`; activations must have been planned. At most `maxRuns` replays share a submit. */
  static async compile<D>(gpu: Gpu, written: readonly Op<D>[], maxRuns = 1): Promise<Program<D>> {
    const ops = lower(written, gpu.variants);
    const pipelines = await gpu.wait(
      Promise.all(
        ops.map((op) =>
          Promise.all(
            [op.kernel, ...(op.others ?? [])].map((kernel) =>
              gpu.pipeline(kernel, op.constants).catch((error: unknown) => {
                throw new GpuError(`kernel ${kernel.name} does not compile: ${String(error)}`);
              }),
            ),
          ),
        ),
      ),
    );
    const steps = ops.map((op, i) => ({
      op,
      paramTypes: Object.values(op.kernel.params),
      pipelines: pipelines[i] as GPUComputePipeline[],
      bindGroup: gpu.device.createBindGroup({
        label: op.label,
        layout: gpu.pipelines.storageLayout(op.kernel),
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
      layout: gpu.pipelines.paramsLayout(),
      entries: [{ binding: 0, resource: { buffer: arena, size: BLOCK_BYTES } }],
    });
    return new Program(gpu, steps, arena, arenaGroup);
  }

  /**
   * Replays the program once per entry of `runs`, in order. Resolves when all is submitted, with at most
   * the last submit still running.
   * @throws GpuError of a device that has failed.
   */
  async run(...runs: readonly D[]): Promise<void> {
    await this.submitAll(runs, (encoder) => this.gpu.submit(encoder));
  }

  /**
   * The same; the last submit also copies `views`. Resolves as `run` does, when the data may still
   * be on its way.
   */
  async runAndRead(views: readonly View[], ...runs: readonly D[]): Promise<Readback> {
    let data: Promise<ArrayBuffer[]> | undefined;
    await this.submitAll(runs, (encoder, last) => {
      if (last) data = this.gpu.submitAndRead(encoder, views);
      else this.gpu.submit(encoder);
    });
    data ??= this.gpu.read(...views);
    // Who does not wait for the data has no use for its failure.
    data.catch(() => undefined);
    return { data };
  }

  /** Useful floating-point operations of one replay. */
  flops(dims: D): number {
    return this.ops.reduce((sum, op) => sum + (op.again ? 0 : (op.flops?.(dims) ?? 0)), 0);
  }

  destroy(): void {
    this.destroyed = true;
    this.gpu.destroyBuffer(this.arena);
  }

  private async submitAll(runs: readonly D[], submit: Hand): Promise<void> {
    const { pace } = this.gpu;
    const maxLaunches = this.arena.size / BLOCK_BYTES;
    const submits = cutIntoSubmits(this.ops, runs, maxLaunches, () => pace.budget);
    await pace.submitAll(submits, (one) => submit(this.encode(one), one.last));
  }

  private encode({ launches }: Submit<D>): GPUCommandEncoder {
    this.gpu.throwIfFailed();
    if (this.destroyed) throw new GpuError('the program was destroyed before all of it had run');
    const encoder = this.gpu.device.createCommandEncoder();
    const view = new DataView(this.arenaBytes);
    launches.forEach((launch, i) => this.writeParams(view, i * BLOCK_BYTES, launch));
    if (this.gpu.profile) {
      this.encodeTimed(encoder, launches, this.gpu.profile);
    } else {
      const pass = encoder.beginComputePass();
      launches.forEach((launch, i) => this.dispatch(pass, i * BLOCK_BYTES, launch));
      pass.end();
    }
    const bytes = launches.length * BLOCK_BYTES;
    this.gpu.device.queue.writeBuffer(this.arena, 0, this.arenaBytes, 0, bytes);
    return encoder;
  }

  /** One pass for each launch, between two timestamps. */
  private encodeTimed(
    encoder: GPUCommandEncoder,
    launches: readonly Launch<D>[],
    profile: Profile,
  ): void {
    launches.forEach((launch, i) => {
      const op = this.ops[launch.index] as Op<D>;
      // The operations of an op in several launches count at its first.
      const flops = launch.first.some(Boolean) || op.again ? 0 : (op.flops?.(launch.dims) ?? 0);
      const pass = encoder.beginComputePass({ timestampWrites: profile.stamp(op.label, flops) });
      this.dispatch(pass, i * BLOCK_BYTES, launch);
      pass.end();
    });
    profile.resolve(encoder);
  }

  private writeParams(view: DataView, block: number, { index, dims, first }: Launch<D>): void {
    const { op, paramTypes } = this.steps[index] as Ready<D>;
    writeParams(view, block, paramTypes, op.params(dims));
    op.kernel.cut?.forEach((axis, i) =>
      view.setUint32(block + 4 * (paramTypes.length + i), first[AXES[axis]], true),
    );
  }

  private dispatch(pass: GPUComputePassEncoder, block: number, launch: Launch<D>): void {
    const { op, pipelines, bindGroup } = this.steps[launch.index] as Ready<D>;
    pass.setPipeline(pipelines[op.pick?.(launch.dims) ?? 0] as GPUComputePipeline);
    pass.setBindGroup(0, bindGroup);
    pass.setBindGroup(1, this.arenaGroup, [block]);
    pass.dispatchWorkgroups(...launch.grid);
    this.gpu.counters.dispatches++;
  }
}
