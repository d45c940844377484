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
 * A checkpoint is complete when its trainer_state.json exists, which is written last. Data and random
 * numbers depend only on the step number, so a resumed run gives the numbers of an uninterrupted one.
 */
import type { CheckpointFiles } from '../../model/checkpoint.ts';
import { jsonLines, parseJsonLines } from '../data/json-lines.ts';
import { divergence, rewardAndGold } from '../evaluation/overoptimisation.ts';
import type { Group, MetricsRow } from '../report.ts';
import { recipeYaml, type Recipe } from '../recipe/recipe.ts';
import {
  checkpointPath,
  lastCheckpoint,
  modelFolder,
  readText,
  removeOldCheckpoints,
  TRAINER_STATE,
  type RunFolder,
} from './run-folder.ts';
import {
  restoreTrained,
  trainedFiles,
  type StepResult,
  type Trained,
  type Trainer,
} from '../trainers/trainer.ts';

export class Run {
  /** Step of the last complete checkpoint of this run, 0 before the first. */
  savedStep = 0;
  private readonly started = performance.now();

  constructor(
    readonly recipe: Recipe,
    readonly trainer: Trainer,
    readonly folder: RunFolder,
    /** Tokenizer files by name, which are written to every checkpoint. */
    private readonly tokenizerFiles: CheckpointFiles,
  ) {}

  get finished(): boolean {
    return this.trainer.step >= this.recipe.max_steps;
  }

  /** Starts a new run in the folder; what a run wrote there before its first checkpoint is removed. */
  async begin(): Promise<void> {
    await this.folder.write('recipe.yaml', recipeYaml(this.recipe));
    await this.forgetAfter(-1);
  }

  /** Continues from the last complete checkpoint; false if there is none. */
  async resume(): Promise<boolean> {
    const step = await lastCheckpoint(this.folder);
    if (step === undefined) return false;
    const at = checkpointPath(step);
    const counters = JSON.parse(
      (await readText(this.folder, `${at}/${TRAINER_STATE}`)) ?? '{}',
    ) as { num_input_tokens_seen?: number; optimizer_steps?: number };
    // Older checkpoints have no such number; their steps were one optimizer step each.
    const optimizerSteps = counters.optimizer_steps ?? step;
    const { trainer, folder } = this;
    await restoreTrained(trainer, modelFolder(folder, at), optimizerSteps);
    if (trainer.value) {
      await restoreTrained(trainer.value, modelFolder(folder, `${at}/value`), optimizerSteps);
    }
    trainer.step = step;
    trainer.tokensSeen = counters.num_input_tokens_seen ?? 0;
    await this.forgetAfter(step);
    this.savedStep = step;
    // The recipe may have more steps now; a run that was finished then goes on.
    await folder.write('recipe.yaml', recipeYaml(this.recipe));
    if (!this.finished) await folder.remove('summary.json');
    // A run that was stopped between its last checkpoint and its summary needs only the summary.
    const last = (await this.metrics()).at(-1);
    if (this.finished && last && !(await folder.open('summary.json'))) {
      await this.summarize(last);
    }
    return true;
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
    const result = await this.trainer.trainStep();
    const due = this.finished || this.trainer.step % this.recipe.eval_steps === 0;
    return (due && (await this.evaluate(result))) || result;
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
    await this.folder.append('metrics.jsonl', jsonLines([result.metrics]));
    if (result.groups.length > 0 && this.recipe.log_completions) {
      await this.folder.write(
        `completions/step-${step}.jsonl`,
        completionRows(step, result.groups),
      );
    }
    if (result.followed) {
      await this.folder.write(`followed/step-${step}.jsonl`, completionRows(step, result.followed));
    }
    if (result.evaluation) {
      await this.folder.write(`evaluations/step-${step}.jsonl`, jsonLines(result.evaluation));
    }
    if (step === 0) return;
    if (step % this.recipe.save_steps === 0 || this.finished) await this.save();
    if (this.finished) await this.summarize(result.metrics);
  }

  /** Writes a checkpoint of the last step. */
  async save(): Promise<void> {
    const { trainer } = this;
    const { step, tokensSeen, optimizer } = trainer;
    const at = checkpointPath(step);
    await this.saveModel(trainer, at);
    if (trainer.value) await this.saveModel(trainer.value, `${at}/value`);
    const counters = {
      global_step: step,
      num_input_tokens_seen: tokensSeen,
      optimizer_steps: optimizer.steps,
    };
    await this.folder.write(`${at}/${TRAINER_STATE}`, JSON.stringify(counters));
    this.savedStep = step;
    const limit = this.recipe.save_total_limit;
    // A removal that fails is tried again after the next checkpoint.
    if (limit !== undefined) await removeOldCheckpoints(this.folder, limit).catch(() => undefined);
  }

  private async saveModel(trained: Trained, at: string): Promise<void> {
    for (const [name, data] of [...this.tokenizerFiles, ...trainedFiles(trained)]) {
      await this.folder.write(`${at}/${name}`, data);
    }
  }

  private async summarize(last: MetricsRow): Promise<void> {
    const rows = await this.metrics();
    const judged = rewardAndGold(rows);
    const summary = {
      algorithm: this.recipe.algorithm,
      steps: last.step,
      seconds: (performance.now() - this.started) / 1000,
      adapter: this.trainer.model.gpu.info.description || this.trainer.model.gpu.info.vendor,
      // The step after which the reward rose and gold did not; null if there is no such step.
      ...(judged.length > 0 && { diverged_at: divergence(judged)?.step ?? null }),
      last,
    };
    await this.folder.write('summary.json', JSON.stringify(summary, null, 2) + '\n');
  }

  /** Removes what was written of steps after the checkpoint, because those steps are done again. */
  private async forgetAfter(step: number): Promise<void> {
    const kept = (await this.metrics()).filter((row) => row.step <= step);
    await this.folder.write('metrics.jsonl', jsonLines(kept));
    for (const kind of ['completions', 'followed', 'evaluations']) {
      for (const name of await this.folder.list(kind)) {
        if (Number(/^step-(\d+)\.jsonl$/.exec(name)?.[1] ?? -1) > step) {
          await this.folder.remove(`${kind}/${name}`);
        }
      }
    }
  }

  private async metrics(): Promise<MetricsRow[]> {
    return parseJsonLines((await readText(this.folder, 'metrics.jsonl')) ?? '');
  }
}

/**
 * TRL's completions table (step, prompt, completion, one column per reward, advantage) and our other
 * columns; for DPO they include which completion of a group is chosen and which is rejected.
 */
function completionRows(step: number, groups: readonly Group[]): string {
  const rows = groups.flatMap(({ prompt, samples, pair }) =>
    samples.map(({ completion, ...sample }, i) => {
      const chosen = pair?.chosen === i && 'chosen';
      const rejected = pair?.rejected === i && 'rejected';
      const role = chosen || rejected;
      const row = { step, prompt, completion, ...sample.rewards, ...sample };
      return { ...row, ...(role && { pair: role }) };
    }),
  );
  return jsonLines(rows);
}
