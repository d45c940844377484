/**
 * Held-out prompts that the page follows through a run. In a step that is evaluated, the policy writes
 * a group of completions for each of them too, as it does for the prompts that it trains on. Their
 * tokens are measured before and after the update; training never uses them. Every step has the same
 * random numbers, so that only the policy differs.
 */
import type { TrainingRunner } from '../../model/batch-runner.ts';
import type { Tokenizer } from '../../model/tokenizer.ts';
import { SHOWN } from '../evaluation/evaluate.ts';
import { advantages } from '../objectives/advantages.ts';
import type { Prompt } from '../data/dataset.ts';
import type { Recipe } from '../recipe/recipe.ts';
import type { Group } from '../report.ts';
import { packGroups, perCompletion, type MicroBatch } from './micro-batch.ts';
import type { Reference } from './reference.ts';
import type { RolloutWriter, ScoredGroup } from './rollout-writer.ts';
import { k3, tokenTrace, type TraceColumns } from './token-trace.ts';

/** One sampling batch of groups, as the policy was before the update. */
export interface FollowedGroups {
  batch: MicroBatch<ScoredGroup>;
  /** One per completion, in packing order. */
  columns: readonly TraceColumns[];
}

export class FollowedPrompts {
  private readonly prompts: readonly Prompt[];

  constructor(
    private readonly recipe: Recipe,
    evaluated: readonly Prompt[],
    private readonly tokenizer: Tokenizer,
    private readonly writer: RolloutWriter,
    private readonly runner: TrainingRunner,
    private readonly reference: Reference | undefined,
  ) {
    this.prompts = promptsThatFit(recipe, evaluated, writer);
  }

  /** @param step counted from 1; the first step has groups too */
  isDue(step: number): boolean {
    const { eval_steps, max_steps } = this.recipe;
    if (this.prompts.length === 0) return false;
    return step === 1 || step % eval_steps === 0 || step === max_steps;
  }

  /** To be called before the update. It overwrites the activations of the runner. */
  async write(): Promise<FollowedGroups> {
    const { prompts, recipe, reference } = this;
    const groups = await this.writer.writeHeldOut(prompts);
    const [batch] = packGroups(groups, groups.length);
    const { packed } = batch!;
    const kept = await reference?.runner.forward(packed, recipe.temperature);
    const refLogp = kept && perCompletion(kept.values, packed);
    const pass = await this.runner.forward(packed, recipe.temperature);
    const entropy = perCompletion(pass.entropy, packed);
    const columns = perCompletion(pass.values, packed).map((logp, i) => ({
      logp,
      entropy: entropy[i]!,
      ...(refLogp && { ref: refLogp[i]!, kl: k3(logp, refLogp[i]!) }),
    }));
    return { batch: batch!, columns };
  }

  /** To be called after the update: the groups with their traces. */
  async describe({ batch: { groups, packed }, columns }: FollowedGroups): Promise<Group[]> {
    const { values } = await this.runner.forward(packed, this.recipe.temperature);
    const after = perCompletion(values, packed);
    const scaled = advantages(
      groups.map(({ reward }) => reward),
      this.recipe.scale_rewards,
    );
    let next = 0;
    return groups.map((group, g) => {
      const traces = group.samples.map((sample) => {
        const i = next++;
        return tokenTrace(this.tokenizer, sample, { ...columns[i]!, after: after[i]! });
      });
      return this.writer.describe(group, scaled[g]!, traces);
    });
  }
}

/**
 * The first prompts of the evaluation, none twice, as many as the page shows and as fit in one sampling
 * batch: so an evaluated step costs little more.
 */
function promptsThatFit(
  recipe: Recipe,
  evaluated: readonly Prompt[],
  writer: RolloutWriter,
): Prompt[] {
  const most = recipe.per_device_train_batch_size / recipe.num_generations;
  const prompts: Prompt[] = [];
  let room = most * recipe.max_prompt_length;
  for (const asked of evaluated.slice(0, Math.min(SHOWN, most))) {
    room -= writer.promptLength(asked);
    if (room < 0) break;
    if (!prompts.some(({ prompt }) => prompt === asked.prompt)) prompts.push(asked);
  }
  return prompts;
}
