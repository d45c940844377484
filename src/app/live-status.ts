/** What a live run tells the page. */
import { mean } from '../rl/statistics.ts';
import type { Run } from '../rl/runs/run.ts';
import type { LiveDevices } from './live-devices.ts';
import type { Saver } from './saver.ts';
import type { Phase, Status } from './training-service.ts';

/** Steps over which the seconds per step are averaged. */
const RATE_WINDOW = 10;

/** A step that took so many times longer than most was interrupted: the computer slept. */
const INTERRUPTED = 20;

/** Mean of the last steps; 0 before the first. */
export function secondsPerStep(times: readonly number[]): number {
  const recent = times.slice(-RATE_WINDOW);
  const middle = [...recent].sort((a, b) => a - b)[Math.floor((recent.length - 1) / 2)] ?? 0;
  const whole = recent.filter((seconds) => seconds <= INTERRUPTED * middle);
  return whole.length > 0 ? mean(whole) : 0;
}

export interface Told {
  run: Run | undefined;
  maxSteps: number;
  /** Seconds of each step. */
  times: readonly number[];
  saver: Saver;
  devices: LiveDevices;
}

export function statusOf(phase: Phase, { run, maxSteps, times, saver, devices }: Told): Status {
  const { gpu } = devices;
  const notices = [...(run?.notices ?? []), ...(saver.again === undefined ? [] : [saver.again])];
  return {
    phase,
    step: run?.trainer.step ?? 0,
    maxSteps,
    ...(times.length > 0 && { secondsPerStep: secondsPerStep(times) }),
    ...(run && run.savedStep > 0 && { savedStep: run.savedStep }),
    ...(notices.length > 0 && { notice: notices.join(' ') }),
    ...(saver.unsaved !== undefined && { unsaved: saver.unsaved }),
    ...(gpu && { adapter: nameOf(gpu.info), memory: { ...gpu.ledger } }),
  };
}

/** What the browser tells of the card: Chrome gives a description only with a flag. */
const nameOf = ({ vendor, architecture, description }: GPUAdapterInfo): string =>
  description || [vendor, architecture].filter(Boolean).join(' ');
