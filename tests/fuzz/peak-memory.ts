/** How much memory a piece of work takes at most. Linux keeps the peak of a process, and can forget it. */
import { writeFileSync } from 'node:fs';

const RESET = ['/proc/self/clear_refs', '5'] as const;

/** Whether the system can measure it. */
export const canMeasure = ((): boolean => {
  try {
    writeFileSync(...RESET);
    return true;
  } catch {
    return false;
  }
})();

/**
 * The result, and the bytes above those before: of the process at the peak, or of buffers that nobody has
 * written into yet. Garbage of earlier work is no part of it if `collect` has removed it.
 */
export async function withPeak<T>(work: () => Promise<T>): Promise<{ result: T; bytes: number }> {
  if (!canMeasure) return { result: await work(), bytes: 0 };
  writeFileSync(...RESET);
  const before = process.memoryUsage();
  const result = await work();
  const resident = 1024 * process.resourceUsage().maxRSS - before.rss;
  const buffers = process.memoryUsage().arrayBuffers - before.arrayBuffers;
  return { result, bytes: Math.max(resident, buffers) };
}

/** Removes garbage; needs node --expose-gc. */
export const collect = (): void => globalThis.gc?.();
