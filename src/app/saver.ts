/** Saves a live run while it trains, so that little is lost when its tab is closed. */
import { GpuError } from '../gpu/errors.ts';
import { messageOf } from './message-of.ts';
import type { Run } from '../rl/runs/run.ts';
import { TrainingError } from '../rl/trainers/trainer.ts';

/** At most so many seconds of training are lost, unless one step takes longer. */
const SAVE_SECONDS = 60;

export class Saver {
  /** Why the run is not saved, and what to do. */
  unsaved: string | undefined;
  /** That the run is saved again after it could not be saved. */
  again: string | undefined;
  /** A checkpoint is wanted after the step that is running. */
  asked = false;
  /** There is no place to write to. */
  private never = false;
  private saving: Promise<void> | undefined;
  /** Seconds of training since the last checkpoint, or since the last try. */
  private since = 0;

  /** Whether a later try may save the run. */
  get hopes(): boolean {
    return this.unsaved !== undefined && !this.never;
  }

  /** The run has no place; it trains unsaved to its end. */
  giveUp(error: unknown): void {
    this.never = true;
    this.unsaved =
      `This run cannot be saved (${messageOf(error)}). Training continues; ` +
      'leave this tab open, and allow this page to store data before the next run.';
  }

  /**
   * Writing may fail (storage full, or refused). The run then continues and reports that; what was not
   * written is written with the next checkpoint that succeeds.
   * @throws TrainingError or GpuError when the model itself cannot be saved
   */
  async keep(run: Run, write: () => Promise<void>): Promise<void> {
    if (this.never) return;
    try {
      await write();
    } catch (error) {
      if (error instanceof TrainingError || error instanceof GpuError) throw error;
      this.since = 0;
      this.again = undefined;
      this.unsaved =
        `This run is not saved now (${messageOf(error)}). Training continues, and Ponder tries again ` +
        'every minute, and when you press Pause. Leave this tab open.';
    }
    if (this.unsaved !== undefined && run.saved && run.savedStep > 0) {
      this.unsaved = undefined;
      this.again = `The run is saved again, with all steps up to ${run.savedStep}.`;
    }
  }

  /** Writes what is not saved of the run's last step. */
  async save(run: Run): Promise<void> {
    this.asked = false;
    if (run.saved) return;
    this.saving ??= this.keep(run, () => run.save()).finally(() => (this.saving = undefined));
    await this.saving;
  }

  /** Saves a run that is done; tries again every minute, as long as that may help and `waits` says so. */
  async saveAtLast(run: Run, waits: () => boolean): Promise<void> {
    await this.save(run);
    while (this.hopes && waits()) {
      for (let second = 0; second < SAVE_SECONDS && waits() && !this.asked; second++) {
        await new Promise((resolve) => setTimeout(resolve, 1000));
      }
      await this.save(run);
    }
  }

  /**
   * Saves after a step if that was asked for, or if the next step would be too late.
   * @param seconds that the step took
   * @param next how long the next step may take
   */
  async afterStep(run: Run, seconds: number, next: number): Promise<void> {
    this.since += seconds;
    if (this.asked || this.since + next > SAVE_SECONDS) await this.save(run);
    if (run.saved) this.since = 0;
  }
}
