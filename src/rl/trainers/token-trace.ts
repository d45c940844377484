/** The numbers of every token of one completion, for display. */
import type { Tokenizer } from '../../model/tokenizer.ts';
import { k3Estimate } from '../objectives/functions.ts';
import type { TokenTrace } from '../report.ts';
import type { RolloutSample } from '../rollout/rollout.ts';

/** Significant digits, as many as a picture can show. */
const DIGITS = 4;

/** One array per column of a trace, each with an entry per token. */
export type TraceColumns = Readonly<
  Partial<Record<Exclude<keyof TokenTrace, 'text'>, ArrayLike<number>>> & {
    logp: ArrayLike<number>;
    entropy: ArrayLike<number>;
  }
>;

export function tokenTrace(
  tokenizer: Pick<Tokenizer, 'decode'>,
  sample: Pick<RolloutSample, 'ids' | 'finished'>,
  columns: TraceColumns,
): TokenTrace {
  const rounded = Object.entries(columns).map(([name, values]) => [
    name,
    Array.from(values, (value) => Number(value.toPrecision(DIGITS))),
  ]);
  return {
    text: tokenPieces(tokenizer, sample),
    ...(Object.fromEntries(rounded) as Omit<TokenTrace, 'text'>),
  };
}

/** k3 estimate of each token's KL to the reference. */
export function k3(logp: ArrayLike<number>, refLogp: ArrayLike<number>): Float64Array {
  return Float64Array.from(logp, (value, t) => k3Estimate(value, refLogp[t]!));
}

/**
 * The text that each token adds. A character of several tokens appears with the last of them.
 */
export function tokenPieces(
  tokenizer: Pick<Tokenizer, 'decode'>,
  { ids, finished }: Pick<RolloutSample, 'ids' | 'finished'>,
): string[] {
  const written = finished ? ids.length - 1 : ids.length;
  let before = '';
  return ids.map((_, t) => {
    if (t >= written) return '';
    const text = tokenizer.decode(ids.slice(0, t + 1));
    if (text.endsWith('\uFFFD') && t + 1 < written) return '';
    const piece = text.slice(before.length);
    before = text;
    return piece;
  });
}
