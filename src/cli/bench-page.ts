/** What the benchmark page (tests/bench/main.ts) and the command give to each other. */
import type { Group, Measurement } from '../app/measure/measurement.ts';

export interface BenchOptions {
  readonly adapter: 'software' | 'hardware';
  /** A GRPO recipe; a path from the project's root. */
  readonly recipe: string;
  /** Absent: all. */
  readonly groups?: readonly Group[];
  /** The commit of the source, if it is known. */
  readonly ponder: string | null;
}

declare global {
  /** Set in the page; measures all libraries. */
  var runBench: (options: BenchOptions) => Promise<Measurement>;
  /** Set by the command. */
  var onBenchProgress: (done: number, total: number, next: string) => Promise<void>;
}
