/**
 * Ctrl-C (SIGINT) and SIGTERM. Work that can be saved finishes its step at the first one, and its caller then
 * throws `Stopped`; anything else ends at once, as everything does at the second one.
 */
import { constants } from 'node:os';

export type StopSignal = 'SIGINT' | 'SIGTERM';

/** As a shell counts it. */
const exitCode = (signal: StopSignal): number => 128 + constants.signals[signal];

/** A command has ended as it was asked to, and the message says how it goes on. */
export class Stopped extends Error {
  override name = 'Stopped';
  readonly exitCode: number;

  constructor(signal: StopSignal, message: string) {
    super(message);
    this.exitCode = exitCode(signal);
  }
}

let asked: StopSignal | undefined;
/** While something can be saved: tells that it will be. */
let say: (() => void) | undefined;

/** The signal that asks to stop after this step. */
export const stopAsked = (): StopSignal | undefined => asked;

/**
 * Does work that looks at `stopAsked` after each step.
 * @param onAsked tells what happens after the first signal, and after another one
 */
export async function savedOnStop<T>(onAsked: () => void, work: () => Promise<T>): Promise<T> {
  say = onAsked;
  try {
    return await work();
  } finally {
    say = undefined;
  }
}

/**
 * Heeds this process's own signals, and those that scripts/ponder.mjs has got: Ctrl-C in a terminal reaches
 * both processes, `kill` only one of them. That script ends this process at its own second signal.
 */
export function heedSignals(): void {
  let own = 0;
  const first = (signal: StopSignal): void => {
    if (asked) return;
    if (!say) {
      endBy(signal);
      return;
    }
    asked = signal;
    say();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (++own > 1) endBy(signal);
      else first(signal);
    });
  }
  process.on('message', first);
}

/**
 * Ends this process at once, as the signal does where nobody heeds it. `process.exit` would first take apart
 * the GPU device, whose threads are at work: that can crash. Windows has no signals to end by.
 */
function endBy(signal: StopSignal): void {
  if (process.platform === 'win32') process.exit(exitCode(signal));
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}
