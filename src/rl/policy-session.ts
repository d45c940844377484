/**
 * A live run as the page drives it: open, start, pause, step, stop, with reports on the way. It
 * knows nothing of workers, so tests drive it as it is.
 */
import type { Phase, Status, StepReport, TrainingListener, TrainingService } from './protocol.ts';
import { makeRecipe, type Recipe } from './recipe.ts';
import { openTrainer, type Surroundings } from './session.ts';
import type { Trainer } from './trainer.ts';

/** Steps over which the seconds per step are averaged. */
const RATE_WINDOW = 10;

export class PolicySession implements TrainingService {
  private around: Surroundings | undefined;
  private trainer: Trainer | undefined;
  private recipe: Recipe | undefined;
  private listener: TrainingListener | undefined;
  private phase: Phase = 'loading';
  private detail: string | undefined;
  /** The steps under way; settled when the session rests. */
  private running: Promise<void> | undefined;
  private wish: 'run' | 'pause' | 'stop' = 'pause';
  private readonly times: number[] = [];

  constructor(
    private readonly surroundings: () => Promise<Surroundings>,
    /** Recipe keys that the caller of `open` need not give. */
    private readonly defaults: Readonly<Record<string, unknown>> = {},
  ) {}

  async open(
    values: Record<string, string | number | boolean>,
    listener: TrainingListener,
  ): Promise<void> {
    this.listener = listener;
    this.recipe = makeRecipe({ ...this.defaults, ...values });
    await this.guard(async () => {
      this.tell('loading', 'opening the graphics device');
      this.around = await this.surroundings();
      const { gpu } = this.around;
      void gpu.lost.then((error) => this.fail(error));
      this.tell('compiling', 'loading the models and compiling the kernels');
      const { trainer } = await openTrainer(this.recipe as Recipe, this.around);
      trainer.onDetail = (detail) => {
        if (this.phase === 'training') this.tell('training', detail);
      };
      this.trainer = trainer;
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
  }

  async step(): Promise<void> {
    this.wish = 'pause';
    await this.running;
    this.running = this.loop();
    await this.running;
  }

  async stop(): Promise<void> {
    this.wish = 'stop';
    await this.running;
    if (this.phase !== 'finished' && this.phase !== 'failed') this.tell('stopped');
    this.trainer?.destroy();
    this.around?.gpu.close();
  }

  /** Steps until done or asked to rest; at least one. */
  private async loop(): Promise<void> {
    const { trainer, recipe } = this;
    if (!trainer || !recipe) return;
    await this.guard(async () => {
      do {
        this.tell('training');
        const started = performance.now();
        const { metrics, groups } = await trainer.trainStep();
        this.times.push((performance.now() - started) / 1000);
        const [group] = groups;
        if (group) this.listener?.onStep({ metrics, group } satisfies StepReport);
      } while (trainer.step < recipe.max_steps && this.wish === 'run');
      if (trainer.step >= recipe.max_steps) this.tell('finished');
      else if (this.wish !== 'stop') this.tell('paused');
    });
    this.running = undefined;
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
      step: this.trainer?.step ?? 0,
      maxSteps: this.recipe?.max_steps ?? 0,
      ...(recent.length > 0 && {
        secondsPerStep: recent.reduce((a, b) => a + b, 0) / recent.length,
      }),
      ...(this.detail !== undefined && { detail: this.detail }),
      ...(error !== undefined && { error }),
      ...(gpu && { adapter: gpu.info.description || gpu.info.vendor, memory: { ...gpu.ledger } }),
    };
    this.listener?.onStatus(status);
  }
}
