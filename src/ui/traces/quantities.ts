/** What can be shown of every token. */
import type { Sample, TokenTrace } from '../../rl/report.ts';
import type { Scale } from './scale.ts';

export interface Quantity {
  id: string;
  label: string;
  /** What it is and how to read it. */
  note: string;
  kind: Scale['kind'];
  digits: number;
  /** One number a token; undefined where the trace lacks it. */
  of: (trace: TokenTrace, sample: Sample) => readonly number[] | undefined;
}

export const quantities: readonly Quantity[] = [
  {
    id: 'advantage',
    label: 'Advantage',
    note: 'How hard the update pushes a token, and which way. GRPO gives all tokens of a try the same.',
    kind: 'diverging',
    digits: 2,
    of: (trace, sample) => trace.advantage ?? trace.text.map(() => sample.advantage),
  },
  {
    id: 'change',
    label: 'Change under the update',
    note: 'Log-prob after the update minus before: +0.69 is twice as likely, −0.69 half as likely.',
    kind: 'diverging',
    digits: 3,
    of: (trace) => trace.after?.map((after, t) => after - (trace.logp[t] ?? after)),
  },
  {
    id: 'logp',
    label: 'Log-prob',
    note: 'How sure the model was of the token it wrote: 0 is certain, the further below the more of a gamble.',
    kind: 'sequential',
    digits: 2,
    of: (trace) => trace.logp,
  },
  {
    id: 'entropy',
    label: 'Entropy',
    note: 'How many ways the text could have gone on here: 0 is one way alone. These are the forks of a thought.',
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
    note: 'What the value model expected, at this token, of the rewards to come.',
    kind: 'diverging',
    digits: 2,
    of: (trace) => trace.value,
  },
  {
    id: 'reward',
    label: 'Reward of the token',
    note: 'The judge’s score at the last token, minus the price of drifting at every token.',
    kind: 'diverging',
    digits: 3,
    of: (trace) => trace.reward,
  },
];

/** Those that every traced sample has. */
export function available(samples: readonly Sample[]): Quantity[] {
  const traced = samples.filter(({ trace }) => trace);
  return quantities.filter(
    ({ of }) => traced.length > 0 && traced.every((sample) => of(sample.trace!, sample)),
  );
}

/** Token t as it is shown and read out. A part of a character, which adds no text yet, is a dot. */
export function tokenName(texts: readonly string[], t: number): string {
  const text = texts[t] ?? '';
  if (text === '') return t === texts.length - 1 ? 'end' : '·';
  return text.trim() || (text.includes('\n') ? '↵' : '␣');
}

export interface Move {
  sample: number;
  token: number;
  /** Probabilities. */
  before: number;
  after: number;
}

/** The tokens whose probability the update moved most, largest first. */
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
  return moves.sort((a, b) => size(b) - size(a)).slice(0, count);
}
