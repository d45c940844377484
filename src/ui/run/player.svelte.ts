import type { ViewedRun } from './viewed-run.svelte.ts';

/** A whole run is played in about this long, whatever its length. */
const PLAY_MS = 22_000;
const MIN_TICK_MS = 40;
const MAX_TICK_MS = 600;

/** How long each of a run's reports is on view. */
export const tickOf = (reports: number): number =>
  Math.min(MAX_TICK_MS, Math.max(MIN_TICK_MS, PLAY_MS / reports));

/** Moves the playhead through the reports that a run already has. */
export class Player {
  playing = $state(false);
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor(private readonly run: ViewedRun) {}

  /** Plays from the playhead; from the start if it is at the end. */
  play(): void {
    this.pause();
    if (!this.run.reports.length) return;
    if (this.run.isFollowing) this.run.seek(1);
    this.playing = true;
    this.timer = setInterval(() => this.tick(), tickOf(this.run.reports.length));
  }

  pause(): void {
    clearInterval(this.timer);
    this.playing = false;
  }

  private tick(): void {
    this.run.seek(this.run.head + 1);
    if (this.run.isFollowing) this.pause();
  }
}
