/**
 * A blind comparison by a person: two policies' responses to the same prompts, side by side without
 * names. The seed decides the order of the prompts and which policy is on the left. The state is
 * immutable: every click gives a new state, so a page can keep, undo and store it as plain JSON.
 */
import { Random } from '../random.ts';
import { wilsonInterval, type Interval } from './intervals.ts';
import type { Verdict } from './win-rate.ts';

interface BlindPair {
  prompt: string;
  left: string;
  right: string;
}

export type Choice = 'left' | 'right' | 'tie';

interface HiddenPair extends BlindPair {
  /** Whether the first policy is on the left. */
  firstIsLeft: boolean;
}

export interface BlindComparison {
  readonly pairs: readonly HiddenPair[];
  /** One per pair judged so far, in order. */
  readonly choices: readonly Choice[];
  /** Number of pairs with equal responses, which are ties and are not shown. */
  readonly same: number;
}

/** Pairs with equal responses are not shown, and count as ties. */
export function startBlind(
  rows: readonly { prompt: string; first: string; second: string }[],
  seed: number,
): BlindComparison {
  const random = new Random(seed, 'blind comparison');
  const differing = rows.filter(({ first, second }) => first.trim() !== second.trim());
  const pairs = random.shuffle(differing).map(({ prompt, first, second }) => {
    const firstIsLeft = random.uniform() < 0.5;
    return {
      prompt,
      left: firstIsLeft ? first : second,
      right: firstIsLeft ? second : first,
      firstIsLeft,
    };
  });
  return { pairs, choices: [], same: rows.length - differing.length };
}

/** The next pair to show; undefined if all are judged. */
export function currentPair({ pairs, choices }: BlindComparison): BlindPair | undefined {
  const pair = pairs[choices.length];
  return pair && { prompt: pair.prompt, left: pair.left, right: pair.right };
}

/** @throws RangeError if all are judged */
export function choose(state: BlindComparison, choice: Choice): BlindComparison {
  if (!currentPair(state)) throw new RangeError('every pair has been judged');
  return { ...state, choices: [...state.choices, choice] };
}

export function undo(state: BlindComparison): BlindComparison {
  return { ...state, choices: state.choices.slice(0, -1) };
}

interface BlindResult {
  judged: number;
  wins: number;
  ties: number;
  losses: number;
  /** Further ties, which were not shown. */
  same: number;
  /** Win rate of the first policy with a 95% interval; ties and equal pairs count half. None before a click. */
  winRate?: Interval;
}

/** One per pair judged so far, in order: 1 if the first policy was preferred. */
export function blindVerdicts({ pairs, choices }: BlindComparison): Verdict[] {
  return choices.map((choice, i) => {
    if (choice === 'tie') return 0.5;
    return (choice === 'left') === pairs[i]!.firstIsLeft ? 1 : 0;
  });
}

/** The verdicts of the pairs with equal responses: ties for every judge. */
export const sameVerdicts = ({ same }: BlindComparison): Verdict[] =>
  Array.from({ length: same }, () => 0.5);

/** The result of the first policy so far. */
export function blindResult(state: BlindComparison): BlindResult {
  const verdicts = blindVerdicts(state);
  const count = (value: number): number => verdicts.filter((own) => own === value).length;
  return {
    judged: verdicts.length,
    wins: count(1),
    ties: count(0.5),
    losses: count(0),
    same: state.same,
    ...(verdicts.length > 0 && {
      winRate: wilsonInterval([...verdicts, ...sameVerdicts(state)]),
    }),
  };
}
