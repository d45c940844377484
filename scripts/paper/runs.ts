/**
 * The arms of the paper in miniature, and the result of one run: start {warm, zero} x arm {think,
 * nothink} x algorithm {grpo, ppo, dpo} x seed, each judged once on the same held-out prompts.
 */
import { mean } from '../../src/rl/statistics.ts';
import type { Evaluated } from '../../src/rl/evaluation/evaluate.ts';
import { follows } from '../../src/rl/evaluation/instructions.ts';
import { lengthControlledWinRate } from '../../src/rl/evaluation/length-controlled.ts';
import { mealInstructions } from '../../src/rl/evaluation/meal-checks.ts';
import { tieMargin, verdicts } from '../../src/rl/evaluation/win-rate.ts';

export const STARTS = ['warm', 'zero'] as const;
export const ARMS = ['think', 'nothink'] as const;
export const ALGORITHMS = ['grpo', 'ppo', 'dpo'] as const;
export type Start = (typeof STARTS)[number];
export type Arm = (typeof ARMS)[number];
export type PaperAlgorithm = (typeof ALGORITHMS)[number];

/** Judges by the names of their folders: the reward model of the main table, and an independent one. */
export const REWARD = 'reward';
export const INDEPENDENT = 'second-reward';

/** A model before any reinforcement learning, asked to think or not. */
export interface StartRun {
  start: Start;
  arm: Arm;
  rows: readonly Evaluated[];
}

export interface PaperRun extends StartRun {
  algorithm: PaperAlgorithm;
  seed: number;
  /** An ablation's name; the main table has none. */
  variant?: string;
  steps: number;
  /** Tokens that were generated for training. */
  tokens: number;
  /** Time of the training steps. */
  seconds: number;
}

/** The measures that are compared prompt by prompt. */
export type Measure = 'gold' | 'win' | 'instructions';

/**
 * One number for every prompt: the hidden utility; the verdict of the independent reward model against
 * the baseline; or the share of the guest's instructions that were followed.
 */
export function perPrompt(
  rows: readonly Evaluated[],
  measure: Measure,
  baseline: readonly Evaluated[],
): number[] {
  switch (measure) {
    case 'gold':
      return rows.map(({ gold }) => gold ?? NaN);
    case 'win':
      return wins(rows, baseline);
    case 'instructions':
      return rows.map(({ prompt, response }) =>
        mean(mealInstructions(prompt).map((one) => (follows(one, response) ? 1 : 0))),
      );
  }
}

function wins(rows: readonly Evaluated[], baseline: readonly Evaluated[]): number[] {
  const [ours, theirs] = [rows, baseline].map((all) =>
    all.map(({ rewards }) => rewards[INDEPENDENT] ?? NaN),
  ) as [number[], number[]];
  return verdicts(ours, theirs, tieMargin(ours, theirs));
}

/** One row of final.csv. */
export interface FinalRow {
  start: Start;
  arm: Arm;
  algorithm: PaperAlgorithm;
  seed: number;
  steps: number;
  reward: number;
  gold: number;
  win_rate: number;
  lc_win_rate: number;
  tokens: number;
  seconds: number;
}

export const FINAL_COLUMNS = [
  ...['start', 'arm', 'algorithm', 'seed', 'steps', 'reward', 'gold'],
  ...['win_rate', 'lc_win_rate', 'tokens', 'seconds'],
] as (keyof FinalRow)[];

/** @param difficulty of each prompt (instructionDifficulty over all runs), for the length control */
export function finalRow(
  run: PaperRun,
  baseline: readonly Evaluated[],
  difficulty: readonly number[],
): FinalRow {
  const { start, arm, algorithm, seed, steps, tokens, seconds, rows } = run;
  const won = perPrompt(rows, 'win', baseline);
  return {
    ...{ start, arm, algorithm, seed, steps },
    reward: mean(rows.map(({ rewards }) => rewards[REWARD] ?? NaN)),
    gold: mean(perPrompt(rows, 'gold', baseline)),
    win_rate: mean(won),
    lc_win_rate: lengthControlledWinRate(
      won.map((verdict, i) => ({
        verdict,
        length: rows[i]!.response.length,
        baselineLength: baseline[i]!.response.length,
        difficulty: difficulty[i]!,
      })),
    ),
    ...{ tokens, seconds },
  };
}
