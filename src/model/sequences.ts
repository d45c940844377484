/** The sequences of a generation on the host: their cache rows, and the tokens that were read. */
import { FORCED } from '../gpu/kernels/force-end.ts';
import type { DecoderLimits } from './decoder-ops.ts';
import { NotFiniteError } from './errors.ts';

/** [start, end) in the tokens of a completion. */
export type TokenRange = readonly [start: number, end: number];

export interface Generation {
  /** Generated ids, the stop token included; without it the sequence was cut off. */
  ids: number[];
  /** Log-prob of each id under logits / temperature, no filter applied; 0 for forced ones. */
  logps: number[];
  /** The ids that the model did not draw, [start, end): a closing tag that was forced. */
  forced?: TokenRange;
  /** Ended by a stop token. */
  finished: boolean;
}

/** Its cache rows and its random stream are fixed; its row may change. */
export interface Sequence extends Generation {
  readonly stream: number;
  /** Position of its first input, the prompt's last token. */
  readonly position: number;
  /** Cache rows it attends to at its first input: those of its prompt, then its own. */
  readonly span: readonly [prefixStart: number, prefixEnd: number, start: number, end: number];
  /** Its first input. */
  readonly input: number;
  finished: boolean;
}

/** The sequences of decoding steps [first, first + count), by row. */
export interface BlockRows {
  readonly rows: readonly Sequence[];
  readonly first: number;
  readonly count: number;
}

/**
 * Sequences in the order of the prompts, `samplesPerPrompt` each, before their first step.
 * @throws Error when a prompt is empty
 */
export function startSequences(
  prompts: readonly (readonly number[])[],
  samplesPerPrompt: number,
  streams: Uint32Array,
  { maxPromptTokens, maxNewTokens }: DecoderLimits,
): Sequence[] {
  const sequences: Sequence[] = [];
  let prefixStart = 0;
  for (const prompt of prompts) {
    const last = prompt.at(-1);
    if (last === undefined) throw new Error('a prompt has no tokens; it needs at least one');
    const prefixEnd = prefixStart + prompt.length - 1;
    for (let g = 0; g < samplesPerPrompt; g++) {
      const own = maxPromptTokens + sequences.length * maxNewTokens;
      sequences.push({
        stream: streams[sequences.length] as number,
        position: prompt.length - 1,
        span: [prefixStart, prefixEnd, own, own + 1],
        input: last,
        ids: [],
        logps: [],
        finished: false,
      });
    }
    prefixStart = prefixEnd;
  }
  return sequences;
}

/**
 * Appends what a block has sampled, up to the first stop token of each sequence.
 * @throws NotFiniteError when the logits of a row are not finite: its log-prob is the lowest float then
 * @param data tokens (u32) and log-probs (f32) [rows, stride], column t of step t
 */
export function appendTokens(
  { rows, first, count }: BlockRows,
  data: readonly ArrayBuffer[],
  stride: number,
  stops: ReadonlySet<number>,
): void {
  const tokens = new Uint32Array(data[0]!);
  const logps = new Float32Array(data[1]!);
  rows.forEach((sequence, row) => {
    for (let t = row * stride + first; t < row * stride + first + count; t++) {
      if (sequence.finished) return;
      const written = tokens[t] as number;
      const logp = finite(logps[t] as number);
      if (written >= FORCED) {
        const start = sequence.forced?.[0] ?? sequence.ids.length;
        sequence.ids.push(written - FORCED);
        sequence.logps.push(0);
        sequence.forced = [start, sequence.ids.length];
        continue;
      }
      sequence.ids.push(written);
      sequence.logps.push(logp);
      sequence.finished = stops.has(written);
    }
  });
}

/** The sampling kernel writes -3.4e38, about the lowest float, for logits that are not finite (sample.wgsl). */
const LEAST_LOGP = -3e38;

function finite(logp: number): number {
  if (logp > LEAST_LOGP && logp < Infinity) return logp;
  throw new NotFiniteError('A logit of the next token is NaN or infinite');
}

export const toGeneration = ({ ids, logps, finished, forced }: Sequence): Generation => ({
  ids: [...ids],
  logps: [...logps],
  finished,
  ...(forced && { forced }),
});

/** One value per drawn token, from one per token. */
export function drawnOnly<T>(values: readonly T[], forced: TokenRange | undefined): readonly T[] {
  return forced ? [...values.slice(0, forced[0]), ...values.slice(forced[1])] : values;
}

/** Number of tokens that the model drew. */
export const drawnLength = ({ ids, forced = [0, 0] }: Pick<Generation, 'ids' | 'forced'>): number =>
  ids.length - (forced[1] - forced[0]);
