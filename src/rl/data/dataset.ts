/**
 * Sources of training data. They are indexed, not streamed: item i of a run is always the same, so a
 * resumed run needs only its step number to continue exactly.
 */
import { Random } from '../random.ts';

/** A prompt for a policy. */
export interface Prompt {
  prompt: string;
  /** The other columns of its row in a data set, which rules may read, as TRL's reward functions do. */
  columns?: Readonly<Record<string, unknown>>;
}

export interface SftExample {
  prompt: string;
  /** The text after the chat template's generation prompt, without the stop token. */
  completion: string;
  /** Whether the completion starts with a thought; the generation prompt depends on it. */
  thinking: boolean;
}

/** Responses to one prompt, and the preferences between them. */
export interface PreferenceGroup {
  prompt: string;
  responses: readonly string[];
  /** [preferred, other], as indices of responses; a plain preference pair is [0, 1]. */
  pairs: readonly (readonly [number, number])[];
  /** The smallest difference that a reward model should give the scores of each pair; 0 if absent. */
  margin?: number;
}

/** Pairs to train on, and pairs to evaluate on if the recipe has evaluations. */
export interface Preferences {
  pairs: Source<PreferenceGroup>;
  heldOut?: readonly PreferenceGroup[];
}

/** An endless indexed sequence. */
export interface Source<T> {
  at(index: number): T;
}

/** The rows, epoch after epoch; the seed gives each epoch its own order. */
export function shuffledEpochs<T>(rows: readonly T[], seed: number): Source<T> {
  let epoch = -1;
  let order: T[] = [];
  return {
    at(index) {
      const wanted = Math.floor(index / rows.length);
      if (wanted !== epoch) {
        epoch = wanted;
        order = new Random(seed, `epoch ${epoch}`).shuffle(rows);
      }
      return order[index % rows.length] as T;
    },
  };
}

/** `count` items from `first` on. */
export function take<T>(source: Source<T>, first: number, count: number): T[] {
  return Array.from({ length: count }, (_, i) => source.at(first + i));
}
