/** Saves a live run while it trains, so that little is lost when its tab is closed. */
import { GpuError } from '../gpu/errors.ts';
import { messageOf } from './message-of.ts';
import type { Run } from '../rl/runs/run.ts';
import { TrainingError } from '../rl/trainers/trainer.ts';

/** At most so many seconds of training are lost, unless one step takes longer. */
const SAVE_SECONDS = 60;

export class Saver {
  /** Why the run is not saved any more, and what to do. */
  unsaved: string | undefined;
  /** A checkpoint is wanted after the step that is running. */
  asked = false;
  private saving: Promise<void> | undefined;
  /** Seconds of training since the last checkpoint. */
  private since = 0;

  /**
   * Writing may fail (storage full, or refused); the run then continues unsaved and reports that.
   * @throws TrainingError or GpuError when the model itself cannot be saved
   */
  async keep(write: () => Promise<void> | undefined): Promise<void> {
    if (this.unsaved !== undefined) return;
    try {
      await write();
    } catch (error) {
      if (error instanceof TrainingError || error instanceof GpuError) throw error;
      const reason = messageOf(error);
      this.unsaved =
        `This run is not saved any more (${reason}). Training continues; ` +
        'free some space in the browser before the next run, and leave this tab open.';
    }
  }

  /** Writes a checkpoint if there is none of the run's last step. */
  async save(run: Run): Promise<void> {
    this.asked = false;
    if (run.trainer.step === run.savedStep) return;
    this.saving ??= this.keep(() => run.save()).finally(() => (this.saving = undefined));
    await this.saving;
  }

  /**
   * Saves after a step if that was asked for, or if the next step would be too late.
   * @param seconds that the step took
   * @param next how long the next step may take
   */
  async afterStep(run: Run, seconds: number, next: number): Promise<void> {
    this.since += seconds;
    if (this.asked || this.since + next > SAVE_SECONDS) await this.save(run);
    if (run.trainer.step === run.savedStep) this.since = 0;
  }
}
