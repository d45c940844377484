import type { MetricsRow } from '../../rl/report.ts';
import type { RecipeValues } from '../../rl/recipe/values.ts';
import { divergence, rewardAndGold, type Divergence } from '../../rl/evaluation/overoptimisation.ts';
import { judgedBy, meanOfLast, MetricTable } from '../charts/metric-table.ts';
import type { Overlay } from '../charts/view.svelte.ts';
import { PALETTE } from '../charts/specs.ts';
import { letterOf } from './changes.ts';
import type { RunEnd, RunFacts } from './history.ts';

/** One step is noisy: a run's result is the mean of its last steps. One evaluation is enough. */
export const LAST_STEPS = 10;

/** A run of this browser, or the recorded one: what it was trained with and what it measured. */
export class ListedRun {
  label = $state('');
  end = $state<RunEnd>('running');
  overlaid = $state(false);
  /** From where gold falls while the reward rises, if it does. */
  divergence = $state.raw<Divergence>();
  readonly rows: MetricsRow[] = [];
  /** The number of rows at which it is looked for again: not for each row. */
  private nextLook = 0;
  /** The same table in a new object whenever it has grown, so that readers notice. */
  private grown = $state.raw({ table: new MetricTable() });

  readonly id: string;
  readonly slot: number;
  readonly recipe: RecipeValues;
  readonly started: number;

  constructor(
    facts: RunFacts,
    rows: readonly MetricsRow[],
    /** The recorded run can be neither renamed nor removed. */
    readonly fixed = false,
  ) {
    ({ id: this.id, slot: this.slot, recipe: this.recipe, started: this.started } = facts);
    ({ label: this.label, end: this.end, overlaid: this.overlaid } = facts);
    this.nextLook = rows.length;
    for (const row of rows) this.append(row);
  }

  append(row: MetricsRow): void {
    this.rows.push(row);
    this.grown.table.append(row);
    this.grown = { ...this.grown };
    if (this.rows.length >= this.nextLook) this.look();
  }

  look(): void {
    this.divergence = divergence(rewardAndGold(this.rows));
    this.nextLook = Math.ceil(1.1 * this.rows.length) + 5;
  }

  /** Plain values, as they are stored. */
  get facts(): RunFacts {
    const { id, slot, label, recipe, started, end, overlaid } = this;
    return { id, slot, label, recipe, started, end, overlaid };
  }

  /** Grows in place. */
  get table(): MetricTable {
    return this.grown.table;
  }

  get letter(): string {
    return letterOf(this.slot);
  }

  get colour(): string {
    return PALETTE[this.slot % PALETTE.length]!;
  }

  get overlay(): Overlay {
    const { id, letter, label, colour, table } = this;
    return { id, letter, label, colour, table };
  }

  /** A metric at the end of the run; null when it has none. */
  final(key: string): number | null {
    const last = key.startsWith('eval_') ? 1 : LAST_STEPS;
    return meanOfLast(this.table.column(key) ?? [], last);
  }

  /** Its reward or gold at the end, from its evaluations if it has nothing else. */
  outcome(key: 'reward' | 'gold'): number | null {
    return this.final(`${judgedBy(this.table)}${key}`);
  }
}
