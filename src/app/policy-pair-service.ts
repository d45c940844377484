/** What the page asks of a policy before and after training; `PolicyPair` answers in a worker. */
import type { JudgedText } from '../rl/rewards/reward.ts';
import type { Draft, Judgement, Question } from './answer.ts';
import type { JudgedPair, PairJudges, PairProgress } from './judge-pair.ts';

export type Side = 'base' | 'trained';

/** The checkpoint of the run, or the policy that ships with the page; null: there is no trained one. */
export type Trained = { step: number } | 'shipped' | null;

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
  trained: Trained;
  rows: BlindRow[];
}

/** One completion of each prompt. */
export interface WrittenByBoth {
  trained: Trained;
  before: Written[];
  after: Written[];
}

/** What can be stopped. */
export type Stoppable = 'question' | 'judging';

/**
 * Each call names the stored run that it is about; null for the policies that ship with the page. A call has
 * one checkpoint of it from beginning to end, the last one when it begins, and says which.
 */
export interface PolicyPairService {
  /**
   * Both sides answer with the same seed. `onTrained` is called before they begin, and `onDraft` every few
   * tokens.
   */
  ask(
    run: string | null,
    question: Question,
    onTrained: (trained: Trained) => void,
    onDraft: (side: Side, draft: Draft) => void,
  ): Promise<void>;
  /** Stops the last `ask`, or the last `judgePair`, after the next few tokens; it then rejects. */
  stop(what: Stoppable): Promise<void>;
  /**
   * Both sides answer the same held-out prompts, and judges compare them; `onProgress` may be called
   * many times.
   */
  judgePair(
    run: string | null,
    judges: PairJudges,
    onProgress: (progress: PairProgress) => void,
  ): Promise<{ trained: Trained; judged: JudgedPair }>;
  /**
   * Both sides answer the same held-out prompts; `onWritten` gets the number of completions so far, of both
   * sides.
   */
  blindRound(
    run: string | null,
    size: RoundSize,
    onWritten: (written: number) => void,
  ): Promise<BlindRound>;
  /** `samples` completions of every prompt by the policy before training, with a fixed seed. */
  write(
    run: string | null,
    prompts: readonly string[],
    samples: number,
    seed: number,
  ): Promise<Written[][]>;
  /** One completion of every prompt by each side, with the same seed. */
  writeBoth(run: string | null, prompts: readonly string[], seed: number): Promise<WrittenByBoth>;
  /** Scores texts by the reward model in a folder. */
  score(judge: string, texts: readonly JudgedText[]): Promise<number[]>;
  /** Call this after a judge was trained again; it is then opened again when it is needed. */
  forget(judge: string): Promise<void>;
}
