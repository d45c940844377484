/** The devices of a live run: one after the other, when the one before was lost. */
import type { Gpu } from '../gpu/device.ts';
import type { RunFolder } from '../rl/runs/run-folder.ts';
import { gaveUp, Losses } from './lost-device.ts';
import type { Surroundings } from './opening/surroundings.ts';

/** Besides what every trainer needs, a live run needs a place that still exists after the tab is closed. */
export interface LiveSurroundings extends Surroundings {
  /**
   * The folder of a run, which nobody else writes until `close`.
   * @throws if another tab writes it, or the browser stores nothing
   */
  claim(id: string): Promise<RunFolder>;
  /** Gives back the device and the rewards. */
  close(): void;
}

export class LiveDevices {
  private around: LiveSurroundings | undefined;
  private readonly losses = new Losses();

  /** @param onLost called when the device that is in use is lost */
  constructor(
    private readonly surroundings: () => Promise<LiveSurroundings>,
    private readonly onLost: (error: Error) => void,
  ) {}

  /** The device in use; undefined before the first, and between two. */
  get gpu(): Gpu | undefined {
    return this.around?.gpu;
  }

  /** @param wanted whether somebody still needs the device when it is there; else undefined is returned */
  async open(wanted: () => boolean): Promise<LiveSurroundings | undefined> {
    const around = await this.surroundings();
    if (!wanted()) {
      around.close();
      return undefined;
    }
    this.around = around;
    void around.gpu.lost.then((error) => {
      if (this.around === around) this.onLost(error);
    });
    return around;
  }

  /** Whether work failed because a device was lost, in a run that has done `steps` here. */
  isLoss(error: unknown, steps: number): Promise<boolean> {
    return this.losses.explain(error, this.gpu, steps);
  }

  /**
   * Closes what was lost in step `step`.
   * @returns what happens now, for the user
   * @throws Error after too many losses
   */
  giveBack(error: unknown, step: number): string {
    const { around } = this;
    this.around = undefined;
    around?.close();
    if (!this.losses.goesOn(step)) throw new Error(gaveUp(error));
    return this.losses.sentence;
  }

  /** Waits until a driver that was reset is ready. */
  settle(): Promise<void> {
    return this.losses.settle();
  }

  close(): void {
    this.around?.close();
  }
}
