/**
 * A live run as the page controls it: open, start, pause, step, stop, with reports of each step. It
 * does not depend on workers, so tests can use it directly.
 */
import type { Phase, Status, TrainingListener, TrainingService } from './training-service.ts';
import type { RecipeValues } from '../rl/recipe/values.ts';
import type { StepReport } from '../rl/report.ts';
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
  /** The steps that are running; settled when the run pauses. */
  private running: Promise<void> | undefined;
  private wish: 'run' | 'pause' | 'stop' = 'pause';
  private readonly times: number[] = [];

  constructor(
    private readonly surroundings: () => Promise<LiveSurroundings>,
    /** Recipe keys that the caller of `open` does not have to give. */
    private readonly defaults: RecipeValues = {},
  ) {}

  async open(values: RecipeValues, listener: TrainingListener, resume = false): Promise<void> {
    this.listener = listener;
    const recipe = makeRecipe(layerRecipes(this.defaults, values));
    this.recipe = recipe;
    await this.guard(async () => {
      this.tell('loading', 'opening the graphics device');
      const around = await this.surroundings();
      this.around = around;
      void around.gpu.lost.then((error) => this.fail(error));
      const { trainer, tokenizerFiles } = await openTrainer(recipe, {
        ...around,
        onLoading: (model, share) => this.tellLoading(model, share),
      });
      trainer.onDetail = (detail) => {
        if (this.phase === 'training') this.tell('training', detail);
      };
      let folder = nowhere;
      // A kept run cannot continue without its checkpoint; a new one can run unsaved.
      if (resume) folder = await around.keptRun(false, recipe);
      else await this.keep(async () => void (folder = await around.keptRun(true, recipe)));
      this.run = new Run(recipe, trainer, folder, tokenizerFiles);
      if (resume && (await this.run.resume())) {
        for (const report of await recordedSteps(folder, 'The kept run')) {
          this.listener?.onStep(report);
        }
      } else {
        await this.keep(() => this.run?.begin());
      }
      this.tell('paused');
    });
  }

  async start(): Promise<void> {
    this.wish = 'run';
    this.running ??= this.loop();
    await Promise.resolve();
  }

  async pause(): Promise<void> {
    this.wish = 'pause';
    await this.running;
    await this.saveIfMoved();
  }

  async step(): Promise<void> {
    this.wish = 'pause';
    await this.running;
    this.running = this.loop();
    await this.running;
    await this.saveIfMoved();
  }

  async stop(): Promise<void> {
    this.wish = 'stop';
    await this.running;
    await this.saveIfMoved();
    if (this.phase !== 'finished' && this.phase !== 'failed') this.tell('stopped');
    this.run?.trainer.destroy();
    this.around?.close();
  }

  /** Runs steps until the run is done or asked to pause; at least one. */
  private async loop(): Promise<void> {
    const { run } = this;
    if (!run) return;
    await this.guard(async () => {
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
    });
    this.running = undefined;
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
    if (!run || this.phase === 'failed' || run.trainer.step === run.savedStep) return;
    await this.keep(() => run.save());
    this.tell(this.phase);
  }

  /** Writing may fail (storage full, or refused); the run then continues unsaved and reports that. */
  private async keep(write: () => Promise<void> | undefined): Promise<void> {
    if (this.unsaved !== undefined) return;
    try {
      await write();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
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

  private fail(error: unknown): void {
    if (this.phase === 'stopped' || this.phase === 'failed') return;
    this.tell('failed', undefined, error instanceof Error ? error.message : String(error));
  }

  private tell(phase: Phase, detail?: string, error?: string): void {
    this.phase = phase;
    this.detail = detail;
    const gpu = this.around?.gpu;
    const recent = this.times.slice(-RATE_WINDOW);
    const status: Status = {
      phase,
      step: this.run?.trainer.step ?? 0,
      maxSteps: this.recipe?.max_steps ?? 0,
      ...(recent.length > 0 && {
        secondsPerStep: recent.reduce((a, b) => a + b, 0) / recent.length,
      }),
      ...(this.detail !== undefined && { detail: this.detail }),
      ...(error !== undefined && { error }),
      ...(this.run && this.run.savedStep > 0 && { savedStep: this.run.savedStep }),
      ...(this.unsaved !== undefined && { unsaved: this.unsaved }),
      ...(gpu && { adapter: gpu.info.description || gpu.info.vendor, memory: { ...gpu.ledger } }),
    };
    this.listener?.onStatus(status);
  }
}
