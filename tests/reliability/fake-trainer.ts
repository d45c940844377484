/**
 * A trainer without a GPU, whose numbers depend on all that a real one's do: weights, moments, the step,
 * the tokens and the optimizer's steps. One wrong bit in a checkpoint changes every row after it.
 */
import { makeRecipe, type Recipe } from '../../src/rl/recipe/recipe.ts';
import type { RecipeValues } from '../../src/rl/recipe/values.ts';
import { Run } from '../../src/rl/runs/run.ts';
import type { RunFolder } from '../../src/rl/runs/run-folder.ts';
import type { StepResult, Trainer } from '../../src/rl/trainers/trainer.ts';
import { FakeModel } from './fake-model.ts';

export class FakeTrainer {
  readonly optimizer = { steps: 0 };
  readonly model: FakeModel;
  readonly value: { model: FakeModel; optimizer: { steps: number } };
  step = 0;
  tokensSeen = 0;

  constructor({ seed }: Recipe) {
    this.model = new FakeModel(seed);
    this.value = { model: new FakeModel(seed + 1), optimizer: { steps: 0 } };
  }

  trainStep(): Promise<StepResult> {
    this.step++;
    this.optimizer.steps += 2;
    this.tokensSeen += 10 + (this.step % 3);
    this.model.train(this.step, this.optimizer.steps);
    this.value.model.train(this.step, this.optimizer.steps);
    const { digest } = this.model;
    const sample = {
      ...{ completion: `so </think> ${digest}`, thought: 'so', response: String(digest) },
      ...{ wellFormed: true, truncated: false, tokens: 3, reward: digest % 7, advantage: 0 },
    };
    return Promise.resolve({
      metrics: {
        ...{ step: this.step, loss: digest / 2 ** 32, num_tokens: this.tokensSeen, step_time: 0.5 },
        ...{ value_loss: this.value.model.digest / 2 ** 32, steps: this.optimizer.steps },
      },
      groups: [{ prompt: `menu ${this.step}`, samples: [sample], mean: 0, std: 0 }],
    });
  }

  evaluate() {
    const { digest } = this.model;
    const row = { prompt: 'menu', thought: 'so', response: String(digest), rewards: {} };
    return Promise.resolve({ metrics: { eval_reward: digest % 5 }, rows: [row] });
  }

  destroy(): void {
    // There is nothing to give back.
  }
}

export const STEPS = 7;

export const FAKE_VALUES: RecipeValues = {
  ...{ algorithm: 'ppo', world: 'meal-planner', model_name_or_path: 'model' },
  ...{ reward_model_name_or_path: 'judge', max_steps: STEPS, save_steps: 2 },
  ...{ eval_strategy: 'steps', eval_steps: 3 },
};

export const fakeRecipe = (changes: RecipeValues = {}): Recipe =>
  makeRecipe({ ...FAKE_VALUES, ...changes });

export function fakeRun(
  folder: RunFolder,
  changes: RecipeValues = {},
  inputs: Record<string, string> = {},
): Run {
  const recipe = fakeRecipe(changes);
  const trainer = new FakeTrainer(recipe) as unknown as Trainer;
  const tokenizer = new Map([['tokenizer.json', '{"version":"1.0"}']]);
  return new Run(recipe, trainer, folder, tokenizer, inputs);
}

/** As `ponder train --resume` does it. @returns the step that the run went on from */
export async function train(run: Run, until = Infinity): Promise<number> {
  if (!(await run.resume())) await run.begin();
  const from = run.trainer.step;
  while (!run.finished && run.trainer.step < until) await run.advance();
  return from;
}
