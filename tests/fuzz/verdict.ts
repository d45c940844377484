import type { Parser } from './parser.ts';
import { isOwnError } from './parsers.ts';
import { collect, withPeak } from './peak-memory.ts';

/** read: accepted; refused: by an error of Ponder's own; the rest are mistakes. */
export const OUTCOMES = ['read', 'refused', 'raw', 'slow', 'large', 'nonsense'] as const;
export type Outcome = (typeof OUTCOMES)[number];

export interface Verdict {
  outcome: Outcome;
  /** Of a mistake: the error, or what is wrong with the value. */
  detail?: string;
}

/** Longer than this, in ms, and an input has hung its reader. */
const LONGEST = 1000;
/** More memory than this, in bytes, and an input has filled its reader's. */
const LARGEST = 100e6;

export async function judge(
  parser: Parser,
  input: string | Uint8Array<ArrayBuffer>,
  longest = LONGEST,
): Promise<Verdict> {
  const started = performance.now();
  const spent = process.cpuUsage();
  let timer;
  const waited = new Promise<Verdict>((resolve) => {
    timer = setTimeout(() => resolve({ outcome: 'slow', detail: 'never ends' }), 5 * longest);
  });
  const verdict = await Promise.race([read(parser, input), waited]);
  clearTimeout(timer);
  // Other work on the machine makes the clock run on, but takes no time of this process.
  const { user, system } = process.cpuUsage(spent);
  const ms = Math.min(performance.now() - started, (user + system) / 1000);
  if (verdict.outcome === 'slow') return verdict;
  if (ms > longest) return { outcome: 'slow', detail: `${Math.round(ms)} ms` };
  return verdict;
}

/** As `judge`, with a limit on memory. An input that exceeds a limit is tried again, without others' garbage. */
export async function judgeWithMemory(
  parser: Parser,
  input: string | Uint8Array<ArrayBuffer>,
): Promise<Verdict> {
  const first = await withPeak(() => judge(parser, input));
  if (first.bytes <= LARGEST && first.result.outcome !== 'slow') return first.result;
  collect();
  const { result, bytes } = await withPeak(() => judge(parser, input));
  if (bytes <= LARGEST) return result;
  return { outcome: 'large', detail: `${Math.round(bytes / 1e6)} MB` };
}

async function read(parser: Parser, input: string | Uint8Array<ArrayBuffer>): Promise<Verdict> {
  try {
    const problem = await parser.read(input);
    return problem === undefined ? { outcome: 'read' } : { outcome: 'nonsense', detail: problem };
  } catch (error) {
    const { message } = error as Error;
    const isSentence = isOwnError(error) && !message.includes('\n') && message.length < 3000;
    if (isSentence) return { outcome: 'refused' };
    return { outcome: 'raw', detail: `${(error as Error).name}: ${message.slice(0, 300)}` };
  }
}
