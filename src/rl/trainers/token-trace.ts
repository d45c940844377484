/** The numbers of every token of one completion, for display. */
import type { Tokenizer } from '../../model/tokenizer.ts';
import { k3Estimate } from '../objectives/functions.ts';
import type { TokenRange } from '../../model/sequences.ts';
import type { TokenTrace } from '../report.ts';
import type { RolloutSample } from '../rollout/rollout.ts';

/** Significant digits, as many as a picture can show. */
const DIGITS = 4;

/** One array per column of a trace, each with an entry per token that the policy drew. */
export type TraceColumns = Readonly<
  Partial<Record<Exclude<keyof TokenTrace, 'text' | 'forced'>, ArrayLike<number>>> & {
    logp: ArrayLike<number>;
    entropy: ArrayLike<number>;
  }
>;

export function tokenTrace(
  tokenizer: Pick<Tokenizer, 'decode'>,
  sample: Pick<RolloutSample, 'ids' | 'finished' | 'forced'>,
  columns: TraceColumns,
): TokenTrace {
  const { forced } = sample;
  const rounded = Object.entries(columns).map(([name, values]) => [
    name,
    withForced(
      Array.from(values, (value) => Number(value.toPrecision(DIGITS))),
      forced,
    ),
  ]);
  return {
    text: tokenPieces(tokenizer, sample),
    ...(forced && { forced }),
    ...(Object.fromEntries(rounded) as Omit<TokenTrace, 'text' | 'forced'>),
  };
}

/** Forced tokens have no numbers; zeros stand in their places. */
function withForced(values: number[], forced: TokenRange | undefined): number[] {
  if (!forced) return values;
  const [start, end] = forced;
  const zeros = Array.from({ length: end - start }, () => 0);
  return [...values.slice(0, start), ...zeros, ...values.slice(start)];
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
