/**
 * A live run as the page controls it: open, start, pause, step, stop, with reports of each step. It
 * does not depend on workers, so tests can use it directly.
 */
import { messageOf } from './message-of.ts';
import type { Phase, Status, TrainingListener, TrainingService } from './training-service.ts';
import type { RecipeValues } from '../rl/recipe/values.ts';
import type { StepReport } from '../rl/report.ts';
import { mean } from '../rl/statistics.ts';
import { shownEvaluation } from '../rl/evaluation/evaluate.ts';
import { makeRecipe, type Recipe } from '../rl/recipe/recipe.ts';
import { layerRecipes } from '../rl/recipe/keys.ts';
import { recordedSteps } from '../rl/runs/record.ts';
import { Run } from '../rl/runs/run.ts';
import { nowhere, type RunFolder } from '../rl/runs/run-folder.ts';
import { openTrainer } from './opening/trainer.ts';
import type { Surroundings } from './opening/surroundings.ts';
import type { StepResult } from '../rl/trainers/trainer.ts';

/** Besides what every trainer needs, a live run needs a place that still exists after the tab is closed. */
export interface LiveSurroundings extends Surroundings {
  /** The run that is kept for this kind of recipe; `fresh` empties it. */
  keptRun(fresh: boolean, recipe: Recipe): Promise<RunFolder>;
  /** Gives back the device and the rewards. */
  close(): void;
}

/**
 * Checkpoints that a page's run keeps: a browser has little room, and every pause writes one. The one
 * before the last stays for a reader that opened it before the last was complete.
 */
const CHECKPOINTS = 2;

/** A run in one of these phases stays in it. */
const ENDED: readonly Phase[] = ['finished', 'stopped', 'failed'];

/** Steps over which the seconds per step are averaged. */
const RATE_WINDOW = 10;

export class LiveRun implements TrainingService {
  private around: LiveSurroundings | undefined;
  private run: Run | undefined;
  /** Why the run is not saved any more. */
  private unsaved: string | undefined;
  private recipe: Recipe | undefined;
  private listener: TrainingListener | undefined;
  private phase: Phase = 'loading';
  private detail: string | undefined;
  /** Loading; settled when it is done, or has failed. */
  private opening: Promise<void> | undefined;
  /** The steps that are running; settled when the run pauses. */
  private running: Promise<void> | undefined;
  private stopping: Promise<void> | undefined;
  private wish: 'run' | 'pause' | 'stop' = 'pause';
  private readonly times: number[] = [];

  constructor(
    private readonly surroundings: () => Promise<LiveSurroundings>,
    /** Recipe keys that the caller of `open` does not have to give. */
    private readonly defaults: RecipeValues = {},
  ) {}

  async open(values: RecipeValues, listener: TrainingListener, resume = false): Promise<void> {
    this.listener = listener;
    const given = makeRecipe(layerRecipes(this.defaults, values));
    const recipe = { ...given, save_total_limit: given.save_total_limit ?? CHECKPOINTS };
    this.recipe = recipe;
    this.opening = this.guard(() => this.load(recipe, resume));
    await this.opening;
  }

  private async load(recipe: Recipe, resume: boolean): Promise<void> {
    this.tell('loading', 'opening the graphics device');
    const around = await this.surroundings();
    if (this.stopping) {
      around.close();
      return;
    }
    this.around = around;
    void around.gpu.lost.then((error) => this.fail(error));
    const { trainer, tokenizerFiles } = await openTrainer(recipe, {
      ...around,
      onLoading: (model, share) => this.tellLoading(model, share),
    });
    // The run that is kept is replaced only by one that begins.
    if (this.ended) return;
    trainer.onDetail = (detail) => {
      if (this.phase === 'training') this.tell('training', detail);
    };
    let folder = nowhere;
    // A kept run cannot continue without its checkpoint; a new one can run unsaved.
    if (resume) folder = await around.keptRun(false, recipe);
    else await this.keep(async () => void (folder = await around.keptRun(true, recipe)));
    const run = new Run(recipe, trainer, folder, tokenizerFiles);
    this.run = run;
    if (resume && (await run.resume())) {
      for (const report of await recordedSteps(folder, 'The kept run')) {
        this.listener?.onStep(report);
      }
    } else {
      await this.keep(() => run.begin());
    }
    this.tell(run.finished ? 'finished' : 'paused');
  }

  async start(): Promise<void> {
    this.want('run');
    this.running ??= this.loop();
    await Promise.resolve();
  }

  async pause(): Promise<void> {
    this.want('pause');
    await this.running;
    await this.saveIfMoved();
  }

  async step(): Promise<void> {
    this.want('pause');
    await this.running;
    this.running ??= this.loop();
    await this.running;
    await this.saveIfMoved();
  }

  /** Whatever the run is doing; a second call waits for the first. */
  stop(): Promise<void> {
    this.wish = 'stop';
    return (this.stopping ??= this.end());
  }

  private async end(): Promise<void> {
    if (this.phase === 'loading' || this.phase === 'compiling') {
      this.tell('stopped');
      // Loading fails without its device, and nobody waits for large files.
      this.around?.close();
      await this.opening;
      return;
    }
    await this.running;
    await this.saveIfMoved();
    this.tell('stopped');
    this.run?.trainer.destroy();
    this.around?.close();
  }

  /** A stop is final. */
  private want(wish: 'run' | 'pause'): void {
    if (this.wish !== 'stop') this.wish = wish;
  }

  /** Runs steps until the run is done or asked to pause; at least one, unless it has ended. */
  private async loop(): Promise<void> {
    await this.opening;
    const { run } = this;
    if (run && !this.ended) await this.guard(() => this.train(run));
    this.running = undefined;
  }

  private async train(run: Run): Promise<void> {
    const first = await run.evaluateFirst();
    if (first) {
      await this.keep(() => run.record(first));
      this.report(first);
    }
    do {
      this.tell('training');
      const started = performance.now();
      const result = await run.step();
      this.times.push((performance.now() - started) / 1000);
      await this.keep(() => run.record(result));
      this.report(result);
    } while (!run.finished && this.wish === 'run');
    if (run.finished) this.tell('finished');
    else if (this.wish !== 'stop') this.tell('paused');
  }

  private tellLoading(model: string, share: number): void {
    const detail = `loading ${model} (${Math.floor(100 * share)}%)`;
    if (share >= 1) this.tell('compiling', 'compiling the kernels');
    else if (detail !== this.detail) this.tell('loading', detail);
  }

  private report({ metrics, groups: [group], evaluation }: StepResult): void {
    this.listener?.onStep({
      metrics,
      ...(group && { group }),
      ...(evaluation && { evaluation: shownEvaluation(evaluation) }),
    } satisfies StepReport);
  }

  /** Saves at a pause, because the tab may be closed after it. */
  private async saveIfMoved(): Promise<void> {
    const { run } = this;
    if (!run || this.ended || run.trainer.step === run.savedStep) return;
    await this.keep(() => run.save());
    this.tell(this.phase);
  }

  /** Writing may fail (storage full, or refused); the run then continues unsaved and reports that. */
  private async keep(write: () => Promise<void> | undefined): Promise<void> {
    if (this.unsaved !== undefined) return;
    try {
      await write();
    } catch (error) {
      const reason = messageOf(error);
      this.unsaved =
        `This run is not saved any more (${reason}). Training continues; ` +
        'free some space in the browser before the next run, and leave this tab open.';
    }
  }

  private async guard(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.fail(error);
    }
  }

  private get ended(): boolean {
    return ENDED.includes(this.phase);
  }

  private fail(error: unknown): void {
    this.tell('failed', undefined, messageOf(error));
  }

  private tell(phase: Phase, detail?: string, error?: string): void {
    if (this.ended) return;
    this.phase = phase;
    this.detail = detail;
    const gpu = this.around?.gpu;
    const recent = this.times.slice(-RATE_WINDOW);
    const status: Status = {
      phase,
      step: this.run?.trainer.step ?? 0,
      maxSteps: this.recipe?.max_steps ?? 0,
      ...(recent.length > 0 && { secondsPerStep: mean(recent) }),
      ...(this.detail !== undefined && { detail: this.detail }),
      ...(error !== undefined && { error }),
      ...(this.run && this.run.savedStep > 0 && { savedStep: this.run.savedStep }),
      ...(this.unsaved !== undefined && { unsaved: this.unsaved }),
      ...(gpu && { adapter: gpu.info.description || gpu.info.vendor, memory: { ...gpu.ledger } }),
    };
    this.listener?.onStatus(status);
  }
}
