/**
 * How much work goes into one submit, and how many submits the device has before it at a time. While a
 * submit runs, the operating system may be unable to draw the desktop, and after about two seconds it
 * resets the device.
 */

/** What a submit should take at most. */
const SUBMIT_SECONDS = 0.1;

/**
 * Operations a second of the weakest devices: what is done before anything is known. What seems slower
 * has other reasons: the computer slept, or the browser held the page up.
 */
export const LEAST_RATE = 5e9;

/**
 * Shorter measurements would hold more of the browser's delays than of the device's work. A rate that is
 * far too low needs no exact one: delays make a device seem slower, hardly ever faster.
 */
const MEASURED_SECONDS = { long: 0.25, short: 0.03 };

/**
 * A rate that is wrong by this factor is far too low, or far too high. One measurement raises it by this
 * factor at most.
 */
const FAR = 2;

const MOST_IN_FLIGHT = 2;

export class Pace {
  /** Operations a second: set by who knows it before the first submit, then measured. */
  rate = LEAST_RATE;
  private least = MEASURED_SECONDS.short;
  /** What has ended since the last measurement, and the seconds that it took. */
  private ended = { work: 0, seconds: 0 };

  /** `submittedWorkDone` resolves when everything submitted so far has run; it never rejects. */
  constructor(private readonly submittedWorkDone: () => Promise<void>) {}

  /** Operations that one submit may hold. */
  get budget(): number {
    return SUBMIT_SECONDS * this.rate;
  }

  /**
   * Hands over one submit after the other, the next one when at most one is still running. Only where
   * there are several is their end awaited and the device's rate measured. On return all are
   * submitted, and all but the last have run.
   */
  async submitAll<S extends { readonly work: number }>(
    submits: Iterable<S>,
    submit: (one: S) => void,
  ): Promise<void> {
    // Short calls add up where the rate may be far off. Else a measurement has one call: the submit that
    // runs when a call begins makes the device seem slower.
    if (this.least === MEASURED_SECONDS.long) this.ended = { work: 0, seconds: 0 };
    const inFlight: Promise<void>[] = [];
    /** The end of the submit before, of this call. */
    const before = { time: performance.now() };
    let last: S | undefined;
    for (const one of submits) {
      if (last) {
        inFlight.push(this.measureEnd(last.work, before));
        if (inFlight.length === MOST_IN_FLIGHT) await inFlight.shift();
      }
      submit(one);
      last = one;
    }
    await Promise.all(inFlight);
  }

  /** Waits for what is submitted; `work` is the work of its last submit. */
  private async measureEnd(work: number, before: { time: number }): Promise<void> {
    await this.submittedWorkDone();
    const now = performance.now();
    const { ended } = this;
    ended.work += work;
    ended.seconds += (now - before.time) / 1000;
    before.time = now;
    if (ended.seconds < this.least) return;
    const seen = ended.work / ended.seconds;
    const most = FAR * this.rate;
    const isFar = seen >= most || FAR * seen <= this.rate;
    // After a rate that was far too high, the one that follows may be far too low: the computer slept.
    this.least = isFar ? MEASURED_SECONDS.short : MEASURED_SECONDS.long;
    // Down at once, up half the way: a submit that is too long does more harm than one too short.
    this.rate = Math.max(LEAST_RATE, Math.min(seen, (this.rate + seen) / 2, most));
    this.ended = { work: 0, seconds: 0 };
  }
}
