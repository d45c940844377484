/** What devices do and hold while a work is repeated. */
import type { Gpu, GpuCounters } from '../../gpu/device.ts';
import { heldBytes } from '../../gpu/memory.ts';
import type { StepCounts } from './measurement.ts';

/** Counts from its making on. */
export class Counter {
  private readonly before: readonly GpuCounters[];

  /** @param others bytes that the devices hold now and that do not belong to the work */
  constructor(
    private readonly gpus: readonly Pick<Gpu, 'counters' | 'ledger' | 'peakBytes'>[],
    private readonly others = 0,
  ) {
    this.before = gpus.map(({ counters }) => ({ ...counters }));
    for (const gpu of gpus) gpu.peakBytes = heldBytes(gpu.ledger);
  }

  /** Useful floating-point operations so far, of all devices; see GpuCounters. */
  get flops(): number {
    return this.sum('flops');
  }

  /** The mean of `steps` repetitions, which are done, of all devices. */
  perStep(steps: number): StepCounts {
    return {
      dispatches: this.sum('dispatches') / steps,
      submits: this.sum('submits') / steps,
      readbacks: this.sum('readbacks') / steps,
      peakBytes: this.gpus.reduce((sum, { peakBytes }) => sum + peakBytes, -this.others),
    };
  }

  private sum(key: keyof GpuCounters): number {
    return this.gpus.reduce(
      (sum, { counters }, i) => sum + counters[key] - this.before[i]![key],
      0,
    );
  }
}
