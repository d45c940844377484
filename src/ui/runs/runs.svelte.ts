import type { MetricsRow } from '../../rl/report.ts';
import type { RecipeValue, RecipeValues } from '../../rl/recipe/values.ts';
import type { RecordedRun } from '../../rl/runs/record.ts';
import { recipeKeys, type RecipeKey } from '../../rl/recipe/keys.ts';
import type { RecipeKeySpec } from '../../rl/recipe/spec.ts';
import type { Overlay } from '../charts/view.svelte.ts';
import { changesFromDefault, nameOf, type Change } from './changes.ts';
import { History, type RunEnd } from './history.ts';
import { PastRun } from './past-run.svelte.ts';

/** Beside the run on view, as many as can be told apart. */
const MOST_OVERLAYS = 5;
/** A run that is trained is written down at most this often. */
const SAVE_MS = 5_000;

/** The runs of this browser and the recorded one, and which of them the charts draw over the run on view. */
export class Runs {
  /** Oldest first; the recorded run before all. */
  list = $state.raw<readonly PastRun[]>([]);
  /** The id of the run on view. */
  onView = $state<string | null>(null);
  /** The run that was removed last: it can be had back. */
  removed = $state.raw<PastRun | null>(null);
  readonly overlays: readonly Overlay[] = $derived(
    this.list.filter((run) => run.overlaid && run.id !== this.onView).map((run) => run.overlay),
  );
  /** What the recorded run, and so a run without changes, is trained with. */
  private base: RecipeValues = {};
  private readonly history = new History();
  private growing: PastRun | null = null;
  private saved = { at: 0, rows: 0 };

  async open(): Promise<void> {
    const remembered = await this.history.open();
    const known = remembered.map(({ facts, rows }) => {
      // The tab was closed on it.
      const end = facts.end === 'running' ? 'stopped' : facts.end;
      return new PastRun({ ...facts, end }, rows);
    });
    const here = known.map(({ id }) => id);
    this.list = [...known, ...this.list.filter(({ id }) => !here.includes(id))].sort(recordedFirst);
  }

  setRecorded({ recipe, steps }: RecordedRun): PastRun {
    this.base = recipe;
    const facts = { id: 'recorded', slot: 0, recipe, started: 0, overlaid: false };
    const rows = steps.map(({ metrics }) => metrics);
    const run = new PastRun({ ...facts, label: 'The recorded run', end: 'finished' }, rows, true);
    this.list = [run, ...this.list];
    return run;
  }

  changesOf(recipe: RecipeValues): Change[] {
    return changesFromDefault(recipe, this.base, defaultOf);
  }

  find(id: string | null | undefined): PastRun | undefined {
    return this.list.find((run) => run.id === id);
  }

  /** A run begins and is on view; `id` is that of an earlier one that goes on. */
  begin(recipe: RecipeValues, id?: string): PastRun {
    this.finish('stopped');
    const earlier = this.find(id);
    const started = Date.now();
    const facts = earlier?.facts ?? {
      id: `run-${started}`,
      slot: 1 + Math.max(0, ...this.list.map(({ slot }) => slot)),
      label: nameOf(this.changesOf(recipe)),
      recipe,
      started,
      overlaid: false,
    };
    // The worker reports the steps it had done once more.
    const run = new PastRun({ ...facts, end: 'running' }, []);
    this.list = [...this.list.filter((other) => other !== earlier), run].sort(recordedFirst);
    this.growing = run;
    this.saved = { at: Date.now(), rows: 0 };
    this.onView = run.id;
    return run;
  }

  append(row: MetricsRow): void {
    this.growing?.append(row);
    if (Date.now() - this.saved.at > SAVE_MS) this.save();
  }

  /** The run that was trained is over. One that never made a step leaves no trace. */
  finish(end: Exclude<RunEnd, 'running'>): void {
    const run = this.growing;
    if (!run) return;
    run.end = end;
    run.look();
    if (run.rows.length) {
      // The last runs are what the next one is compared with.
      this.overlay(run, true);
      this.save();
    } else {
      this.list = this.list.filter((other) => other !== run);
    }
    this.growing = null;
  }

  /** When there are too many, the one that was begun first goes. */
  overlay(run: PastRun, overlaid: boolean): void {
    run.overlaid = overlaid;
    const shown = this.list.filter((other) => other.overlaid && other !== run);
    if (overlaid && shown.length >= MOST_OVERLAYS) this.overlay(shown[0]!, false);
    this.keep(run);
  }

  rename(run: PastRun, label: string): void {
    run.label = label.trim() || nameOf(this.changesOf(run.recipe));
    this.keep(run);
  }

  async remove(run: PastRun): Promise<void> {
    this.list = this.list.filter((other) => other !== run);
    await this.history.remove(run.id, run.rows.length);
    // Said once it is so: whoever reloads the page then does not find it again.
    this.removed = run;
  }

  async restore(): Promise<void> {
    const run = this.removed;
    if (!run) return;
    this.removed = null;
    this.list = [...this.list, run].sort(recordedFirst);
    await this.history.save(run.facts, run.rows);
  }

  private keep(run: PastRun): void {
    if (!run.fixed && run.rows.length) void this.history.saveFacts(run.facts);
  }

  private save(): void {
    const run = this.growing;
    if (!run?.rows.length) return;
    void this.history.save(run.facts, run.rows, this.saved.rows);
    this.saved = { at: Date.now(), rows: run.rows.length };
  }
}

const recordedFirst = (a: PastRun, b: PastRun): number => a.started - b.started;

function defaultOf(key: string): RecipeValue | undefined {
  const spec = (recipeKeys as Record<string, RecipeKeySpec>)[key as RecipeKey];
  return spec?.default as RecipeValue | undefined;
}
