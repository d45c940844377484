/** A progress bar on standard error; in a file, a line of it now and then. */
import { formatDuration } from '../app/format.ts';

const REDRAW_MS = 100;
const LINE_MS = 30_000;
const BAR = 20;

export class Progress {
  private readonly total: number;
  private readonly from: number;
  private readonly started = performance.now();
  private readonly inTerminal = process.stderr.isTTY;
  private drawn: number;

  /** `done` of the `total` steps were done before; the rate does not count them. */
  constructor(total: number, done = 0) {
    this.total = total;
    this.from = done;
    this.drawn = this.inTerminal ? -Infinity : this.started;
  }

  update(done: number, note = ''): void {
    const now = performance.now();
    if (now - this.drawn < (this.inTerminal ? REDRAW_MS : LINE_MS)) return;
    this.drawn = now;
    const line = progressLine(done, this.total, this.from, (now - this.started) / 1000, note);
    if (!this.inTerminal) process.stderr.write(`${line}\n`);
    else process.stderr.write(`\r\x1b[K${line.slice(0, (process.stderr.columns || 80) - 1)}`);
  }

  clear(): void {
    if (this.inTerminal) process.stderr.write('\r\x1b[K');
  }
}

/** "[####      ] 40/100  1.5 s each  1 min 30 s left  note" */
export function progressLine(
  done: number,
  total: number,
  from: number,
  seconds: number,
  note: string,
): string {
  const filled = Math.round((BAR * done) / total);
  const bar = `[${'#'.repeat(filled)}${' '.repeat(BAR - filled)}] ${done}/${total}`;
  if (done <= from) return [bar, note].filter(Boolean).join('  ');
  const each = seconds / (done - from);
  const rate = each >= 1 ? `${each.toFixed(1)} s each` : `${(1 / each).toFixed(1)} per s`;
  const left = `${formatDuration(each * (total - done))} left`;
  return [bar, rate, left, note].filter(Boolean).join('  ');
}
