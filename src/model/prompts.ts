/**
 * The prompts of a generation, packed for prefill: tokens after the same tokens have the same hidden
 * states, so that they are computed once for all prompts that begin alike. Each prompt still has cache rows
 * of its own, one after another, which decoding reads in one range.
 */
import { seenKeys, withinWindow } from './batch.ts';
import type { PromptDims } from './decoder-ops.ts';

export interface PackedPrompts {
  /** Token ids by row [tokens]. */
  readonly ids: Uint32Array;
  readonly positions: Uint32Array;
  /** The cache rows that each row attends to, as in PackedBatch. */
  readonly spans: Uint32Array;
  /** Spans of layers with a window; absent without one. */
  readonly windowSpans?: Uint32Array;
  /** By cache row: the row whose key and value it gets. */
  readonly sources: Uint32Array;
  readonly dims: PromptDims;
}

/** A row, and the rows of the tokens that follow it in any prompt. */
interface Node {
  row: number;
  next: Map<number, Node>;
}

/** Packs prompts, each without its last token, which is the first input of decoding. */
export function packPrompts(
  prompts: readonly (readonly number[])[],
  window?: number,
): PackedPrompts {
  const ids: number[] = [];
  const positions: number[] = [];
  const spanList: number[] = [];
  const sources: number[] = [];
  const root: Node = { row: -1, next: new Map() };
  for (const prompt of prompts) {
    const start = sources.length;
    let node = root;
    for (let t = 0; t < prompt.length - 1; t++) {
      const id = prompt[t]!;
      let next = node.next.get(id);
      if (!next) {
        next = { row: ids.length, next: new Map() };
        node.next.set(id, next);
        ids.push(id);
        positions.push(t);
        spanList.push(start, start, start, start + t + 1);
      }
      node = next;
      sources.push(node.row);
    }
  }
  const spans = Uint32Array.from(spanList);
  const windowSpans = window === undefined ? undefined : withinWindow(spans, window).spans;
  return {
    ids: Uint32Array.from(ids),
    positions: Uint32Array.from(positions),
    spans,
    ...(windowSpans && { windowSpans }),
    sources: Uint32Array.from(sources),
    dims: {
      tokens: ids.length,
      pairs: seenKeys(spans),
      windowPairs: seenKeys(windowSpans ?? spans),
      cached: sources.length,
    },
  };
}
