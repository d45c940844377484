/** The quantities that can be shown for every token. */
import type { Sample, TokenTrace } from '../../rl/report.ts';
import { formatShareChange } from '../format.ts';
import type { Scale } from './scale.ts';
import { isForced } from './traced.ts';

export interface Quantity {
  id: string;
  label: string;
  /** What it is, and how to read it. */
  note: string;
  kind: Scale['kind'];
  digits: number;
  /** One number a token; undefined where the trace lacks it. */
  of: (trace: TokenTrace, sample: Sample) => readonly number[] | undefined;
}

const quantities: readonly Quantity[] = [
  {
    id: 'advantage',
    label: 'Advantage',
    note: 'How hard the update pushes a token, and which way. GRPO gives all tokens of a try the same advantage.',
    kind: 'diverging',
    digits: 2,
    of: (trace, sample) =>
      trace.advantage ?? trace.text.map((_, t) => (isForced(trace, t) ? 0 : sample.advantage)),
  },
  {
    id: 'change',
    label: 'Change by the update',
    note: 'Log-prob after the update minus before: +0.69 is twice as likely, −0.69 half as likely.',
    kind: 'diverging',
    digits: 3,
    of: (trace) => trace.after?.map((after, t) => after - (trace.logp[t] ?? after)),
  },
  {
    id: 'logp',
    label: 'Log-prob',
    note: 'How sure the model was of the token that it wrote: 0 is certain; the further below 0, the less sure.',
    kind: 'sequential',
    digits: 2,
    of: (trace) => trace.logp,
  },
  {
    id: 'entropy',
    label: 'Entropy',
    note: 'How undecided the model was at this token: at 0 there was only one way to continue. Where the value is high, the thought could have continued in several ways.',
    kind: 'sequential',
    digits: 2,
    of: (trace) => trace.entropy,
  },
  {
    id: 'kl',
    label: 'KL to the reference',
    note: 'How far the model has drifted, at this token, from what it was before training.',
    kind: 'sequential',
    digits: 3,
    of: (trace) => trace.kl,
  },
  {
    id: 'value',
    label: 'Value',
    note: 'The sum of the rewards still to come, as the value model predicted it at this token.',
    kind: 'diverging',
    digits: 2,
    of: (trace) => trace.value,
  },
  {
    id: 'reward',
    label: 'Reward of the token',
    note: 'The judge’s score at the last token, minus the KL penalty at every token.',
    kind: 'diverging',
    digits: 3,
    of: (trace) => trace.reward,
  },
];

/** The quantities that every traced sample has. */
export function available(samples: readonly Sample[]): Quantity[] {
  const traced = samples.filter(({ trace }) => trace);
  return quantities.filter(
    ({ of }) => traced.length > 0 && traced.every((sample) => of(sample.trace!, sample)),
  );
}

interface TracedRow {
  sample: Sample;
  /** Of the sample in its group. */
  index: number;
  /** Of its tokens. */
  values: readonly number[];
}

/** The traced samples with a quantity of their tokens, by reward. */
export function bestFirst(samples: readonly Sample[], { of }: Quantity): TracedRow[] {
  return samples
    .map((sample, index) => ({ sample, index }))
    .sort((a, b) => b.sample.reward - a.sample.reward)
    .flatMap(({ sample, index }) =>
      sample.trace ? [{ sample, index, values: of(sample.trace, sample) ?? [] }] : [],
    );
}

/** The name of token t, shown and read aloud. A token that is only part of a character is a dot. */
export function tokenName(texts: readonly string[], t: number): string {
  const text = texts[t] ?? '';
  if (text === '') return t === texts.length - 1 ? 'end' : '·';
  return text.trim() || (text.includes('\n') ? '↵' : '␣');
}

interface Move {
  sample: number;
  token: number;
  /** Probabilities. */
  before: number;
  after: number;
}

/** The tokens whose probability the update moved most, largest first; only moves that can be printed. */
export function mostMoved(samples: readonly Sample[], count: number): Move[] {
  const moves = samples.flatMap(({ trace }, sample) =>
    (trace?.after ?? []).map((after, token) => ({
      sample,
      token,
      before: Math.exp(trace!.logp[token]!),
      after: Math.exp(after),
    })),
  );
  const size = ({ before, after }: Move): number => Math.abs(after - before);
  return moves
    .filter(({ before, after }) => formatShareChange(before, after) !== null)
    .sort((a, b) => size(b) - size(a))
    .slice(0, count);
}
