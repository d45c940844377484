import { createStore, delMany, entries, set, setMany } from 'idb-keyval';
import type { MetricsRow } from '../../rl/report.ts';
import type { RecipeValues } from '../../rl/recipe/values.ts';

export type RunEnd = 'running' | 'finished' | 'stopped' | 'failed';

/** What is remembered of a run besides its metrics. */
export interface RunFacts {
  id: string;
  /** Decides letter and colour, for good. */
  slot: number;
  label: string;
  recipe: RecipeValues;
  /** Milliseconds since 1970. */
  started: number;
  end: RunEnd;
  overlaid: boolean;
}

export interface RememberedRun {
  facts: RunFacts;
  rows: MetricsRow[];
}

/** Rows are kept in pieces of this many, so that a long run is not written again for each report. */
const PIECE = 200;

/**
 * The runs of this browser: recipes and metrics, not weights. Where the browser keeps nothing, as in
 * some private windows, nothing is remembered and nothing fails.
 */
export class History {
  private readonly store = createStore('ponder-runs', 'runs');

  /** Oldest first. */
  async open(): Promise<RememberedRun[]> {
    const all = await entries<string, unknown>(this.store).catch(() => []);
    const pieces = new Map(all);
    const facts = all.filter(([key]) => !key.includes('/')).map(([, value]) => value as RunFacts);
    return facts
      .sort((a, b) => a.started - b.started)
      .map((run) => ({ facts: run, rows: rowsOf(run.id, pieces) }));
  }

  /** Writes the facts, and the rows from `from` on. */
  async save(facts: RunFacts, rows: readonly MetricsRow[], from = 0): Promise<void> {
    const changed: [string, unknown][] = [[facts.id, facts]];
    for (let piece = Math.floor(from / PIECE); piece * PIECE < rows.length; piece++) {
      changed.push([pieceKey(facts.id, piece), rows.slice(piece * PIECE, (piece + 1) * PIECE)]);
    }
    await setMany(changed, this.store).catch(() => undefined);
  }

  async saveFacts(facts: RunFacts): Promise<void> {
    await set(facts.id, facts, this.store).catch(() => undefined);
  }

  async remove(id: string, rows: number): Promise<void> {
    const pieces = Array.from({ length: Math.ceil(rows / PIECE) }, (_, i) => pieceKey(id, i));
    await delMany([id, ...pieces], this.store).catch(() => undefined);
  }
}

const pieceKey = (id: string, piece: number): string => `${id}/${piece}`;

function rowsOf(id: string, pieces: ReadonlyMap<string, unknown>): MetricsRow[] {
  const rows: MetricsRow[] = [];
  for (let i = 0; ; i++) {
    const piece = pieces.get(pieceKey(id, i)) as MetricsRow[] | undefined;
    if (!piece) return rows;
    rows.push(...piece);
  }
}
