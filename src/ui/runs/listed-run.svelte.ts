import type { RunFacts } from '../../app/runs/facts.ts';
import type { MetricsRow } from '../../rl/report.ts';
import type { RecipeValues } from '../../rl/recipe/values.ts';
import {
  divergence,
  rewardAndGold,
  type Divergence,
} from '../../rl/evaluation/overoptimisation.ts';
import { alarmOf, type Alarm } from '../../rl/evaluation/alarm.ts';
import { isJudge } from '../charts/gold.ts';
import { finalOf, judgedBy, MetricTable } from '../charts/metric-table.ts';
import type { Overlay } from '../charts/view.svelte.ts';
import { PALETTE } from '../charts/specs.ts';
import { letterOf } from './changes.ts';
import type { Listing, RunEnd } from './listings.ts';
import { goldScale, rewardScale } from '../charts/scales.ts';

/** A run of this browser, or the recorded one: what it was trained with and what it measured. */
export class ListedRun {
  label = $state('');
  note = $state('');
  end = $state<RunEnd>('running');
  /** Why it failed, in a sentence. */
  reason = $state<string>();
  overlaid = $state(false);
  /** Steps that it will have. */
  maxSteps = $state(0);
  /** Step of its last checkpoint, from which it goes on; 0 if there is none. */
  savedStep = $state(0);
  /** Size of its folder; null until it is measured. */
  bytes = $state<number | null>(null);
  /** What is missing or not whole in its folder, a sentence each. */
  problems = $state.raw<readonly string[]>([]);
  /** From where gold falls while the reward rises, if it does. */
  divergence = $state.raw<Divergence>();
  /** Where reward hacking is suspected without any hidden gold. */
  alarm = $state.raw<Alarm>();
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
    { id, facts, recipe, maxSteps, savedStep, end, problems = [] }: Listing,
    rows: readonly MetricsRow[],
    /** The recorded run can be neither changed nor removed. */
    readonly fixed = false,
  ) {
    ({ slot: this.slot, started: this.started } = facts);
    ({ name: this.label, note: this.note, overlaid: this.overlaid, reason: this.reason } = facts);
    Object.assign(this, { maxSteps, savedStep, end, problems });
    this.id = id;
    this.recipe = recipe;
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
    this.alarm = alarmOf(this.rows, isJudge(this.recipe['gold']) ? 'gold' : undefined);
    this.nextLook = Math.ceil(1.1 * this.rows.length) + 5;
  }

  /** Plain values, as they are stored. */
  get facts(): RunFacts {
    const { slot, label: name, note, started, overlaid, end, reason } = this;
    return {
      ...{ name, note, started, slot, overlaid },
      ...((end === 'stopped' || end === 'failed') && { ended: end }),
      ...(reason !== undefined && { reason }),
    };
  }

  /** Whether this tab may change its name, go on with it, or remove it. */
  get isOurs(): boolean {
    return !this.fixed && this.end !== 'elsewhere';
  }

  /** Whether steps are left that this tab could train. */
  get isUnfinished(): boolean {
    return this.isOurs && (this.end === 'stopped' || this.end === 'failed');
  }

  get isPolicy(): boolean {
    return this.recipe['algorithm'] !== 'reward';
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

  /** This run drawn over `viewed`. */
  overlayOver(viewed: ListedRun | undefined): Overlay {
    const { id, letter, label, colour, table, recipe } = this;
    const same = (scale: (recipe: RecipeValues) => string): boolean =>
      !viewed || scale(viewed.recipe) === scale(recipe);
    return {
      ...{ id, letter, label, colour, table },
      sameReward: same(rewardScale),
      sameGold: same(goldScale),
    };
  }

  /** Its reward or gold at the end, from its evaluations if it has nothing else. */
  outcome(key: 'reward' | 'gold'): number | null {
    return finalOf(this.table, `${judgedBy(this.table)}${key}`);
  }
}
