/** Timing of works in turn: all of them see the same moments of the machine. */
import type { Gpu } from '../../gpu/device.ts';
import { planActivations } from '../../gpu/activations.ts';
import { lower, type Op } from '../../gpu/kernel.ts';
import { Profile, type ProfileTimes } from '../../gpu/profile.ts';
import { Program } from '../../gpu/program.ts';

/** Something that can be repeated. */
export interface Work {
  /** Does it `count` times, one after another, until the GPU has finished. */
  run(count: number): Promise<void>;
  free(): void;
}

/** Repetitions in one timing at most. */
const MAX_COUNT = 256;
/** Seconds of one timing, reached by several repetitions where one is short. */
const TIMING = 0.1;
const LEAST_TIMINGS = 3;
const MOST_TIMINGS = 9;
/** A repetition that takes longer than this is timed once only. */
const LONG = 4;

export interface Timed<W extends Work = Work> {
  readonly work: W;
  /** Repetitions in one timing. */
  readonly count: number;
  /** Of one repetition, by timing. */
  readonly seconds: readonly number[];
}

/**
 * Times each work for about `budget` seconds, and at least LEAST_TIMINGS times if it is not long. The
 * caller has run each work once, because the first repetition also compiles and uploads.
 */
export async function timeInTurn<W extends Work>(
  works: readonly W[],
  budget: number,
): Promise<Timed<W>[]> {
  const timed: { work: W; count: number; long: boolean; seconds: number[]; left: number }[] = [];
  for (const work of works) {
    const once = await time(work, 1);
    const count = Math.ceil(Math.min(MAX_COUNT, TIMING / once));
    const long = once > LONG;
    timed.push({ work, count, long, seconds: long ? [once] : [], left: budget });
  }
  for (let round = 0; round < MOST_TIMINGS; round++) {
    for (const one of timed) {
      if (one.long || (one.left <= 0 && round >= LEAST_TIMINGS)) continue;
      const seconds = await time(one.work, one.count);
      one.seconds.push(seconds / one.count);
      one.left -= seconds;
    }
  }
  return timed;
}

export async function time(work: Work, count: number): Promise<number> {
  const started = performance.now();
  await work.run(count);
  return (performance.now() - started) / 1000;
}

/** A list of ops as a work. Its buffers belong to the caller. */
export async function opsWork(gpu: Gpu, written: readonly Op<null>[]): Promise<Work> {
  const ops = lower(written, gpu.variants);
  const scratch = planActivations(gpu, ops);
  const program = await Program.compile(gpu, ops, MAX_COUNT);
  return {
    async run(count) {
      await program.run(...Array.from({ length: count }, () => null));
      await gpu.idle();
    },
    free() {
      program.destroy();
      for (const view of scratch) gpu.release('activations', view);
    },
  };
}

/** Mean GPU seconds of one repetition; undefined if they cannot be measured. */
export async function gpuSecondsOf(gpu: Gpu, { work, count }: Timed): Promise<number | undefined> {
  const times = await profileOf([gpu], () => work.run(count));
  const sum = times?.[0]!.kernels.reduce((all, { seconds }) => all + seconds, 0) ?? 0;
  return sum > 0 ? sum / count : undefined;
}

/**
 * The GPU times of the launches during `work`, for each of the devices; undefined if one of them has no
 * timestamps.
 */
export async function profileOf(
  gpus: readonly Gpu[],
  work: () => Promise<unknown>,
): Promise<ProfileTimes[] | undefined> {
  if (!gpus.every(({ device }) => device.features.has('timestamp-query'))) return undefined;
  const profiles = gpus.map((gpu) => (gpu.profile = new Profile(gpu.device)));
  try {
    await work();
  } finally {
    for (const gpu of gpus) gpu.profile = undefined;
  }
  return Promise.all(profiles.map((profile) => profile.take()));
}
