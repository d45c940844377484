/**
 * The GPU time of each launch. While a device has a profile, every launch of a program (program.ts)
 * gets a pass of its own with a timestamp at its beginning and at its end. That slows the programs, so
 * times of whole programs are measured without a profile.
 */

/** The launches of one label. */
interface LaunchTimes {
  readonly label: string;
  readonly launches: number;
  readonly seconds: number;
  /** Useful floating-point operations; see GpuCounters. */
  readonly flops: number;
}

export interface ProfileTimes {
  readonly kernels: readonly LaunchTimes[];
  /**
   * Seconds between two values of the clock, found from the values that were read. Browsers round
   * timestamps, usually to 100 microseconds. The sum over many launches is right nevertheless: a
   * launch that is shorter than that counts as 0 or as one unit, in proportion to its time.
   */
  readonly resolution: number;
}

/** The most queries that WebGPU guarantees in one set. */
const MOST_QUERIES = 4096;
const BYTES_PER_QUERY = 8;

interface StampSet {
  readonly queries: GPUQuerySet;
  readonly launches: { readonly label: string; readonly flops: number }[];
}

export class Profile {
  /** Sets whose timestamps the next `resolve` copies. */
  private sets: StampSet[] = [];
  /** Copied timestamps, with the launches that they belong to. */
  private copies: (StampSet & { readonly resolved: GPUBuffer; readonly buffer: GPUBuffer })[] = [];

  /** `device` needs the feature timestamp-query. */
  constructor(private readonly device: GPUDevice) {}

  /** The timestamps of the next launch's pass. */
  stamp(label: string, flops: number): GPUComputePassTimestampWrites {
    let set = this.sets.at(-1);
    if (!set || 2 * set.launches.length === MOST_QUERIES) {
      const queries = this.device.createQuerySet({ type: 'timestamp', count: MOST_QUERIES });
      set = { queries, launches: [] };
      this.sets.push(set);
    }
    const first = 2 * set.launches.push({ label, flops }) - 2;
    return {
      querySet: set.queries,
      beginningOfPassWriteIndex: first,
      endOfPassWriteIndex: first + 1,
    };
  }

  /** Copies the timestamps of the passes in `encoder`; call it before the encoder is finished. */
  resolve(encoder: GPUCommandEncoder): void {
    for (const { queries, launches } of this.sets.splice(0)) {
      const count = 2 * launches.length;
      const size = count * BYTES_PER_QUERY;
      const resolved = this.device.createBuffer({
        size,
        usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
      });
      const buffer = this.device.createBuffer({
        size,
        usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
      });
      encoder.resolveQuerySet(queries, 0, count, resolved, 0);
      encoder.copyBufferToBuffer(resolved, 0, buffer, 0, size);
      this.copies.push({ queries, launches, resolved, buffer });
    }
  }

  /** The times of everything submitted since the last call, the longest first. */
  async take(): Promise<ProfileTimes> {
    const byLabel = new Map<string, { launches: number; seconds: number; flops: number }>();
    let unit = 0n;
    for (const { queries, launches, resolved, buffer } of this.copies.splice(0)) {
      await buffer.mapAsync(GPUMapMode.READ);
      const stamps = new BigUint64Array(buffer.getMappedRange().slice(0));
      for (const used of [queries, resolved, buffer]) used.destroy();
      launches.forEach(({ label, flops }, i) => {
        const [begin, end] = [stamps[2 * i]!, stamps[2 * i + 1]!];
        unit = greatestDivisor(unit, greatestDivisor(begin, end));
        const times = byLabel.get(label) ?? { launches: 0, seconds: 0, flops: 0 };
        times.launches++;
        // Some drivers give a launch without work an end before its beginning.
        times.seconds += end > begin ? Number(end - begin) / 1e9 : 0;
        times.flops += flops;
        byLabel.set(label, times);
      });
    }
    const kernels = [...byLabel].map(([label, times]) => ({ label, ...times }));
    kernels.sort((a, b) => b.seconds - a.seconds);
    return { kernels, resolution: Number(unit) / 1e9 };
  }
}

function greatestDivisor(a: bigint, b: bigint): bigint {
  while (b > 0n) [a, b] = [b, a % b];
  return a;
}
