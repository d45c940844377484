import type { BlindComparison } from '../../rl/evaluation/blind.ts';
import type { BlindRow, Trained } from '../../app/policy-pair-service.ts';
import { recall, remember } from '../remembered.ts';

/** A blind round, judged so far, stored for the next visit. */
export interface KeptRound {
  /** The number of the round: each has its own prompts. */
  round: number;
  comparison: BlindComparison;
  rows: readonly BlindRow[];
  trained: Trained;
}

const KEY = 'blind-round';

/** undefined before the first round, and where the browser stores nothing. */
export function readRound(): Promise<KeptRound | undefined> {
  return recall<KeptRound>(KEY);
}

export function writeRound(round: KeptRound): Promise<void> {
  return remember(KEY, round);
}
