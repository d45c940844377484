/** Merges that wait: the one with the lowest rank is the next, the leftmost of equal ones. */
export class MergeQueue {
  /** A binary heap of rank * POSITIONS + position, both whole numbers: exact below 2^53. */
  private readonly heap: number[] = [];

  push(rank: number, at: number): void {
    const { heap } = this;
    const key = rank * POSITIONS + at;
    let i = heap.push(key) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (heap[parent]! <= key) break;
      heap[i] = heap[parent]!;
      i = parent;
    }
    heap[i] = key;
  }

  pop(): { rank: number; at: number } | undefined {
    const { heap } = this;
    const [top] = heap;
    const last = heap.pop();
    if (top === undefined || last === undefined) return undefined;
    let i = 0;
    for (let child = 1; child < heap.length; child = 2 * i + 1) {
      if (child + 1 < heap.length && heap[child + 1]! < heap[child]!) child++;
      if (heap[child]! >= last) break;
      heap[i] = heap[child]!;
      i = child;
    }
    if (heap.length > 0) heap[i] = last;
    return { rank: Math.floor(top / POSITIONS), at: top % POSITIONS };
  }
}

/** More than a text has characters. */
const POSITIONS = 2 ** 28;
