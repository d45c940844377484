/** What the page asks of a policy before and after training; `PolicyPair` answers in a worker. */
import type { JudgedText } from '../rl/rewards/reward.ts';
import type { Draft, Judgement, Question } from './answer.ts';
import type { JudgedPair, PairJudges, PairProgress } from './judge-pair.ts';

export type Side = 'base' | 'trained';

/** The two sides. */
export interface Sides {
  /** Folder of the base, as recipes name it. */
  base: string;
  /** The chosen run's step, or the policy that ships with the page; null: there is no trained one. */
  trained: { step: number } | 'shipped' | null;
  thinking: boolean;
  /** Whether the prompts come from the dinner world. */
  dinner: boolean;
}

/** One finished completion. */
export interface Written {
  thought: string | null;
  response: string;
}

/** A completion with its reward and gold. */
export type Judged = Written & Judgement;

/** Both policies' completions of one prompt: `first` is the trained one. */
export interface BlindRow {
  prompt: string;
  first: Judged;
  second: Judged;
}

export interface RoundSize {
  prompts: number;
  /** Prompts that are answered at once. */
  batch: number;
  /** Chooses the prompts, and is the seed of the sampling. */
  seed: number;
}

export interface BlindRound {
  trained: Sides['trained'];
  rows: BlindRow[];
}

export interface PolicyPairService {
  /** The stored run that all other calls are about; null for the policies that ship with the page. */
  choose(run: string | null): Promise<void>;
  /** Finds the two sides; nothing is loaded yet. */
  look(): Promise<Sides>;
  /** Both sides answer with the same seed; `onDraft` is called every few tokens. */
  ask(question: Question, onDraft: (side: Side, draft: Draft) => void): Promise<void>;
  /** Stops what is under way after the next few tokens; `ask` and `judgePair` then reject. */
  stop(): Promise<void>;
  /** Up to `count` different prompts that training never used; the seed chooses them. */
  heldOutPrompts(count: number, seed: number): Promise<string[]>;
  /**
   * Both sides answer the same held-out prompts, and judges compare them; `onProgress` may be called
   * many times. `stop` ends it, too.
   */
  judgePair(judges: PairJudges, onProgress: (progress: PairProgress) => void): Promise<JudgedPair>;
  /**
   * Both sides answer the same held-out prompts, all with the same checkpoint; `onWritten` gets the number
   * of completions so far, of both sides.
   */
  blindRound(size: RoundSize, onWritten: (written: number) => void): Promise<BlindRound>;
  /** Scores texts by the run's rewards, and by its gold judge if it has one. */
  judge(texts: readonly JudgedText[]): Promise<Judgement[]>;
  /** `samples` completions of every prompt by one side, with a fixed seed. */
  write(
    side: Side,
    prompts: readonly string[],
    samples: number,
    seed: number,
  ): Promise<{ prompt: string; samples: Written[] }[]>;
  /** Scores texts by the reward model in a folder. */
  score(judge: string, texts: readonly JudgedText[]): Promise<number[]>;
  /** Call this after a judge was trained again; it is then opened again when it is needed. */
  forget(judge: string): Promise<void>;
}
