import { messageOf } from '../../app/message-of.ts';
import { keep, type KeptReport } from '../../app/runs/kept-reports.ts';
import type { Status } from '../../app/training-service.ts';
import type { StepReport } from '../../rl/report.ts';
import type { RecipeValues } from '../../rl/recipe/values.ts';
import { layerRecipes } from '../../rl/recipe/keys.ts';
import type { Schedule } from '../group/evaluated.ts';
import { KEYS_OF_A_POLICY, Shelf } from '../models/shelf.svelte.ts';
import type { ListedRun } from '../runs/listed-run.svelte.ts';
import { Runs } from '../runs/runs.svelte.ts';
import { runsWorker, storedReports } from '../runs/runs-worker.ts';
import { BrowserStorage } from '../runs/storage.svelte.ts';
import { Transfer } from '../runs/transfer.svelte.ts';
import { algorithmChange, type Twin } from '../runs/twins.ts';
import { Settings } from '../settings/settings.svelte.ts';
import { without } from '../settings/without.ts';
import { findGpuProblem, type GpuProblem } from '../webgpu.ts';
import { RewardChoice } from '../rewards/rewards.svelte.ts';
import { guardLeaving } from './leaving.ts';
import { Live } from './live.svelte.ts';
import { OnePrompt } from './one-prompt.svelte.ts';
import { Player } from './player.svelte.ts';
import { connectPolicyWorker } from './policy-worker.ts';
import { RECORDINGS, type Recording } from './recorded.ts';
import { Recordings } from './recordings.svelte.ts';
import { ViewedRun } from './viewed-run.svelte.ts';

/** A run that begins when the one before it is done. */
interface WaitingRun extends Twin {
  of: ListedRun;
}

interface TooLarge {
  problem: string;
  /** The run of the queue that it is, if it is one. */
  waiting: WaitingRun | undefined;
  train: () => Promise<void>;
}

/** Everything the page is about: the run on view, and where its reports come from. */
export class PageState {
  readonly run = new ViewedRun();
  readonly prompt = new OnePrompt(this.run);
  readonly player = new Player(this.run);
  readonly live = new Live(connectPolicyWorker, {
    onStatus: (status) => {
      this.runs.onStatus(status);
      if (this.isLiveOnView) this.run.total = status.maxSteps;
    },
    onReport: (report) => this.onReport(report),
    onEnd: (end) => this.onEnd(end),
  });
  readonly runs = new Runs();
  readonly transfer = new Transfer(this.runs);
  readonly storage = new BrowserStorage();
  readonly settings = new Settings();
  readonly shelf: Shelf = new Shelf({
    onReward: (name) => (this.rewards.model.name = name),
    onPolicy: () => this.settings.replace(without(this.settings.overrides, ...KEYS_OF_A_POLICY)),
  });
  readonly rewards: RewardChoice = new RewardChoice((name) =>
    this.shelf.usable.some((model) => model.name === name),
  );
  queue = $state.raw<readonly WaitingRun[]>([]);
  readonly recordings: Recordings = new Recordings((recording, run) =>
    this.runs.addRecorded(recording, run),
  );
  gpuProblem = $state<GpuProblem | null>(null);
  /** A run that will not fit in the browser's storage, and how to train it all the same. */
  tooLarge = $state.raw<TooLarge | null>(null);
  /** The id of the run that this tab trains, or trained last. */
  private liveId = $state<string | null>(null);
  private liveReports: KeptReport[] = [];
  /** Counts what is put on view, or asked for. */
  private views = 0;
  readonly isLiveOnView = $derived(this.liveId !== null && this.runs.onView === this.liveId);
  /** The run that this tab trains, or trained last. */
  readonly liveRun: ListedRun | undefined = $derived(this.runs.find(this.liveId));
  /** What the run on view trains with. */
  readonly recipe: RecipeValues = $derived(this.runs.viewed?.recipe ?? {});
  /** The newest run that was begun here, is not finished, and can be continued. */
  readonly kept: ListedRun | null = $derived(
    this.runs.list.findLast(
      (run) => run.isUnfinished && run.isPolicy && run.savedStep > 0 && !run.problems.length,
    ) ?? null,
  );
  /** The run whose model can be asked and taken home: the one on view, or the newest that has one. */
  readonly subject: ListedRun | null = $derived.by(() => {
    const trained = this.runs.list.filter((run) => run.isPolicy && run.savedStep > 0);
    return trained.find(({ id }) => id === this.runs.onView) ?? trained.at(-1) ?? null;
  });
  /** When the run on view will be evaluated; undefined where it does not go on. */
  readonly schedule: Schedule | undefined = $derived.by(() => {
    if (!this.live.active || !this.isLiveOnView) return undefined;
    const { eval_steps: every } = this.recipe;
    return { total: this.run.total, ...(typeof every === 'number' && { every }) };
  });
  private beginning = false;
  /** The playhead moves by itself. */
  readonly running = $derived(this.player.playing || this.live.active);

  /** Opens on the recorded run; `still` shows its end instead of playing it. */
  async open(still: boolean): Promise<void> {
    // Looking for a graphics card may take a while, and the replay needs none.
    void this.checkGpu();
    // Before Runs shows it, where it would push other things away.
    void this.storage.measure();
    // An earlier visit's choice does not change what a link hides or locks.
    const remembers = (section: 'models' | 'rewards'): boolean =>
      !this.settings.hides(section) && !this.settings.locked;
    void this.rewards.open(remembers('rewards'), this.shelf.open(remembers('models')));
    guardLeaving(this.live);
    await this.recordings.fetchFirst();
    void this.runs.refresh();
    // Another tab may have trained meanwhile.
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') void this.runs.refresh();
    });
    void this.checkLink();
    // The visitor may have started training meanwhile, or opened a run.
    if (!this.live.status && this.views === 0) this.showRecorded(still);
    this.recordings.fetchOthers();
  }

  showRecorded(still: boolean, recording: Recording = RECORDINGS[0]): void {
    const recorded = this.recordings.get(recording);
    if (!recorded) return;
    const { steps } = recorded;
    this.show(recording.id, steps, steps.at(-1)?.metrics.step ?? 0);
    if (!still) this.player.play();
  }

  /** Puts a run on view: its curves, completions, traces and evaluations. */
  async view(run: ListedRun): Promise<void> {
    const recording = RECORDINGS.find(({ id }) => id === run.id);
    if (recording) {
      this.showRecorded(true, recording);
    } else if (run.id === this.liveId && this.live.active) {
      this.show(run.id, this.liveReports, run.maxSteps);
    } else {
      const number = ++this.views;
      const { reports, problems } = await runsWorker().open(run.id);
      const isNew = (problem: string): boolean => !run.problems.includes(problem);
      run.problems = [...run.problems, ...problems.filter(isNew)];
      // Meanwhile, something else may have been asked for, or this run deleted.
      if (number === this.views && this.runs.find(run.id)) {
        this.show(run.id, reports, run.maxSteps);
      }
    }
  }

  /** Opens what TRL or verl wrote, and puts it on view. @returns whether it is such an output */
  async openReturned(files: ReadonlyMap<string, File>): Promise<boolean> {
    const run = this.runs.find(await this.transfer.openReturned(files));
    if (run) await this.view(run);
    return run !== undefined || this.transfer.problem !== null;
  }

  private show(id: string, reports: readonly StepReport[], total: number): void {
    this.views++;
    this.player.pause();
    // What was said of a run that has ended is not about this one.
    if (!this.live.active) this.live.status = null;
    this.runs.onView = id;
    this.run.reset(total, this.recordings.get({ id }) ? undefined : storedReports(id));
    this.run.push(...reports);
  }

  private onReport(report: StepReport): void {
    keep(this.liveReports, report);
    this.runs.append(report.metrics);
    if (this.isLiveOnView) this.run.push(report);
  }

  private onEnd({ phase, error }: Status): void {
    if (phase !== 'finished' && phase !== 'stopped' && phase !== 'failed') return;
    this.runs.finish(phase, error);
    // After a stop or a failure, the next one does not begin by itself.
    if (phase === 'finished') void this.startNext();
  }

  /** The recipe before the visitor's settings: the default one, and what the chosen policy needs. */
  get startRecipe(): RecipeValues {
    // The recorded run has the default recipe; without a recorded run, the worker has its own copy.
    const recorded = this.recordings.first?.recipe ?? {};
    // A link that locks the recipe also locks the models, the rewards and the prompts.
    return this.settings.locked ? recorded : layerRecipes(recorded, this.shelf.recipe);
  }

  /** What the next run trains with. */
  get nextRecipe(): RecipeValues {
    const set = layerRecipes(this.startRecipe, this.settings.overrides);
    if (this.settings.locked) return set;
    // Only those reward keys that the algorithm uses.
    const { algorithm = 'grpo' } = set;
    return layerRecipes(set, layerRecipes(this.rewards.recipeOver(set), { algorithm }));
  }

  /** Makes the next run DPO, which learns from a file of preferences. */
  learnFromPairs(): void {
    const change = algorithmChange('dpo');
    this.settings.replace({ ...layerRecipes(this.settings.overrides, change), ...change });
  }

  train(): Promise<void> {
    return this.trainRecipe(this.nextRecipe);
  }

  /** As `train`, with other values for some keys. */
  trainWith(values: RecipeValues): Promise<void> {
    return this.trainRecipe(layerRecipes(this.nextRecipe, values));
  }

  private async trainRecipe(recipe: RecipeValues): Promise<void> {
    let prepared = recipe;
    try {
      // A link that locks the recipe has rewards and prompts of its own.
      if (!this.settings.locked) prepared = await this.rewards.prepare(recipe);
    } catch (error) {
      // Another run may have begun meanwhile.
      if (!this.live.active) this.live.fail(messageOf(error));
      return;
    }
    await this.begin(prepared);
  }

  /** Trains `of` again with one thing changed, after any run under way; the charts draw both. */
  async trainTwin(of: ListedRun, twin: Twin): Promise<void> {
    this.queue = [...this.queue, { of, ...twin }];
    if (!this.live.active) await this.startNext();
  }

  /** The run stays in the queue until it has begun. */
  async startNext(): Promise<void> {
    const [waiting] = this.queue;
    if (waiting) await this.begin(layerRecipes(waiting.of.recipe, waiting.change), { waiting });
  }

  forget(waiting: WaitingRun): void {
    this.queue = this.queue.filter((other) => other !== waiting);
    if (this.tooLarge?.waiting === waiting) this.tooLarge = null;
  }

  /** Continues a run from its last checkpoint, to another number of steps if one is given. */
  async goOn(run: ListedRun, maxSteps?: number): Promise<void> {
    if (!(await this.canBegin())) return;
    const { id } = this.runs.goOn(run);
    this.putOnView(id);
    await this.live.goOn({ id, ...(maxSteps !== undefined && { maxSteps }) });
  }

  /** Sets the recipe form, the models and the rewards to what a run was trained with. */
  duplicate(run: ListedRun): void {
    this.shelf.choose(null);
    this.rewards.clear();
    const set = this.runs.changesOf(run.recipe).map(({ key, to }) => [key, to] as const);
    this.settings.replace(Object.fromEntries(set));
  }

  /** Deletes a run with all that it wrote. @throws if another tab trains it */
  async remove(run: ListedRun): Promise<void> {
    await this.runs.remove(run);
    if (this.runs.onView === run.id) this.showRecorded(true);
  }

  /** @param asked `fits`: do not ask the storage; `waiting`: the run of the queue that this is */
  private async begin(
    recipe: RecipeValues,
    { fits = false, waiting }: { fits?: boolean; waiting?: WaitingRun } = {},
  ): Promise<void> {
    const isForgotten = (): boolean => waiting !== undefined && !this.queue.includes(waiting);
    const can = await this.canBegin(async () => {
      const problem = fits ? null : await this.storage.problemWith(recipe);
      const train = (): Promise<void> => this.begin(recipe, { fits: true, waiting });
      this.tooLarge = problem === null || isForgotten() ? null : { problem, waiting, train };
    });
    if (!can || this.tooLarge || isForgotten()) return;
    if (waiting) {
      this.forget(waiting);
      this.runs.overlay(waiting.of, true);
    }
    void this.storage.persist();
    const { id } = this.runs.begin(recipe);
    this.putOnView(id);
    await this.live.begin({ id, recipe });
  }

  /** Whether nothing is in training, and this browser can train; `check` is done if so. */
  private async canBegin(check?: () => Promise<void>): Promise<boolean> {
    // Ignores a second press while it still looks for a graphics card and for room.
    if (this.beginning || this.live.active) return false;
    this.beginning = true;
    try {
      await this.checkGpu();
      if (!this.gpuProblem) await check?.();
    } finally {
      this.beginning = false;
    }
    return !this.gpuProblem;
  }

  private putOnView(id: string): void {
    this.liveId = id;
    this.liveReports = [];
    this.show(id, [], 0);
  }

  playOrPause(): void {
    const { live, player } = this;
    if (live.status?.phase === 'training') void live.pause();
    else if (live.status?.phase === 'paused') void live.resume();
    else if (player.playing) player.pause();
    else player.play();
  }

  seek(head: number): void {
    this.player.pause();
    this.run.seek(head);
  }

  /** Checks the link, which may have been written by hand. */
  private async checkLink(): Promise<void> {
    const { settings } = this;
    if (!Object.keys(settings.overrides).length) return;
    const { problemWith } = await import('../settings/check.ts');
    settings.problem ??= problemWith(this.startRecipe, settings.overrides);
  }

  private async checkGpu(): Promise<void> {
    this.gpuProblem = await findGpuProblem();
  }
}
