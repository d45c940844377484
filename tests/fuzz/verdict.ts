import type { Parser } from './parser.ts';
import { isOwnError } from './parsers.ts';

/** read: accepted; refused: by an error of Ponder's own; the rest are mistakes. */
export const OUTCOMES = ['read', 'refused', 'raw', 'slow', 'nonsense'] as const;
export type Outcome = (typeof OUTCOMES)[number];

export interface Verdict {
  outcome: Outcome;
  /** Of a mistake: the error, or what is wrong with the value. */
  detail?: string;
}

/** Longer than this, in ms, and an input has hung its reader. */
const LONGEST = 1000;

export async function judge(
  parser: Parser,
  input: string | Uint8Array<ArrayBuffer>,
  longest = LONGEST,
): Promise<Verdict> {
  const started = performance.now();
  let timer;
  const waited = new Promise<Verdict>((resolve) => {
    timer = setTimeout(() => resolve({ outcome: 'slow', detail: 'never ends' }), 5 * longest);
  });
  const verdict = await Promise.race([read(parser, input), waited]);
  clearTimeout(timer);
  const ms = performance.now() - started;
  if (verdict.outcome === 'slow') return verdict;
  if (ms > longest) return { outcome: 'slow', detail: `${Math.round(ms)} ms` };
  return verdict;
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
