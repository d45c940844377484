/**
 * A run: a trainer that is called step by step, and the folder that stores it.
 *   recipe.yaml              every key, defaults included
 *   metrics.jsonl            one row per step
 *   completions/step-N.jsonl every completion of step N
 *   followed/step-N.jsonl    in a step that is evaluated: completions of held-out prompts before the
 *                            update, in the form of completions/ (trainers/followed.ts)
 *   evaluations/step-N.jsonl every completion of an evaluation after step N; 0 is before the first
 *   checkpoints/step-N/      a Hugging Face folder (of a model, or of a peft adapter), plus
 *                            optimizer.safetensors and trainer_state.json; the same for PPO's
 *                            value model in checkpoints/step-N/value/
 *   summary.json             written when the run ends
 *   run.json                 what the page adds: the run's name and note (app/runs/facts.ts)
 *   lock.json                while the command line writes (lock.node.ts)
 * A checkpoint is complete when its trainer_state.json exists, which is written last and has a mark of
 * every file (trainer-state.ts). Data and random numbers depend only on the step number, so a resumed run
 * gives the numbers of an uninterrupted one.
 */
import type { CheckpointFiles } from '../../model/checkpoint.ts';
import { CheckpointError } from '../../model/errors.ts';
import { divergence, rewardAndGold } from '../evaluation/overoptimisation.ts';
import { RecipeError, type Recipe } from '../recipe/recipe.ts';
import {
  checkpointSteps,
  findCheckpoint,
  modelFolder,
  passedOver,
  removeOldCheckpoints,
  setAside,
} from './checkpoints.ts';
import { marking, type FileMark } from './file-mark.ts';
import { readText, type RunFolder } from './run-folder.ts';
import { RunRows } from './run-rows.ts';
import {
  ChangedRunError,
  describeDifference,
  differences,
  originOf,
  scheduleNotice,
  valuesOf,
} from './same-run.ts';
import {
  checkpointPath,
  stateText,
  TRAINER_STATE,
  type Origin,
  type TrainerState,
} from './trainer-state.ts';
import {
  checkMetrics,
  inStep,
  restoreTrained,
  trainedFiles,
  type StepResult,
  type Trained,
  type Trainer,
} from '../trainers/trainer.ts';

export class Run {
  /** Step of the last complete checkpoint of this run, 0 before the first. */
  savedStep = 0;
  /** What was passed over when the run went on, a sentence each. */
  readonly notices: string[] = [];
  private summarized = false;
  private readonly rows: RunRows;
  private readonly origin: Origin;

  constructor(
    readonly recipe: Recipe,
    readonly trainer: Trainer,
    readonly folder: RunFolder,
    /** Tokenizer files by name, which are written to every checkpoint. */
    private readonly tokenizerFiles: CheckpointFiles,
    /** A hash of what lies under the paths of each recipe key (app/opening/inputs.ts). */
    inputs: Origin['inputs'] = {},
  ) {
    this.origin = originOf(recipe, inputs);
    this.rows = new RunRows(folder, recipe, this.notices);
  }

  get finished(): boolean {
    return this.trainer.step >= this.recipe.max_steps;
  }

  /** Whether a checkpoint has the last step, and after the run's end a summary too. */
  get saved(): boolean {
    return this.trainer.step === this.savedStep && (!this.finished || this.summarized);
  }

  /** Starts a new run in the folder; what a run wrote there before its first checkpoint is removed. */
  async begin(): Promise<void> {
    await this.rows.begin();
  }

  /**
   * Continues from the last checkpoint that is as it was written; false if none was ever complete.
   * @throws ChangedRunError if the recipe would make another run of it; RecipeError if it has fewer steps
   * than the run; CheckpointError if all checkpoints are damaged, or the run is finished and has none. The
   * folder stays as it is then, and also if the run is finished and the recipe has no more steps.
   */
  async resume(): Promise<boolean> {
    const { folder, recipe } = this;
    const values = valuesOf(await readText(folder, 'recipe.yaml'));
    const foreign: TrainerState[] = [];
    const search = await findCheckpoint(folder, 'contents', (state) => {
      const found = state.recipe ? differences(state, this.origin) : [];
      if (found.length === 0) return undefined;
      foreign.push(state);
      return found.map(describeDifference).join('; ');
    });
    const { found, problems } = search;
    if (!found && !search.anySaved) {
      if (!(await folder.open('summary.json'))) return false;
      throw new CheckpointError(
        'this run is finished and has no checkpoint to go on from; start a new run in another folder',
      );
    }
    if (!found) {
      throw new CheckpointError(
        `no checkpoint of this run can be used: ${problems.join('; ')}; start a new run in another folder`,
      );
    }
    const { step, state } = found;
    const of = state.recipe ? state : { recipe: values ?? this.origin.recipe };
    let changed = differences(of, this.origin);
    // Checkpoints of two runs: recipe.yaml says whose folder it is.
    if (changed.length === 0 && foreign.length > 0 && values) {
      changed = differences({ ...state, recipe: values }, this.origin);
    }
    if (changed.length > 0) throw new ChangedRunError(changed, step);
    if (step > recipe.max_steps) {
      throw new RecipeError(
        `max_steps is ${recipe.max_steps}, and this run has ${step} steps already; set it above ${step} to go on.`,
      );
    }
    await this.restore(step, state);
    this.savedStep = step;
    const hasSummary = (await folder.open('summary.json')) !== undefined;
    const rows = state.log_history;
    const isWhole = problems.length === 0 && (!rows || (await this.rows.isStored(rows)));
    if (this.finished && hasSummary && isWhole) {
      await this.rows.remember(step, rows);
      this.summarized = true;
      return true;
    }
    this.notices.push(...passedOver(search, `the run goes on from ${checkpointPath(step)}`));
    if (!this.finished) this.notices.push(...scheduleNotice(state.recipe ?? values, recipe));
    // Those that were passed over are made again.
    for (const later of await checkpointSteps(folder)) {
      if (later > step) await setAside(folder, later);
    }
    await this.rows.restore(step, rows);
    // The recipe may have more steps now; a run that was finished then goes on.
    if (!this.finished) await folder.remove('summary.json');
    // A run that was stopped between its last checkpoint and its summary needs only the summary.
    else if (!hasSummary) await this.summarize();
    return true;
  }

  private async restore(step: number, state: TrainerState): Promise<void> {
    const { trainer, folder } = this;
    const at = checkpointPath(step);
    // Older checkpoints have no such number; their steps were one optimizer step each.
    const optimizerSteps = state.optimizer_steps ?? step;
    await restoreTrained(trainer, modelFolder(folder, at), optimizerSteps);
    if (trainer.value) {
      await restoreTrained(trainer.value, modelFolder(folder, `${at}/value`), optimizerSteps);
    }
    trainer.step = step;
    trainer.tokensSeen = state.num_input_tokens_seen ?? 0;
  }

  /** Does and records one step, and before the first step an evaluation. */
  async advance(): Promise<StepResult> {
    const first = await this.evaluateFirst();
    if (first) await this.record(first);
    const result = await this.step();
    await this.record(result);
    return result;
  }

  /** The evaluation before training, as step 0; undefined if the recipe has no evaluations. */
  async evaluateFirst(): Promise<StepResult | undefined> {
    if (this.trainer.step > 0) return undefined;
    return this.evaluate({ metrics: { step: 0 }, groups: [] });
  }

  /** One step, and an evaluation if one is due; nothing is written yet. */
  async step(): Promise<StepResult> {
    return inStep(this.trainer.step + 1, async () => {
      const result = await this.trainer.trainStep();
      const due = this.finished || this.trainer.step % this.recipe.eval_steps === 0;
      const whole = (due && (await this.evaluate(result))) || result;
      checkMetrics(whole.metrics);
      return whole;
    });
  }

  private async evaluate(result: StepResult): Promise<StepResult | undefined> {
    const evaluation = await this.trainer.evaluate?.();
    if (!evaluation) return undefined;
    const metrics = { ...result.metrics, ...evaluation.metrics };
    const { rows } = evaluation;
    return { ...result, metrics, ...(rows.length > 0 && { evaluation: rows }) };
  }

  /** Writes a step to the folder, and a checkpoint if one is due. */
  async record(result: StepResult): Promise<void> {
    const { step } = result.metrics;
    await this.rows.add(result);
    if (step > 0 && (step % this.recipe.save_steps === 0 || this.finished)) await this.save();
  }

  /** Writes a checkpoint if there is none of the last step, and after the run's end the summary. */
  async save(): Promise<void> {
    if (this.trainer.step !== this.savedStep) await this.saveCheckpoint();
    if (this.finished) await this.summarize();
  }

  /** First writes the rows that could not be written before. Nothing of the checkpoint stays if it fails. */
  private async saveCheckpoint(): Promise<void> {
    const { trainer, folder } = this;
    const { step } = trainer;
    const at = checkpointPath(step);
    await this.rows.catchUp();
    try {
      // A killed run may have left half of it, or it was passed over.
      if ((await folder.list(at)).length > 0) await folder.remove(at);
      await inStep(step, () => this.saveAll(at));
    } catch (error) {
      await folder.remove(at).catch(() => undefined);
      throw error;
    }
    this.savedStep = step;
    this.rows.marks = {};
    const limit = this.recipe.save_total_limit;
    // A removal that fails is tried again after the next checkpoint.
    if (limit !== undefined) await removeOldCheckpoints(folder, limit).catch(() => undefined);
  }

  private async saveAll(at: string): Promise<void> {
    const { trainer } = this;
    const files: Record<string, FileMark> = {};
    const saveModel = async (trained: Trained, inside: string): Promise<void> => {
      for (const [name, data] of [...this.tokenizerFiles, ...(await trainedFiles(trained))]) {
        const path = `${inside}${name}`;
        await this.folder.write(
          `${at}/${path}`,
          marking(data, (mark) => (files[path] = mark)),
        );
      }
    };
    await inStep(trainer.step, async () => {
      await saveModel(trainer, '');
      if (trainer.value) await saveModel(trainer.value, 'value/');
    });
    const state: TrainerState = {
      global_step: trainer.step,
      num_input_tokens_seen: trainer.tokensSeen,
      optimizer_steps: trainer.optimizer.steps,
      ...this.origin,
      files,
      rows: this.rows.marks,
      log_history: this.rows.metrics,
    };
    await this.folder.write(`${at}/${TRAINER_STATE}`, await stateText(state));
  }

  private async summarize(): Promise<void> {
    const { metrics } = this.rows;
    const last = metrics.at(-1);
    if (!last) return;
    const judged = rewardAndGold(metrics);
    const summary = {
      algorithm: this.recipe.algorithm,
      steps: last.step,
      // Of its steps, in all sessions.
      seconds: metrics.reduce((sum, { step_time = 0 }) => sum + step_time, 0),
      adapter: this.trainer.model.gpu.info.description || this.trainer.model.gpu.info.vendor,
      // The step after which the reward rose and gold did not; null if there is no such step.
      ...(judged.length > 0 && { diverged_at: divergence(judged)?.step ?? null }),
      last,
    };
    await this.folder.write('summary.json', JSON.stringify(summary, null, 2) + '\n');
    this.summarized = true;
  }
}
