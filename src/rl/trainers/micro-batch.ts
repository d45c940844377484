/** Packs a step's groups in parts that fit the runner's memory, and splits per-token numbers by completion. */
import { packBatch, type PackedBatch } from '../../model/batch.ts';
import type { RolloutGroup } from '../rollout/rollout.ts';

export interface MicroBatch<G extends RolloutGroup> {
  groups: readonly G[];
  packed: PackedBatch;
}

/** Packs `perBatch` groups together, as many as one rollout part has. */
export function packGroups<G extends RolloutGroup>(
  groups: readonly G[],
  perBatch: number,
): MicroBatch<G>[] {
  const batches: MicroBatch<G>[] = [];
  for (let first = 0; first < groups.length; first += perBatch) {
    const members = groups.slice(first, first + perBatch);
    const tokens = members.map((g) => ({
      prompt: g.promptIds,
      completions: g.samples.map((s) => s.ids),
      forced: g.samples.map((s) => s.forced),
    }));
    batches.push({ groups: members, packed: packBatch(tokens, 'completion') });
  }
  return batches;
}

/**
 * Splits numbers with one entry per target into one piece per completion, in packing order. Forced tokens
 * are no targets, so they have no entry.
 */
export function perCompletion(values: Float32Array, { ranges }: PackedBatch): Float32Array[] {
  return ranges.flat().map(([start, end]) => values.subarray(start, end));
}

/** The inverse of `perCompletion`. */
export function perTarget(parts: readonly Float64Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
