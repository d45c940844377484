/** Watches the foreign calls of a worker from outside, and ends what takes too long. */
import { FOREIGN_SECONDS, tooLong } from '../../model/foreign.ts';

/** A message of a worker about its foreign calls (serve.ts). */
export interface ForeignMessage {
  foreign: string | undefined;
}

export const isForeignMessage = (data: unknown): data is ForeignMessage =>
  typeof data === 'object' && data !== null && 'foreign' in data;

export class ForeignDeadline {
  private timer: ReturnType<typeof setInterval> | undefined;

  /** @param onLate called with a sentence when a call takes too long */
  constructor(private readonly onLate: (sentence: string) => void) {}

  onMessage({ foreign: call }: ForeignMessage): void {
    this.stop();
    if (call === undefined) return;
    // Seconds are counted one by one, because one timer would go off after the computer has slept.
    let seconds = 0;
    this.timer = setInterval(() => {
      if (++seconds <= FOREIGN_SECONDS) return;
      this.stop();
      this.onLate(tooLong(call));
    }, 1000);
  }

  stop(): void {
    clearInterval(this.timer);
  }
}
