/**
 * One GPU device with what the rest of src/gpu needs of it: its compiled kernels, a byte ledger,
 * uploads and batched readbacks, and errors that surface as exceptions.
 * This is not a tensor library: it has buffers and kernels only.
 */
import { infoOf, requestAdapter } from './adapter.ts';
import { GpuError, GpuLostError, GpuMemoryError, GpuUnavailableError } from './errors.ts';
import type { Kernel } from './kernel.ts';
import {
  bufferBytes,
  emptyLedger,
  heldBytes,
  type Lifetime,
  type Memory,
  type View,
} from './memory.ts';
import { LEAST_RATE, Pace } from './pace.ts';
import { Pipelines } from './pipelines.ts';
import type { Profile } from './profile.ts';
import { Staging } from './staging.ts';
import { KERNELS_FOR, type CardRates, type KernelVariants } from './variants.ts';

/** Work counted since the device was opened. */
export interface GpuCounters {
  dispatches: number;
  submits: number;
  readbacks: number;
  /**
   * Useful floating-point operations of matrix products and attention, 2 per multiply-add. Padding
   * and recomputation do not count.
   */
  flops: number;
}

const WANTED_FEATURES = ['subgroups'] as const;

const WANTED_LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxStorageBuffersPerShaderStage',
] as const;

export interface GpuOptions {
  /** Kernel variants to run in place of those that suit the adapter. */
  variants?: Partial<KernelVariants>;
  /**
   * Finds the rates of a graphics card (tuning.ts). Not called where `variants` has `matmul`, and not
   * for adapters in software: they take seconds to compile all tiles, and have little to gain.
   */
  measure?: (gpu: Gpu) => Promise<CardRates | undefined>;
  /** Further features that the device gets if the adapter has them. */
  features?: readonly GPUFeatureName[];
  /** How to wait for the device where `await` alone is not good enough; see node.ts. */
  wait?: <T>(pending: Promise<T>) => Promise<T>;
  /** On close the device is not destroyed; this gets it, empty and with its kernels compiled, to `reopen`. */
  keep?: (gpu: Gpu) => void;
}

/** What stays when a device is closed and kept. */
interface Kept {
  readonly device: GPUDevice;
  readonly info: GPUAdapterInfo;
  readonly pipelines: Pipelines;
  /** What is measured once; see `GpuOptions.measure`. */
  card?: CardRates | undefined;
  /** Of the last Pace. */
  rate?: number | undefined;
}

function suitableVariants({ features }: GPUDevice, info: GPUAdapterInfo): KernelVariants {
  const subgroups = features.has('subgroups');
  // Subgroups of four are the lanes of a CPU's vector register; of graphics cards, only Arm's have them
  // (Mali-G31, G51, G71 and G72; Arm's GPU guide, "Adjacent threads").
  if (subgroups && info.subgroupMaxSize === 4 && info.vendor !== 'arm') return KERNELS_FOR.cpu;
  if (subgroups && info.vendor === 'mesa' && info.architecture === 'software') {
    // lavapipe. From Mesa 26 on it loads once what is the same for a workgroup.
    const [, release] = /Mesa (\d+)/.exec(info.description) ?? [];
    return Number(release) >= 26 ? KERNELS_FOR.wide : KERNELS_FOR.cpu;
  }
  return { ...KERNELS_FOR.card, rows: subgroups ? 'subgroups' : 'memory' };
}

/**
 * Operations a second to begin with. Attention, and what only moves data, reach less than products. The
 * most is what a middling card reaches: a wrong measurement must not make the first submits dangerous.
 */
function firstRate({ full }: CardRates): number {
  const quarter = (2 * Math.max(...Object.values(full))) / 4;
  return Math.min(MOST_FIRST_RATE, Math.max(LEAST_RATE, quarter));
}
const MOST_FIRST_RATE = 1e12;

export class Gpu implements Memory {
  readonly ledger = emptyLedger();
  /** The most bytes that the ledger has held; who watches a while sets it to what is held now. */
  peakBytes = 0;
  readonly counters: GpuCounters = { dispatches: 0, submits: 0, readbacks: 0, flops: 0 };
  /** Resolves when the device is lost or closed. */
  readonly lost: Promise<GpuLostError>;
  readonly device: GPUDevice;
  readonly info: GPUAdapterInfo;
  readonly pipelines: Pipelines;
  /** Waits for what the device does; see the option. */
  readonly wait: <T>(pending: Promise<T>) => Promise<T>;
  private chosen: KernelVariants;
  readonly pace: Pace;
  /** Kernels that were asked for and are compiled. */
  compiled = 0;
  /** Is told of each of them. */
  onCompiled: (() => void) | undefined;
  /** While it is set, the launches of all programs are timed one by one. */
  profile: Profile | undefined;

  private readonly staging = new Staging(this);
  private readonly buffers = new Set<GPUBuffer>();
  private readonly asked = new Set<Promise<GPUComputePipeline>>();
  private failure: GpuError | undefined;
  private closed = false;
  private end!: (error: GpuLostError) => void;

  private constructor(
    private readonly kept: Kept,
    private readonly options: GpuOptions,
  ) {
    const { device, info, pipelines } = kept;
    this.wait = options.wait ?? ((pending) => pending);
    this.device = device;
    this.info = info;
    this.pipelines = pipelines;
    this.chosen = { ...suitableVariants(device, info), ...options.variants };
    // A device that is lost reports so by itself.
    this.pace = new Pace(() => this.submittedWorkDone().catch(() => undefined));
    this.lost = new Promise((resolve) => {
      this.end = resolve;
    });
    void device.lost.then((reason) => {
      this.fail(
        new GpuLostError(
          `The graphics device was lost (${reason.message || reason.reason}). ` +
            'Reload the page or start the command again; a saved run can be resumed.',
        ),
      );
    });
    device.addEventListener('uncapturederror', this.onError);
  }

  /**
   * Opens a device with every optional feature the kernels can use and the adapter's own limits.
   * @throws GpuUnavailableError when there is no adapter.
   */
  static async open(api: GPU | undefined, options: GpuOptions = {}): Promise<Gpu> {
    const adapter = await requestAdapter(api);
    if (!adapter) {
      throw new GpuUnavailableError(
        'WebGPU is not available here. Use a current Chrome or Edge with hardware acceleration on.',
      );
    }
    const wanted = [...WANTED_FEATURES, ...(options.features ?? [])];
    const features = wanted.filter((feature) => adapter.features.has(feature));
    const requiredLimits = Object.fromEntries(
      WANTED_LIMITS.map((name) => [name, adapter.limits[name]]),
    );
    const device = await adapter.requestDevice({ requiredFeatures: features, requiredLimits });
    const kept = { device, info: infoOf(adapter), pipelines: new Pipelines(device) };
    return new Gpu(kept, options).measured();
  }

  /** Opens the device of this kept Gpu with other options. Do not use this Gpu afterwards. */
  reopen(options: GpuOptions): Promise<Gpu> {
    this.device.removeEventListener('uncapturederror', this.onError);
    return new Gpu(this.kept, options).measured();
  }

  private async measured(): Promise<Gpu> {
    const { kept, options, chosen } = this;
    if (chosen.matmul === 'blocked' && !options.variants?.matmul && !kept.info.isFallbackAdapter) {
      if (!kept.card) {
        kept.card = await options.measure?.(this);
        kept.rate = kept.card && firstRate(kept.card);
      }
      if (kept.card) this.chosen = { ...chosen, card: kept.card };
    }
    this.pace.rate = kept.rate ?? this.pace.rate;
    return this;
  }

  private readonly onError = ({ error }: GPUUncapturedErrorEvent): void => {
    this.failure ??=
      error instanceof GPUOutOfMemoryError
        ? new GpuMemoryError(
            'The graphics card has no memory left. Choose a smaller model, group or length.',
          )
        : new GpuError(
            `The graphics device reported an error (${error.message}). Reload the page or ` +
              'start the command again.',
          );
  };

  get variants(): KernelVariants {
    return this.chosen;
  }

  get maxBinding(): number {
    const { maxStorageBufferBindingSize, maxBufferSize } = this.device.limits;
    return Math.min(maxStorageBufferBindingSize, maxBufferSize);
  }

  allocate(lifetime: Lifetime, bytes: number, label: string): View {
    const size = bufferBytes(bytes);
    if (size > this.maxBinding) {
      throw new GpuMemoryError(
        `This graphics card takes ${Math.floor(this.maxBinding / 1e6)} MB in one piece, and ` +
          `${Math.ceil(size / 1e6)} MB are needed (${label}). Choose a smaller batch or length, or a ` +
          'smaller model.',
      );
    }
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
    const buffer = this.createBuffer({ label, size, usage });
    this.ledger[lifetime] += size;
    this.peakBytes = Math.max(this.peakBytes, heldBytes(this.ledger));
    return { buffer, byteOffset: 0, byteLength: size };
  }

  release(lifetime: Lifetime, view: View): void {
    this.ledger[lifetime] -= view.buffer.size;
    this.destroyBuffer(view.buffer);
  }

  /** A buffer that the ledger does not count; it lives until `destroyBuffer` or `close`. */
  createBuffer(descriptor: GPUBufferDescriptor): GPUBuffer {
    this.throwIfFailed();
    const buffer = this.device.createBuffer(descriptor);
    this.buffers.add(buffer);
    return buffer;
  }

  destroyBuffer(buffer: GPUBuffer): void {
    buffer.destroy();
    this.buffers.delete(buffer);
  }

  upload(view: View, data: Float32Array | Uint32Array | Int32Array): void {
    this.throwIfFailed();
    if (data.byteLength > view.byteLength) {
      throw new GpuError(`upload of ${data.byteLength} bytes into a view of ${view.byteLength}`);
    }
    this.device.queue.writeBuffer(
      view.buffer,
      view.byteOffset,
      data.buffer,
      data.byteOffset,
      data.byteLength,
    );
  }

  /** Reads several ranges back in one submit and one wait; each result is its own copy. */
  async read(...views: View[]): Promise<ArrayBuffer[]> {
    this.throwIfFailed();
    return this.submitAndRead(this.device.createCommandEncoder(), views);
  }

  /** Submits what is encoded, with a copy of `views` after it, and reads the copy. */
  async submitAndRead(encoder: GPUCommandEncoder, views: readonly View[]): Promise<ArrayBuffer[]> {
    const data = this.staging.copy(encoder, views);
    this.submit(encoder);
    this.counters.readbacks++;
    try {
      return await data(this.wait);
    } catch (error) {
      // When the device is lost, the map is rejected; the report of the loss says more than that.
      if (!this.failure) await Promise.race([this.lost, new Promise((r) => setTimeout(r, 50))]);
      throw error;
    } finally {
      this.throwIfFailed();
    }
  }

  async readFloats(view: View): Promise<Float32Array> {
    const [bytes] = await this.read(view);
    return new Float32Array(bytes as ArrayBuffer);
  }

  submit(encoder: GPUCommandEncoder): void {
    this.throwIfFailed();
    this.device.queue.submit([encoder.finish()]);
    this.counters.submits++;
  }

  /** Compiles a kernel once per set of override constants. */
  pipeline(kernel: Kernel, constants: Record<string, number> = {}): Promise<GPUComputePipeline> {
    const pipeline = this.pipelines.get(kernel, constants);
    if (!this.asked.has(pipeline)) {
      this.asked.add(pipeline);
      const count = (): void => {
        this.compiled++;
        this.onCompiled?.();
      };
      // Whoever asked for the pipeline gets its error.
      pipeline.then(count, () => undefined);
    }
    return pipeline;
  }

  throwIfFailed(): void {
    if (this.failure) throw this.failure;
  }

  /** Waits until everything submitted has run. */
  async idle(): Promise<void> {
    await this.submittedWorkDone();
    this.throwIfFailed();
  }

  private async submittedWorkDone(): Promise<void> {
    await this.wait(this.device.queue.onSubmittedWorkDone());
  }

  private fail(error: GpuLostError): void {
    this.failure ??= error;
    this.end(error);
  }

  /** What still goes on, such as loading a model, fails with its next piece. */
  close(): void {
    // Another may have the device by now.
    if (this.closed) return;
    this.closed = true;
    const { keep } = this.options;
    const reuse = keep && !this.failure;
    this.fail(new GpuLostError('The graphics device was closed.'));
    if (!reuse) {
      this.device.destroy();
      return;
    }
    for (const buffer of this.buffers) this.destroyBuffer(buffer);
    this.device.removeEventListener('uncapturederror', this.onError);
    this.kept.rate = this.pace.rate;
    keep(new Gpu(this.kept, this.options));
  }
}
