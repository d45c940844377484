import type { RecipeValues, RecordedRun } from '../../rl/protocol.ts';
import { findGpuProblem, type GpuProblem } from '../webgpu.ts';
import { readKept, writeKept, type KeptRun } from './kept.ts';
import { Shelf } from '../models/shelf.svelte.ts';
import { Live } from './live.svelte.ts';
import { Player } from './player.svelte.ts';
import { connectPolicyWorker } from './policy-worker.ts';
import { fetchRecordedRun } from './recorded.ts';
import { Run } from './run.svelte.ts';

/** Everything the page is about: the run on view, and where its reports come from. */
export class Session {
  readonly run = new Run();
  readonly player = new Player(this.run);
  readonly live = new Live(this.run, connectPolicyWorker, (saved) => this.keep(saved));
  readonly shelf = new Shelf();
  recorded = $state.raw<RecordedRun | null>(null);
  /** Why there is no replay, in a sentence. */
  recordedError = $state<string | null>(null);
  /** A run of an earlier visit, or of this one, that can go on. */
  kept = $state.raw<KeptRun | null>(null);
  gpuProblem = $state<GpuProblem | null>(null);
  /** What the live run trains with. */
  private recipe: RecipeValues = {};
  /** The playhead moves by itself. */
  readonly running = $derived(this.player.playing || this.live.active);

  /** Opens on the recorded run; `still` shows its end instead of playing it. */
  async open(still: boolean): Promise<void> {
    // Looking for a graphics card may take a while, and the replay needs none.
    void this.checkGpu();
    void this.shelf.open();
    void readKept().then((kept) => (this.kept ??= kept));
    this.recorded = await fetchRecordedRun('./recorded-run.json').catch((error: unknown) => {
      this.recordedError = (error as Error).message;
      return null;
    });
    // Whoever was quick has started training already.
    if (!this.live.status) this.showRecorded(still);
  }

  showRecorded(still: boolean): void {
    if (!this.recorded) return;
    this.live.status = null;
    this.run.reset(this.recorded.steps.length);
    this.run.push(...this.recorded.steps);
    if (!still) this.player.play();
  }

  /** Trains what the recorded run trained (without one, the default recipe), or the chosen models. */
  train(): Promise<void> {
    return this.trainWith({});
  }

  /** As `train`, with other values for some keys. */
  trainWith(values: RecipeValues): Promise<void> {
    return this.begin({ ...this.recorded?.recipe, ...this.shelf.recipe, ...values }, false);
  }

  /** Goes on with the kept run. */
  async resume(): Promise<void> {
    if (this.kept) await this.begin(this.kept.recipe, true);
  }

  private async begin(recipe: RecipeValues, resume: boolean): Promise<void> {
    await this.checkGpu();
    if (this.gpuProblem) return;
    this.player.pause();
    if (!resume) this.keep(null);
    this.recipe = recipe;
    await this.live.train(recipe, resume);
  }

  private keep(saved: { step: number; maxSteps: number } | null): void {
    if (saved?.step === this.kept?.step) return;
    this.kept = saved && { recipe: this.recipe, ...saved };
    void writeKept(this.kept);
  }

  seek(head: number): void {
    this.player.pause();
    this.run.seek(head);
  }

  private async checkGpu(): Promise<void> {
    this.gpuProblem = await findGpuProblem();
  }
}
