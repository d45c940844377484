import { describe, expect, it } from 'vitest';
import { groupByPrefix, packBatch, seenKeys, splitGroups, withinWindow } from './batch.ts';

const groups = [
  {
    prompt: [5, 6],
    completions: [
      [7, 8, 9],
      [7, 4],
    ],
  },
  { prompt: [1], completions: [[2]] },
];

describe('packBatch', () => {
  it('lays a group out once, completions after their prompt, the last token unread', () => {
    const b = packBatch(groups, 'completion');
    expect([...b.ids]).toEqual([5, 6, 7, 8, 7, 1]);
    expect([...b.positions]).toEqual([0, 1, 2, 3, 2, 0]);
    expect([...b.viewEnd]).toEqual([5, 5, 4, 4, 5, 6]);
    expect([...b.spans.slice(8, 20)]).toEqual([0, 2, 2, 3, 0, 2, 2, 4, 0, 2, 4, 5]);
    expect([...b.targetRows]).toEqual([1, 2, 3, 1, 4, 5]);
    expect([...b.targetIds]).toEqual([7, 8, 9, 7, 4, 2]);
    expect(b.ranges).toEqual([
      [
        [0, 3],
        [3, 5],
      ],
      [[5, 6]],
    ]);
  });

  it('has no targets in forced tokens, which still have rows', () => {
    const forced = [[1, 3] as const, undefined];
    const b = packBatch([{ ...groups[0]!, forced }, groups[1]!], 'completion');
    const { ids, spans, positions } = packBatch(groups, 'completion');
    expect({ ids: b.ids, spans: b.spans, positions: b.positions }).toEqual({
      ids,
      spans,
      positions,
    });
    expect([...b.targetRows]).toEqual([1, 1, 4, 5]);
    expect([...b.targetIds]).toEqual([7, 7, 4, 2]);
    expect(b.ranges.flat()).toEqual([
      [0, 1],
      [1, 3],
      [3, 4],
    ]);
  });

  it('reads every token when scoring, and takes the last one of each', () => {
    const b = packBatch([...groups, { prompt: [3, 3], completions: [[]] }], 'score');
    expect([...b.ids]).toEqual([5, 6, 7, 8, 9, 7, 4, 1, 2, 3, 3]);
    expect([...b.targetRows]).toEqual([4, 6, 8, 10]);
  });

  it('keeps the promise of viewEnd: j is seen by exactly the rows j <= i < viewEnd[j]', () => {
    const b = packBatch(groups, 'score');
    for (let i = 0; i < b.tokens; i++) {
      const [prefixStart, prefixEnd, start, end] = [...b.spans.slice(4 * i, 4 * i + 4)] as [
        number,
        number,
        number,
        number,
      ];
      for (let j = 0; j < b.tokens; j++) {
        const bySpan = (j >= prefixStart && j < prefixEnd) || (j >= start && j < end);
        expect(bySpan).toBe(j <= i && i < b.viewEnd[j]!);
      }
    }
  });
});

describe('withinWindow', () => {
  const many = [
    { prompt: [1, 2, 3, 4, 5, 6], completions: [[7, 8, 9], [], [7, 8, 9, 10, 11, 12, 13]] },
    { prompt: [1], completions: [[2, 3, 4, 5, 6]] },
  ];
  const b = packBatch(many, 'score');

  it.each([1, 2, 4, 7, 100])('keeps the last %i tokens of what a row sees', (window) => {
    const { spans, viewEnd } = withinWindow(b.spans, window);
    const keysOf = (all: Uint32Array, i: number): number[] => {
      const [x, y, z, w] = [...all.subarray(4 * i, 4 * i + 4)] as [number, number, number, number];
      return Array.from({ length: b.tokens }, (_, j) => j).filter(
        (j) => (j >= x && j < y) || (j >= z && j < w),
      );
    };
    for (let i = 0; i < b.tokens; i++) {
      const seen = keysOf(b.spans, i).slice(-window);
      expect(keysOf(spans, i)).toEqual(seen);
      // All of them, and no others, are near enough; and none has its last viewer before i.
      const near = keysOf(b.spans, i).filter((j) => b.positions[i]! - b.positions[j]! < window);
      expect(near).toEqual(seen);
      for (const j of seen) expect(viewEnd[j]).toBeGreaterThan(i);
    }
    for (let j = 0; j < b.tokens; j++) expect(keysOf(spans, viewEnd[j]! - 1)).toContain(j);
  });

  it('changes nothing where the window holds all', () => {
    const { spans, viewEnd } = withinWindow(b.spans, 13);
    expect(spans).toEqual(b.spans);
    expect(viewEnd).toEqual(b.viewEnd);
    expect(seenKeys(withinWindow(b.spans, 1).spans)).toBe(b.tokens);
  });
});

it('groupByPrefix shares what sequences begin with', () => {
  expect(
    groupByPrefix([
      [1, 2, 3],
      [1, 2],
      [1, 2, 4],
    ]),
  ).toEqual({
    prompt: [1, 2],
    completions: [[3], [], [4]],
  });
});

it('splitGroups respects rows and targets, and names what cannot fit', () => {
  const sizes = (maxTokens: number, maxTargets: number): number[] =>
    splitGroups(groups, 'completion', { maxTokens, maxTargets }).map((b) => b.length);
  expect(sizes(6, 6)).toEqual([2]);
  expect(sizes(5, 6)).toEqual([1, 1]);
  expect(sizes(6, 5)).toEqual([1, 1]);
  expect(() => sizes(4, 9)).toThrow('5 token rows');
});
