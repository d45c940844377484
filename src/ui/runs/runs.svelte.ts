import type { MetricsRow } from '../../rl/report.ts';
import type { RecipeValue, RecipeValues } from '../../rl/recipe/values.ts';
import type { RecordedRun } from '../../rl/runs/record.ts';
import { recipeKeys, type RecipeKey } from '../../rl/recipe/keys.ts';
import type { RecipeKeySpec } from '../../rl/recipe/spec.ts';
import type { Overlay } from '../charts/view.svelte.ts';
import { changesFromDefault, nameOf, type Change } from './changes.ts';
import { History, type RunEnd } from './history.ts';
import { ListedRun } from './listed-run.svelte.ts';

/** More runs beside the run on view could not be told apart. */
const MOST_OVERLAYS = 5;
/** The run in training is stored at most this often. */
const SAVE_MS = 5_000;

/** The runs of this browser and the recorded one, and which are drawn over the run on view. */
export class Runs {
  /** Oldest first; the recorded run before all. */
  list = $state.raw<readonly ListedRun[]>([]);
  /** The id of the run on view. */
  onView = $state<string | null>(null);
  /** The run that was removed last: it can be restored. */
  removed = $state.raw<ListedRun | null>(null);
  readonly overlays: readonly Overlay[] = $derived(
    this.list.filter((run) => run.overlaid && run.id !== this.onView).map((run) => run.overlay),
  );
  /** The recipe of the recorded run, and so of a run without changes. */
  private base: RecipeValues = {};
  private readonly history = new History();
  private growing: ListedRun | null = null;
  private saved = { at: 0, rows: 0 };

  async open(): Promise<void> {
    const remembered = await this.history.open();
    const known = remembered.map(({ facts, rows }) => {
      // The tab was closed during this run.
      const end = facts.end === 'running' ? 'stopped' : facts.end;
      return new ListedRun({ ...facts, end }, rows);
    });
    const here = known.map(({ id }) => id);
    this.list = [...known, ...this.list.filter(({ id }) => !here.includes(id))].sort(recordedFirst);
  }

  setRecorded({ recipe, steps }: RecordedRun): ListedRun {
    this.base = recipe;
    const facts = { id: 'recorded', slot: 0, recipe, started: 0, overlaid: false };
    const rows = steps.map(({ metrics }) => metrics);
    const run = new ListedRun({ ...facts, label: 'The recorded run', end: 'finished' }, rows, true);
    this.list = [run, ...this.list];
    return run;
  }

  changesOf(recipe: RecipeValues): Change[] {
    return changesFromDefault(recipe, this.base, defaultOf);
  }

  find(id: string | null | undefined): ListedRun | undefined {
    return this.list.find((run) => run.id === id);
  }

  /** Begins a run and puts it on view; `id` is that of an earlier run to continue. */
  begin(recipe: RecipeValues, id?: string): ListedRun {
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
    // The worker reports the earlier steps again.
    const run = new ListedRun({ ...facts, end: 'running' }, []);
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

  /** Ends the run in training. A run without a step is not kept. */
  finish(end: Exclude<RunEnd, 'running'>): void {
    const run = this.growing;
    if (!run) return;
    run.end = end;
    run.look();
    if (run.rows.length) {
      // The next run is compared with the last ones.
      this.overlay(run, true);
      this.save();
    } else {
      this.list = this.list.filter((other) => other !== run);
    }
    this.growing = null;
  }

  /** Draws a run over the run on view, or not. If there are too many, the oldest one goes. */
  overlay(run: ListedRun, overlaid: boolean): void {
    run.overlaid = overlaid;
    const shown = this.list.filter((other) => other.overlaid && other !== run);
    if (overlaid && shown.length >= MOST_OVERLAYS) this.overlay(shown[0]!, false);
    this.keep(run);
  }

  rename(run: ListedRun, label: string): void {
    run.label = label.trim() || nameOf(this.changesOf(run.recipe));
    this.keep(run);
  }

  async remove(run: ListedRun): Promise<void> {
    this.list = this.list.filter((other) => other !== run);
    await this.history.remove(run.id, run.rows.length);
    // Set only now: if the page is reloaded after this, the run is gone.
    this.removed = run;
  }

  async restore(): Promise<void> {
    const run = this.removed;
    if (!run) return;
    this.removed = null;
    this.list = [...this.list, run].sort(recordedFirst);
    await this.history.save(run.facts, run.rows);
  }

  private keep(run: ListedRun): void {
    if (!run.fixed && run.rows.length) void this.history.saveFacts(run.facts);
  }

  private save(): void {
    const run = this.growing;
    if (!run?.rows.length) return;
    void this.history.save(run.facts, run.rows, this.saved.rows);
    this.saved = { at: Date.now(), rows: run.rows.length };
  }
}

const recordedFirst = (a: ListedRun, b: ListedRun): number => a.started - b.started;

function defaultOf(key: string): RecipeValue | undefined {
  const spec = (recipeKeys as Record<string, RecipeKeySpec>)[key as RecipeKey];
  return spec?.default as RecipeValue | undefined;
}
