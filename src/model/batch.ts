/**
 * Packing: the token rows of a batch stand one after another without padding, and the completions
 * of a group share the rows of their prompt. Row i attends to its prefix (the prompt's rows) and to
 * its own segment up to itself. Sharing is exact: the prompt's hidden states do not depend on what
 * follows, so computing them once instead of G times changes no number.
 */

import type { TokenRange } from './sequences.ts';

/** One prompt and what follows it, in token ids. */
export interface TokenGroup {
  readonly prompt: readonly number[];
  readonly completions: readonly (readonly number[])[];
  /** By completion: tokens that are no targets, because the model did not draw them. */
  readonly forced?: readonly (TokenRange | undefined)[];
}

export interface PackedBatch {
  /** Token rows. */
  readonly tokens: number;
  /** Tokens of the longest prompt with a completion, its last token included. */
  readonly longest: number;
  readonly ids: Uint32Array;
  readonly positions: Uint32Array;
  /** Four numbers per row: prefixStart, prefixEnd, segmentStart, segmentEnd (the row itself + 1). */
  readonly spans: Uint32Array;
  /** Row j is attended to by exactly the rows j <= i < viewEnd[j]. */
  readonly viewEnd: Uint32Array;
  /** The rows whose output is used: one per target. */
  readonly targetRows: Uint32Array;
  /** The token that each of those rows predicts (unused by a score head). */
  readonly targetIds: Uint32Array;
  /** Per group, per completion: its range of targets, [start, end). */
  readonly ranges: readonly (readonly (readonly [start: number, end: number])[])[];
}

/** 'completion': every completion token is a target, unless it is forced. 'score': each completion's last row. */
type TargetKind = 'completion' | 'score';

/** Token rows of a packed group. */
function packedRows(group: TokenGroup, targets: TargetKind): number {
  // The last completion token is only predicted, so it has no row, unless its row gives a score.
  const unread = targets === 'completion' ? 1 : 0;
  return group.completions.reduce(
    (sum, c) => sum + Math.max(0, c.length - unread),
    group.prompt.length,
  );
}

/** Token rows and targets of a packed group. */
export function groupSize(group: TokenGroup, kind: TargetKind): { rows: number; targets: number } {
  const { completions } = group;
  const targets =
    kind === 'score' ? completions.length : completions.reduce((sum, c) => sum + c.length, 0);
  return { rows: packedRows(group, kind), targets };
}

/** Packs groups in order. @throws Error when a prompt has no tokens */
export function packBatch(groups: readonly TokenGroup[], targets: TargetKind): PackedBatch {
  const tokens = groups.reduce((sum, g) => sum + packedRows(g, targets), 0);
  const ids = new Uint32Array(tokens);
  const positions = new Uint32Array(tokens);
  const spans = new Uint32Array(tokens * 4);
  const viewEnd = new Uint32Array(tokens);
  const targetRows: number[] = [];
  const targetIds: number[] = [];
  let row = 0;

  const write = (
    segment: readonly number[],
    position: number,
    prefix: readonly [number, number],
    end: number,
  ): void => {
    const start = row;
    for (const id of segment) {
      ids[row] = id;
      positions[row] = position + row - start;
      spans.set([prefix[0], prefix[1], start, row + 1], 4 * row);
      viewEnd[row] = end;
      row++;
    }
  };

  const ranges = groups.map((group) => {
    if (group.prompt.length === 0) throw new Error('a prompt needs at least one token');
    const prefix = [row, row + group.prompt.length] as const;
    const groupEnd = row + packedRows(group, targets);
    write(group.prompt, 0, [row, row], groupEnd);
    return group.completions.map((completion, c) => {
      const firstTarget = targetRows.length;
      const segment = targets === 'completion' ? completion.slice(0, -1) : completion;
      const start = row;
      write(segment, group.prompt.length, prefix, row + segment.length);
      if (targets === 'score') {
        targetRows.push(segment.length > 0 ? row - 1 : prefix[1] - 1);
        targetIds.push(0);
      } else {
        const [forcedStart, forcedEnd] = group.forced?.[c] ?? [0, 0];
        completion.forEach((id, t) => {
          if (t >= forcedStart && t < forcedEnd) return;
          targetRows.push(t === 0 ? prefix[1] - 1 : start + t - 1);
          targetIds.push(id);
        });
      }
      return [firstTarget, targetRows.length] as const;
    });
  });
  const lengths = groups.map(({ prompt, completions }) =>
    completions.reduce((most, { length }) => Math.max(most, prompt.length + length), prompt.length),
  );
  return {
    tokens,
    longest: Math.max(0, ...lengths),
    ids,
    positions,
    spans,
    viewEnd,
    targetRows: Uint32Array.from(targetRows),
    targetIds: Uint32Array.from(targetIds),
    ranges,
  };
}

/** Spans and viewEnd of layers in which a token attends to `window` tokens, itself included. */
export function withinWindow(
  spans: Uint32Array,
  window: number,
): Pick<PackedBatch, 'spans' | 'viewEnd'> {
  const near = Uint32Array.from(spans);
  const viewEnd = new Uint32Array(spans.length / 4);
  // From the last row: the first that sees a key, coming from there, is the key's last viewer.
  for (let row = viewEnd.length - 1; row >= 0; row--) {
    const [x, y, z, w] = spans.subarray(4 * row, 4 * row + 4) as unknown as readonly number[];
    const unseen = Math.max(0, y! - x! + w! - z! - window);
    const ofPrefix = Math.min(unseen, y! - x!);
    near[4 * row] = x! + ofPrefix;
    near[4 * row + 2] = z! + unseen - ofPrefix;
    for (const at of [4 * row, 4 * row + 2]) {
      const end = near[at + 1]!;
      for (let key = near[at]!; key < end && viewEnd[key] === 0; key++) viewEnd[key] = row + 1;
    }
  }
  return { spans: near, viewEnd };
}

/** The number of (row, key) pairs in spans. */
export function seenKeys(spans: Uint32Array): number {
  let keys = 0;
  for (let i = 0; i < spans.length; i += 4) {
    keys += spans[i + 1]! - spans[i]! + spans[i + 3]! - spans[i + 2]!;
  }
  return keys;
}

/** Sequences as a group whose prompt is their longest common prefix. */
export function groupByPrefix(sequences: readonly (readonly number[])[]): TokenGroup {
  const [first = []] = sequences;
  let shared = first.length;
  for (const other of sequences) {
    let same = 0;
    while (same < shared && other[same] === first[same]) same++;
    shared = same;
  }
  return { prompt: first.slice(0, shared), completions: sequences.map((s) => s.slice(shared)) };
}

/**
 * Splits groups, in order, into batches of at most `maxTokens` rows and `maxTargets` targets.
 * @throws Error when one group is larger than that
 */
export function splitGroups<G extends TokenGroup>(
  groups: readonly G[],
  targets: TargetKind,
  { maxTokens, maxTargets }: { maxTokens: number; maxTargets: number },
): G[][] {
  const batches: G[][] = [];
  let roomRows = 0;
  let roomTargets = 0;
  for (const group of groups) {
    const { rows, targets: wanted } = groupSize(group, targets);
    if (rows > maxTokens || wanted > maxTargets) {
      throw new Error(
        `a prompt with its completions takes ${rows} token rows and ${wanted} targets, but memory ` +
          `is planned for ${maxTokens} and ${maxTargets}; shorten the prompt or its completions`,
      );
    }
    if (rows > roomRows || wanted > roomTargets) {
      batches.push([]);
      roomRows = maxTokens;
      roomTargets = maxTargets;
    }
    batches.at(-1)?.push(group);
    roomRows -= rows;
    roomTargets -= wanted;
  }
  return batches;
}
