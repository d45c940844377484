import { newRunId, UNDO_MS, unknownFacts, type RunFacts } from '../../app/runs/facts.ts';
import { heldRuns, whenFree } from '../../app/runs/lock.ts';
import type { Phase, Status } from '../../app/training-service.ts';
import type { MetricsRow } from '../../rl/report.ts';
import type { RecipeValues } from '../../rl/recipe/values.ts';
import type { RecordedRun } from '../../rl/runs/record.ts';
import type { Overlay } from '../charts/view.svelte.ts';
import { changesFromDefault, nameOf, type Change } from './changes.ts';
import { FactsWriter } from './facts-writer.ts';
import { ListedRun } from './listed-run.svelte.ts';
import { listingsOf, nextSlot } from './listings.ts';
import { RECORDINGS, type Recording } from '../run/recorded.ts';
import { runsWorker } from './runs-worker.ts';

/** More runs beside the run on view could not be told apart. */
const MOST_OVERLAYS = 5;

/** The runs of this browser and the recorded ones, and which are drawn over the run on view. */
export class Runs {
  /** Oldest first; the recorded runs before all. */
  list = $state.raw<readonly ListedRun[]>([]);
  /** The run that was deleted a moment ago and can be brought back. */
  removed = $state.raw<ListedRun | null>(null);
  /** The id of the run on view. */
  onView = $state<string | null>(null);
  readonly viewed = $derived(this.find(this.onView));
  readonly overlays: readonly Overlay[] = $derived(
    this.list
      .filter((run) => run.overlaid && run.id !== this.onView)
      .map((run) => run.overlayOver(this.viewed)),
  );
  /** The recipe of the first recorded run, and so of a run without changes. */
  private base = $state.raw<RecipeValues>({});
  /** The run in training in this tab. */
  private growing: ListedRun | null = null;
  /** The runs that a worker of this tab trains; all other runs that are held are in other tabs. */
  private here: readonly string[] = [];
  /** The runs of other tabs whose end is waited for. */
  private watched: readonly string[] = [];
  /** The runs that were deleted here, and when. */
  private deletions: readonly { id: string; at: number }[] = [];
  /** The phase of the run in training. */
  private phase: Phase | null = null;
  private readonly facts = new FactsWriter((id, change) => runsWorker().changeFacts(id, change));

  /** Reads the stored runs again. Where the browser stores nothing, those of this visit stay. */
  async refresh(): Promise<void> {
    const asked = Date.now();
    await this.facts.settled();
    const { count } = this.facts;
    const stored = await runsWorker()
      .list()
      .catch(() => null);
    if (!stored) return;
    const held = await heldRuns().catch(() => NOBODY);
    // What was read may be older than a name that was given meanwhile.
    if (this.facts.count !== count) return this.refresh();
    // A run that began meanwhile may be missing among the stored ones.
    const others = this.list.filter(
      (run) => run.fixed || run === this.growing || run.started >= asked,
    );
    // One that was deleted meanwhile may still be among them.
    const isDeleted = (id: string): boolean =>
      this.deletions.some((one) => one.id === id && one.at >= asked);
    const read = stored
      .filter(({ id }) => !others.some((run) => run.id === id) && !isDeleted(id))
      .map((run) => ({ ...run, facts: { ...run.facts, ...this.facts.waitingFor(run.id) } }));
    const listings = listingsOf(read, {
      ...{ held, here: this.here, taken: others.map(({ slot }) => slot) },
      nameOf: (recipe) => nameOf(this.changesOf(recipe)),
    });
    const listed = listings.map((listing) => {
      const run = new ListedRun(listing, listing.rows);
      run.bytes = this.find(run.id)?.bytes ?? null;
      if (run.end === 'elsewhere') void this.watch(run.id);
      return run;
    });
    this.list = [...others, ...listed].sort(recordedFirst);
  }

  /** Looks again when the other tab no longer trains the run. */
  private async watch(id: string): Promise<void> {
    if (this.watched.includes(id)) return;
    this.watched = [...this.watched, id];
    await whenFree(id);
    this.watched = this.watched.filter((other) => other !== id);
    await this.refresh();
  }

  /** Lists a run that ships with the page; the first is the run without changes. */
  addRecorded({ id, name, slot, note }: Recording, { recipe, steps }: RecordedRun): void {
    if (id === RECORDINGS[0].id) this.base = recipe;
    const rows = steps.map(({ metrics }) => metrics);
    const steady = { maxSteps: rows.at(-1)?.step ?? 0, savedStep: 0, end: 'finished' } as const;
    const facts = { ...unknownFacts(id), name, slot, note };
    const run = new ListedRun({ id, facts, recipe, ...steady }, rows, true);
    this.list = [...this.list, run].sort(recordedFirst);
  }

  changesOf(recipe: RecipeValues): Change[] {
    return changesFromDefault(recipe, this.base);
  }

  find(id: string | null | undefined): ListedRun | undefined {
    return this.list.find((run) => run.id === id);
  }

  /** Lists a new run and puts it on view. */
  begin(recipe: RecipeValues): ListedRun {
    const id = newRunId();
    const facts = {
      ...unknownFacts(id),
      slot: nextSlot(this.list.map(({ slot }) => slot)),
      name: nameOf(this.changesOf(recipe)),
    };
    const run = new ListedRun({ id, facts, recipe, maxSteps: 0, savedStep: 0, end: 'running' }, []);
    void this.facts.change(id, facts);
    return this.grow(run);
  }

  /** Goes on with a run, whose steps so far will be reported again. */
  goOn(earlier: ListedRun): ListedRun {
    const { id, recipe, maxSteps, savedStep } = earlier;
    const facts = { ...earlier.facts };
    delete facts.ended;
    delete facts.reason;
    return this.grow(new ListedRun({ id, facts, recipe, maxSteps, savedStep, end: 'running' }, []));
  }

  private grow(run: ListedRun): ListedRun {
    this.list = [...this.list.filter(({ id }) => id !== run.id), run].sort(recordedFirst);
    this.growing = run;
    this.here = [...this.here, run.id];
    this.onView = run.id;
    return run;
  }

  append(row: MetricsRow): void {
    const run = this.growing;
    if (!run) return;
    run.append(row);
    // A run that goes on has not ended any more; another tab may have deleted it a moment ago.
    if (run.rows.length === 1) this.keep(run, 'ended', 'reason', 'deleted');
    else void this.writeFacts(run.id);
  }

  onStatus({ phase, maxSteps, savedStep }: Status): void {
    const run = this.growing;
    if (!run) return;
    // A new run has a folder when it is loaded.
    if (phase !== this.phase) void this.writeFacts(run.id);
    this.phase = phase;
    if (maxSteps > 0) run.maxSteps = maxSteps;
    if (savedStep !== undefined) run.savedStep = savedStep;
  }

  /** Ends the run in training. A run without a step is not kept. */
  finish(end: 'finished' | 'stopped' | 'failed', reason?: string): void {
    const run = this.growing;
    if (!run) return;
    this.growing = null;
    this.here = this.here.filter((id) => id !== run.id);
    run.end = end;
    run.reason = reason;
    run.look();
    if (run.rows.length > 0) {
      this.keep(run, 'ended', 'reason');
      // The next run is compared with the last ones.
      this.overlay(run, true);
      void this.measure(run);
    } else {
      // Of a run that could not go on, the folder says how it is.
      this.list = this.list.filter((other) => other !== run);
      void this.refresh();
    }
  }

  /** A run that something else of this page trains, such as a judge. */
  beginElse(id: string, facts: RunFacts): void {
    this.here = [...this.here, id];
    void this.facts.change(id, facts);
  }

  async endElse(id: string): Promise<void> {
    this.here = this.here.filter((other) => other !== id);
    await this.writeFacts(id);
    await this.refresh();
  }

  /** Draws a run over the run on view, or not. If there are too many, the oldest one goes. */
  overlay(run: ListedRun, overlaid: boolean): void {
    run.overlaid = overlaid;
    const shown = this.list.filter((other) => other.overlaid && other !== run);
    if (overlaid && shown.length >= MOST_OVERLAYS) this.overlay(shown[0]!, false);
    this.keep(run, 'overlaid');
  }

  rename(run: ListedRun, label: string): void {
    run.label = label.trim() || nameOf(this.changesOf(run.recipe));
    this.keep(run, 'name');
  }

  describe(run: ListedRun, note: string): void {
    run.note = note.trim();
    this.keep(run, 'note');
  }

  /** With its folder: curves, completions and weights. @throws if another tab trains it */
  async remove(run: ListedRun): Promise<void> {
    await runsWorker().remove(run.id);
    this.deletions = [...this.deletions, { id: run.id, at: Date.now() }];
    // Meanwhile the runs may have been read again.
    this.list = this.list.filter(({ id }) => id !== run.id);
    this.removed = run;
    setTimeout(() => {
      if (this.removed === run) this.removed = null;
    }, UNDO_MS - 500);
  }

  /** Brings back the run that was deleted last. */
  async restore(): Promise<void> {
    const { removed } = this;
    if (!removed) return;
    this.removed = null;
    this.deletions = this.deletions.filter(({ id }) => id !== removed.id);
    await runsWorker()
      .restore(removed.id)
      .catch(() => undefined);
    await this.refresh();
  }

  /** Sets the size of a run's folder. */
  async measure(run: ListedRun): Promise<void> {
    run.bytes = await runsWorker()
      .size(run.id)
      .catch(() => null);
  }

  /** Writes the facts of a run that could not be written before. */
  writeFacts(id: string): Promise<void> {
    return this.facts.retry(id);
  }

  /** Stores only what was changed here, because another tab may have changed the rest. */
  private keep(run: ListedRun, ...changed: (keyof RunFacts)[]): void {
    if (!run.isOurs) return;
    const { facts } = run;
    // A run from another browser has its slot from this list.
    const stored = [...changed, 'slot'] as const;
    void this.facts.change(run.id, Object.fromEntries(stored.map((fact) => [fact, facts[fact]])));
  }
}

const NOBODY: ReadonlySet<string> = new Set<string>();

const recordedFirst = (a: ListedRun, b: ListedRun): number =>
  Number(b.fixed) - Number(a.fixed) || a.started - b.started;
