/** A run whose graphics device is lost goes on with a new one from its last checkpoint, but not for ever. */
import type { Gpu } from '../gpu/device.ts';
import { messageOf } from './message-of.ts';

/** Losses in a row, without a step further between them, after which a run gives up. */
const MOST_LOSSES = 3;

/** The loss is reported by the device itself, a moment after what it makes fail. */
const REPORT_MS = 500;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export class Losses {
  private inARow = 0;
  private furthest = -1;

  /**
   * Whether work failed because a device was lost: the run's own; that of a reward, whose error comes from
   * another worker, by its name; or a new one, which a card that is busy with its reset does not give yet.
   * A run that has done `steps` here fits into the card's memory, so what is full then may be free again.
   */
  async explain(error: unknown, gpu: Gpu | undefined, steps: number): Promise<boolean> {
    const { name } = error as Partial<Error>;
    if (name === 'GpuLostError') return true;
    if (name === 'GpuUnavailableError') return this.inARow > 0;
    if (name === 'GpuMemoryError') return steps > 0;
    if (!gpu) return false;
    return Promise.race([gpu.lost.then(() => true), pause(REPORT_MS).then(() => false)]);
  }

  /** Counts a loss in a run that has done `step` steps. @returns whether to go on with a new device */
  goesOn(step: number): boolean {
    this.inARow = step > this.furthest ? 1 : this.inARow + 1;
    this.furthest = Math.max(step, this.furthest);
    return this.inARow <= MOST_LOSSES;
  }

  /** A driver that was reset needs a moment. */
  async settle(): Promise<void> {
    if (this.inARow > 1) await pause(1000 * (this.inARow - 1));
  }

  /** What happens now, for the user. */
  get sentence(): string {
    return `The graphics device was lost; opening a new one (${this.inARow} of ${MOST_LOSSES}).`;
  }
}

/** Why a run gives up, and what to change. */
export const gaveUp = (error: unknown): string =>
  `The graphics device was lost several times without a finished step (${messageOf(error)}). ` +
  'Choose a smaller per_device_train_batch_size or max_completion_length, close what else uses the ' +
  'card, or update its driver; then continue from the last checkpoint.';
