/**
 * A run: a trainer driven step by step, and the folder that remembers it.
 *   recipe.yaml              every key, defaults included
 *   metrics.jsonl            one row per step
 *   completions/step-N.jsonl every completion of step N
 *   evaluations/step-N.jsonl every completion of an evaluation after step N; 0 is before the first
 *   checkpoints/step-N/      a Hugging Face folder (of a model, or of a peft adapter), plus
 *                            optimizer.safetensors and trainer_state.json; PPO's value model
 *                            likewise in checkpoints/step-N/value/
 *   summary.json             written when the run ends
 * A checkpoint counts once its trainer_state.json exists, which is written last. Data and random
 * numbers follow from the step number, so a resumed run gives the numbers of one that never stopped.
 */
import type { CheckpointFiles } from '../../model/checkpoint.ts';
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
    /** Tokenizer files that go into every checkpoint, by name. */
    private readonly tokenizerFiles: CheckpointFiles,
  ) {}

  get finished(): boolean {
    return this.trainer.step >= this.recipe.max_steps;
  }

  /** Starts the folder afresh. */
  async begin(): Promise<void> {
    await this.folder.write('recipe.yaml', recipeYaml(this.recipe));
    await this.folder.write('metrics.jsonl', '');
  }

  /** Goes on from the last complete checkpoint; false when there is none. */
  async resume(): Promise<boolean> {
    const step = await lastCheckpoint(this.folder);
    if (step === undefined) return false;
    const at = checkpointPath(step);
    const counters = JSON.parse(
      (await readText(this.folder, `${at}/${TRAINER_STATE}`)) ?? '{}',
    ) as { num_input_tokens_seen?: number; optimizer_steps?: number };
    // Before there was a number of its own, a step was one move of the weights.
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
    // Whoever was killed between the last checkpoint and the summary has nothing else to do.
    const last = (await this.metrics()).at(-1);
    if (this.finished && last && !(await folder.open('summary.json'))) {
      await this.summarize(last);
    }
    return true;
  }

  /** One step, and the evaluation before the first one, written down. */
  async advance(): Promise<StepResult> {
    const first = await this.evaluateFirst();
    if (first) await this.record(first);
    const result = await this.step();
    await this.record(result);
    return result;
  }

  /** What the policy does before it is trained, as step 0; undefined when no evaluation is asked for. */
  async evaluateFirst(): Promise<StepResult | undefined> {
    if (this.trainer.step > 0) return undefined;
    return this.evaluate({ metrics: { step: 0 }, groups: [] });
  }

  /** One optimizer step, and the evaluation when one is due; nothing is written yet. */
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

  /** Writes a step down; a checkpoint too when one is due. */
  async record(result: StepResult): Promise<void> {
    const { step } = result.metrics;
    await this.folder.append('metrics.jsonl', JSON.stringify(result.metrics) + '\n');
    if (result.groups.length > 0 && this.recipe.log_completions) {
      await this.folder.write(
        `completions/step-${step}.jsonl`,
        completionRows(step, result.groups),
      );
    }
    if (result.evaluation) {
      const rows = result.evaluation.map((row) => `${JSON.stringify(row)}\n`);
      await this.folder.write(`evaluations/step-${step}.jsonl`, rows.join(''));
    }
    if (step === 0) return;
    if (step % this.recipe.save_steps === 0 || this.finished) await this.save();
    if (this.finished) await this.summarize(result.metrics);
  }

  /** Writes a checkpoint of the step just done. */
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
    // What cannot be removed now is tried again after the next checkpoint.
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
      // Where the reward kept rising and the gold judge did not; null when they did not part.
      ...(judged.length > 0 && { diverged_at: divergence(judged)?.step ?? null }),
      last,
    };
    await this.folder.write('summary.json', JSON.stringify(summary, null, 2) + '\n');
  }

  /** Metrics of steps after the checkpoint will be made again. */
  private async forgetAfter(step: number): Promise<void> {
    const kept = (await this.metrics()).filter((row) => row.step <= step);
    await this.folder.write(
      'metrics.jsonl',
      kept.map((row) => `${JSON.stringify(row)}\n`).join(''),
    );
  }

  private async metrics(): Promise<MetricsRow[]> {
    const lines = ((await readText(this.folder, 'metrics.jsonl')) ?? '')
      .split('\n')
      .filter(Boolean);
    return lines.map((line) => JSON.parse(line) as MetricsRow);
  }
}

/**
 * TRL's completions table: step, prompt, completion, one column per reward, advantage; ours adds the
 * rest, and for DPO which completion of its group is the chosen one and which the rejected.
 */
function completionRows(step: number, groups: readonly Group[]): string {
  return groups
    .flatMap(({ prompt, samples, pair }) =>
      samples.map(({ completion, ...sample }, i) => {
        const chosen = pair?.chosen === i && 'chosen';
        const rejected = pair?.rejected === i && 'rejected';
        const role = chosen || rejected;
        const row = { step, prompt, completion, ...sample.rewards, ...sample };
        return `${JSON.stringify({ ...row, ...(role && { pair: role }) })}\n`;
      }),
    )
    .join('');
}
