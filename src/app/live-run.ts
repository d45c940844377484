/**
 * A live run as the page controls it: open, start, pause, step, stop, with reports of each step. It
 * does not depend on workers, so tests can use it directly.
 */
import { LiveDevices, type LiveSurroundings } from './live-devices.ts';
import { LiveReports } from './live-reports.ts';
import { secondsPerStep } from './live-status.ts';
import { CHECKPOINTS } from './runs/facts.ts';
import { refuseToErase, storedRecipe } from './runs/stored-recipe.ts';
import { Saver } from './saver.ts';
import type {
  NewRun,
  StoredRunEnd,
  TrainingListener,
  TrainingService,
} from './training-service.ts';
import type { RecipeValues } from '../rl/recipe/values.ts';
import { makeRecipe, type Recipe } from '../rl/recipe/recipe.ts';
import { layerRecipes } from '../rl/recipe/keys.ts';
import { recordedSteps } from '../rl/runs/record.ts';
import { Run } from '../rl/runs/run.ts';
import { nowhere, type RunFolder } from '../rl/runs/run-folder.ts';
import { openTrainer } from './opening/trainer.ts';

const WAITING = 'waiting until the last step can be saved';

export class LiveRun implements TrainingService {
  private readonly devices: LiveDevices;
  private run: Run | undefined;
  /** Its folder was written here, not by an earlier visit. */
  private isNew = false;
  private readonly saver = new Saver();
  private recipe: Recipe | undefined;
  private readonly reports: LiveReports;
  /** Loading; settled when it is done, or has failed. */
  private opening: Promise<void> | undefined;
  /** The steps that are running; settled when the run pauses. */
  private running: Promise<void> | undefined;
  private stopping: Promise<void> | undefined;
  /** A run that rests is saved; settled when that is done, or has failed. */
  private storing: Promise<boolean> | undefined;
  /** Opens the run, or after a loss opens it again. */
  private load: ((around: LiveSurroundings) => Promise<void>) | undefined;
  private wish: 'run' | 'pause' | 'stop' = 'pause';
  private readonly times: number[] = [];

  constructor(
    surroundings: () => Promise<LiveSurroundings>,
    /** Recipe keys that the caller of `begin` does not have to give. */
    private readonly defaults: RecipeValues = {},
    /** In milliseconds. */
    private readonly now = (): number => performance.now(),
  ) {
    this.devices = new LiveDevices(surroundings, (error) => void this.onLost(error));
    const { times, saver, devices } = this;
    this.reports = new LiveReports(() => ({
      ...{ run: this.run, maxSteps: this.recipe?.max_steps ?? 0 },
      ...{ times, saver, devices },
    }));
  }

  async begin({ id, recipe: values }: NewRun, listener: TrainingListener): Promise<void> {
    const given = makeRecipe(layerRecipes(this.defaults, values));
    const recipe = { ...given, save_total_limit: given.save_total_limit ?? CHECKPOINTS };
    /** A new run can train unsaved. */
    const claim = (around: LiveSurroundings): Promise<RunFolder> =>
      around.claim(id).catch((error: unknown) => {
        this.saver.giveUp(error);
        return nowhere;
      });
    await this.open(listener, async (around) => {
      const run = await this.openRun(recipe, await claim(around), around);
      if (!run) return;
      this.isNew = true;
      this.load = (next) => this.reload(next, claim);
      await this.saver.keep(run, () => run.begin());
    });
  }

  async goOn({ id, maxSteps }: StoredRunEnd, listener: TrainingListener): Promise<void> {
    await this.open(listener, async (around) => {
      const folder = await around.claim(id);
      const recipe = await storedRecipe(folder);
      const run = await this.openRun(
        { ...recipe, max_steps: maxSteps ?? recipe.max_steps },
        folder,
        around,
      );
      if (!run) return;
      // Killed before its first checkpoint, a run begins again, with the same numbers.
      if (!(await run.resume())) {
        await refuseToErase(folder, recipe);
        await run.begin();
      }
      const onDamage = (place: string): void =>
        void run.notices.push(`${place} is damaged: its row is lost.`);
      const past = await recordedSteps(folder, 'The run', { traceSteps: 1, onDamage });
      this.reports.reportPast(past, run.trainer.step);
      this.load = (next) => this.reload(next, (other) => other.claim(id));
    });
  }

  private async open(
    listener: TrainingListener,
    load: (around: LiveSurroundings) => Promise<void>,
  ): Promise<void> {
    this.reports.listener = listener;
    this.load = load;
    this.opening = this.openOn('opening the graphics card');
    await this.opening;
  }

  /** Opens a device and the run on it, or another device if that one is lost. */
  private async openOn(detail: string): Promise<void> {
    await this.guard(async () => {
      this.reports.tell('loading', detail);
      const around = await this.devices.open(() => !this.stopping);
      if (!around) return;
      around.gpu.onCompiled = () => this.reports.tellCompiling();
      await this.load!(around);
    });
    if (!this.running) this.reports.tell(this.run?.finished ? 'finished' : 'paused');
  }

  /** What opens or trains fails by itself when its device is lost; a run that rests does not notice. */
  private async onLost(error: Error): Promise<void> {
    const { gpu } = this.devices;
    // What saves it fails by itself, too.
    await this.storing;
    if (this.devices.gpu !== gpu || this.reports.phase !== 'paused' || this.running) return;
    this.opening = this.guard(() => Promise.reject(error)).then(() => undefined);
  }

  /** The run from its last checkpoint, with the numbers that it would have had. */
  private async reload(
    around: LiveSurroundings,
    claim: (around: LiveSurroundings) => Promise<RunFolder>,
  ): Promise<void> {
    const run = await this.openRun(this.recipe!, await claim(around), around);
    if (run && !(await run.resume())) await this.saver.keep(run, () => run.begin());
  }

  /** @returns false if the device is not lost; else there is a new one, or the run has failed */
  private async recover(error: unknown): Promise<boolean> {
    if (this.reports.ended || !(await this.devices.isLoss(error, this.times.length))) return false;
    try {
      const sentence = this.devices.giveBack(error, this.run?.trainer.step ?? 0);
      this.reports.tell('loading', sentence);
      await this.devices.settle();
      await this.openOn(sentence);
    } catch (hopeless) {
      this.reports.fail(hopeless);
    }
    return true;
  }

  /** undefined if the run was stopped meanwhile. */
  private async openRun(
    recipe: Recipe,
    folder: RunFolder,
    around: LiveSurroundings,
  ): Promise<Run | undefined> {
    this.recipe = recipe;
    const { trainer, tokenizerFiles, inputs } = await openTrainer(recipe, {
      ...around,
      onLoading: (model, share) => this.reports.tellLoading(model, share),
    });
    if (this.reports.ended) return undefined;
    trainer.onDetail = (detail) => {
      if (this.reports.phase === 'training') this.reports.tell('training', detail);
    };
    return (this.run = new Run(recipe, trainer, folder, tokenizerFiles, inputs));
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

  async save(): Promise<void> {
    this.saver.asked = true;
    if (!this.running) await this.saveIfMoved();
  }

  /** Whatever the run is doing; a second call waits for the first. */
  stop(): Promise<void> {
    this.wish = 'stop';
    return (this.stopping ??= this.end());
  }

  private async end(): Promise<void> {
    if (this.reports.phase === 'loading' || this.reports.phase === 'compiling') {
      this.reports.tell('stopped');
      // Loading fails without its device, and nobody waits for large files.
      this.devices.close();
      await this.opening;
      return;
    }
    await this.running;
    await this.saveIfMoved();
    await this.removeIfEmpty();
    this.reports.tell('stopped');
    this.run?.trainer.destroy();
    this.devices.close();
  }

  /** A stop is final. */
  private want(wish: 'run' | 'pause'): void {
    if (this.wish !== 'stop') this.wish = wish;
  }

  /** Runs steps until the run is done or asked to pause; at least one, unless it has ended. */
  private async loop(): Promise<void> {
    await this.opening;
    // A checkpoint has the weights of one step.
    await this.storing;
    // Again after a loss, until steps are done.
    for (let done = false; this.run && !this.reports.ended && !done;) {
      const { run } = this;
      done = await this.guard(() => this.train(run));
      if (this.wish === 'stop') break;
    }
    this.running = undefined;
  }

  private async train(run: Run): Promise<void> {
    const first = await run.evaluateFirst();
    if (first) {
      await this.saver.keep(run, () => run.record(first));
      this.reports.report(first);
    }
    while (!run.finished) {
      this.reports.tell('training');
      const started = this.now();
      const result = await run.step();
      const seconds = (this.now() - started) / 1000;
      this.times.push(seconds);
      await this.saver.keep(run, () => run.record(result));
      this.reports.report(result);
      await this.saver.afterStep(run, seconds, secondsPerStep(this.times));
      if (this.wish !== 'run') break;
    }
    if (run.finished) await this.saver.saveAtLast(run, () => this.waitsForRoom());
    this.tellRest(run);
  }

  /** A run ends when its last step is saved, if there is hope of that. */
  private tellRest(run: Run): void {
    if (run.finished && !this.saver.hopes) this.reports.tell('finished');
    else if (this.wish !== 'stop') this.reports.tell('paused');
  }

  private waitsForRoom(): boolean {
    if (this.wish !== 'run') return false;
    if (this.reports.detail !== WAITING) this.reports.tell('training', WAITING);
    return true;
  }

  private async saveIfMoved(): Promise<void> {
    while (this.storing) await this.storing;
    const { run } = this;
    if (!run || this.reports.ended || run.saved) return;
    this.storing = this.guard(() => this.saver.save(run));
    await this.storing.finally(() => (this.storing = undefined));
    if (this.reports.phase === 'paused') this.tellRest(run);
    else this.reports.tell(this.reports.phase);
  }

  /** A run that began here and has no step leaves nothing behind. */
  private async removeIfEmpty(): Promise<void> {
    const { run } = this;
    if (!this.isNew || run?.trainer.step !== 0) return;
    await run.folder.remove('').catch(() => undefined);
  }

  /** @returns whether the work is done: not if the device was lost, or the run failed */
  private async guard(work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      if (await this.recover(error)) return false;
      if (!this.reports.ended) await this.removeIfEmpty();
      this.reports.fail(error);
      return false;
    }
  }
}
