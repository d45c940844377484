/**
 * The seconds that a training step takes. Following held-out prompts is no part of it: TRL's step_time has no
 * such work, and with it every evaluated step would look slow.
 */
export class StepClock {
  private readonly started = performance.now();
  private apart = 0;

  /** Runs work that is no part of the step. */
  async without<T>(work: () => Promise<T>): Promise<T> {
    const before = performance.now();
    const result = await work();
    this.apart += performance.now() - before;
    return result;
  }

  /** Since the clock was made. */
  get seconds(): number {
    return (performance.now() - this.started - this.apart) / 1000;
  }
}
