import { get, set } from 'idb-keyval';
import type { BlindComparison } from '../../rl/evaluation/blind.ts';
import type { Pair } from '../../app/policy-pair.ts';
import type { BlindRow } from './blind-rows.ts';

/** A blind round as far as it was judged, as the next visit finds it. */
export interface KeptRound {
  /** Counts the rounds: each has prompts of its own. */
  round: number;
  comparison: BlindComparison;
  rows: readonly BlindRow[];
  trained: Pair['trained'];
}

const KEY = 'blind-round';

/** Nothing before the first round, and where the browser keeps nothing. */
export function readRound(): Promise<KeptRound | undefined> {
  return get<KeptRound>(KEY).catch(() => undefined);
}

export async function writeRound(round: KeptRound): Promise<void> {
  await set(KEY, round).catch(() => undefined);
}
