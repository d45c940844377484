import { messageOf } from '../../app/message-of.ts';
import type { RecipeValues } from '../../rl/recipe/values.ts';
import type { RecordedRun } from '../../rl/runs/record.ts';
import { layerRecipes } from '../../rl/recipe/keys.ts';
import { Shelf } from '../models/shelf.svelte.ts';
import type { ListedRun } from '../runs/listed-run.svelte.ts';
import { Runs } from '../runs/runs.svelte.ts';
import { algorithmChange, type Twin } from '../runs/twins.ts';
import { Settings } from '../settings/settings.svelte.ts';
import { findGpuProblem, type GpuProblem } from '../webgpu.ts';
import { readKept, writeKept, type KeptRun } from './kept.ts';
import { RewardChoice } from '../rewards/rewards.svelte.ts';
import { Live } from './live.svelte.ts';
import { Player } from './player.svelte.ts';
import { connectPolicyWorker } from './policy-worker.ts';
import { fetchRecordedRun } from './recorded.ts';
import { ViewedRun } from './viewed-run.svelte.ts';

/** A run that begins when the one before it is done. */
export interface WaitingRun extends Twin {
  of: ListedRun;
}

/** Everything the page is about: the run on view, and where its reports come from. */
export class PageState {
  readonly run = new ViewedRun();
  readonly player = new Player(this.run);
  readonly live = new Live(this.run, connectPolicyWorker, {
    onSaved: (saved) => this.keep(saved),
    onReport: ({ metrics }) => this.runs.append(metrics),
    onEnd: (phase) => {
      this.runs.finish(phase);
      // After a stop or a failure, the next one does not begin by itself.
      if (phase === 'finished') void this.startNext();
    },
  });
  readonly runs = new Runs();
  readonly settings = new Settings();
  readonly shelf = new Shelf((name) => (this.rewards.model.name = name));
  readonly rewards: RewardChoice = new RewardChoice((name) =>
    this.shelf.usable.some((model) => model.name === name),
  );
  queue = $state.raw<readonly WaitingRun[]>([]);
  recorded = $state.raw<RecordedRun | null>(null);
  /** Why there is no replay, in a sentence. */
  recordedError = $state<string | null>(null);
  /** A run of an earlier visit, or of this one, that can be continued. */
  kept = $state.raw<KeptRun | null>(null);
  gpuProblem = $state<GpuProblem | null>(null);
  /** What the live run trains with. */
  private liveRecipe = $state.raw<RecipeValues>({});
  /** What the run on view trains with. */
  readonly recipe: RecipeValues = $derived(
    this.live.status ? this.liveRecipe : (this.recorded?.recipe ?? {}),
  );
  private runId = '';
  private beginning = false;
  /** The playhead moves by itself. */
  readonly running = $derived(this.player.playing || this.live.active);

  /** Opens on the recorded run; `still` shows its end instead of playing it. */
  async open(still: boolean): Promise<void> {
    // Looking for a graphics card may take a while, and the replay needs none.
    void this.checkGpu();
    // An earlier visit's choice does not change what a link hides or locks.
    const remembers = (section: 'models' | 'rewards'): boolean =>
      !this.settings.hides(section) && !this.settings.locked;
    void this.rewards.open(remembers('rewards'), this.shelf.open(remembers('models')));
    void this.runs.open();
    void readKept().then((kept) => (this.kept ??= kept));
    this.recorded = await fetchRecordedRun('./recorded-run.json').catch((error: unknown) => {
      this.recordedError = messageOf(error);
      return null;
    });
    if (this.recorded) this.runs.setRecorded(this.recorded);
    void this.checkLink();
    // The visitor may have started training meanwhile.
    if (!this.live.status) this.showRecorded(still);
  }

  showRecorded(still: boolean): void {
    if (!this.recorded) return;
    this.live.status = null;
    this.runs.onView = 'recorded';
    this.run.reset(this.recorded.steps.at(-1)?.metrics.step ?? 0);
    this.run.push(...this.recorded.steps);
    if (!still) this.player.play();
  }

  /** What the next run trains with: the default recipe, the visitor's settings, what was chosen. */
  get nextRecipe(): RecipeValues {
    // The recorded run has the default recipe; without a recorded run, the worker has its own copy.
    const linked = layerRecipes(this.recorded?.recipe ?? {}, this.settings.overrides);
    // A link that locks the recipe also locks the models, the rewards and the prompts.
    if (this.settings.locked) return linked;
    const set = layerRecipes(linked, this.shelf.recipe);
    // Only those reward keys that the algorithm uses.
    const { algorithm = 'grpo' } = set;
    return layerRecipes(set, layerRecipes(this.rewards.recipeOver(set), { algorithm }));
  }

  /** Makes the next run DPO, which learns from a file of preferences. */
  learnFromPairs(): void {
    const change = algorithmChange('dpo');
    this.settings.replace({ ...layerRecipes(this.settings.overrides, change), ...change });
  }

  async train(): Promise<void> {
    try {
      await this.rewards.prepare(this.nextRecipe);
    } catch (error) {
      this.live.fail(messageOf(error));
      return;
    }
    await this.begin(this.nextRecipe);
  }

  /** As `train`, with other values for some keys. */
  trainWith(values: RecipeValues): Promise<void> {
    return this.begin(layerRecipes(this.nextRecipe, values));
  }

  /** Trains `of` again with one thing changed, after any run under way; the charts draw both. */
  async trainTwin(of: ListedRun, twin: Twin): Promise<void> {
    this.queue = [...this.queue, { of, ...twin }];
    if (!this.live.active) await this.startNext();
  }

  async startNext(): Promise<void> {
    const [next, ...others] = this.queue;
    if (!next) return;
    this.queue = others;
    this.runs.overlay(next.of, true);
    await this.begin(layerRecipes(next.of.recipe, next.change));
  }

  forget(waiting: WaitingRun): void {
    this.queue = this.queue.filter((other) => other !== waiting);
  }

  /** Continues the kept run. */
  async resume(): Promise<void> {
    if (this.kept) await this.begin(this.kept.recipe, this.kept);
  }

  /** `kept` is the run to continue; without it a new one begins. */
  private async begin(recipe: RecipeValues, kept?: KeptRun): Promise<void> {
    // Ignores a second press while it still looks for a graphics card.
    if (this.beginning) return;
    this.beginning = true;
    await this.checkGpu();
    this.beginning = false;
    if (this.gpuProblem) return;
    this.player.pause();
    if (!kept) this.keep(null);
    this.liveRecipe = recipe;
    this.runId = this.runs.begin(recipe, kept?.id).id;
    await this.live.train(recipe, kept !== undefined);
  }

  private keep(saved: { step: number; maxSteps: number } | null): void {
    if (saved?.step === this.kept?.step) return;
    this.kept = saved && { id: this.runId, recipe: this.liveRecipe, ...saved };
    void writeKept(this.kept);
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
    settings.problem ??= problemWith(this.recorded?.recipe ?? {}, settings.overrides);
  }

  private async checkGpu(): Promise<void> {
    this.gpuProblem = await findGpuProblem();
  }
}
