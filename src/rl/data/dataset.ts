/**
 * Where training data comes from. Sources are indexed, not streamed: item i of a run is always the
 * same, so a resumed run needs nothing but its step number to go on exactly.
 */
import { Random } from '../random.ts';

/** What a policy is asked. */
export interface Prompt {
  prompt: string;
  /** The other columns of its row in a data set, which rules may read, as TRL's reward functions do. */
  columns?: Readonly<Record<string, unknown>>;
}

export interface SftExample {
  prompt: string;
  /** What follows the chat template's generation prompt, the stop token left out. */
  completion: string;
  /** Whether the completion opens with a thought: decides the generation prompt. */
  thinking: boolean;
}

/** Responses to one prompt, and which of them were preferred to which. */
export interface PreferenceGroup {
  prompt: string;
  responses: readonly string[];
  /** [preferred, other], as indices of responses; a plain preference pair has just [0, 1]. */
  pairs: readonly (readonly [number, number])[];
  /** How far apart a reward model should score each of the pairs at least; 0 where absent. */
  margin?: number;
}

/** Pairs to learn from, and pairs to evaluate on, when a recipe asks for that. */
export interface Preferences {
  pairs: Source<PreferenceGroup>;
  heldOut?: readonly PreferenceGroup[];
}

/** An endless indexed sequence. */
export interface Source<T> {
  at(index: number): T;
}

/** Goes through rows epoch after epoch, each in an order of its own that the seed decides. */
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
