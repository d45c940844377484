/** The data of a run, with prompts written as the policy reads them: special tokens are in the text. */
import type { Tokenizer } from '../../model/tokenizer.ts';
import { promptTurns } from '../../rl/data/conversation.ts';
import { take, type PreferenceGroup, type Prompt } from '../../rl/data/dataset.ts';
import { opened, type Row } from '../../rl/data/rows.ts';
import type { Recipe } from '../../rl/recipe/recipe.ts';
import { policyText } from '../../rl/rollout/thinking-template.ts';
import {
  evaluationPrompts,
  heldOutPreferences,
  preferenceSource,
  promptSource,
  sftSource,
} from '../opening/data.ts';
import type { ReadFile } from '../opening/surroundings.ts';

interface HandoverRows {
  /** What the steps that are left will read, in order. */
  train: Row[];
  /** Empty if the recipe has no evaluations. */
  test: Row[];
}

/** @param step the last step that was taken */
export async function handoverRows(
  recipe: Recipe,
  step: number,
  tokenizer: Tokenizer,
  read: ReadFile,
): Promise<HandoverRows> {
  const perStep = itemsPerStep(recipe);
  const [first, count] = [step * perStep, (recipe.max_steps - step) * perStep];
  const asked = (prompt: string, thinking = recipe.thinking): string =>
    tokenizer.writtenOut(policyText(tokenizer, prompt, thinking, recipe.system_prompt));
  const promptRow = ({ prompt, columns }: Prompt): Row => ({
    prompt: asked(prompt),
    turns: promptTurns(prompt),
    // As JSON: a column of a table has one type in all rows.
    row: JSON.stringify(columns ?? {}),
  });
  switch (recipe.algorithm) {
    case 'sft': {
      const examples = take(await sftSource(recipe, read), first, count);
      const row = ({ prompt, completion, thinking }: (typeof examples)[number]): Row => ({
        prompt: asked(prompt, thinking),
        completion,
      });
      return { train: examples.map(row), test: [] };
    }
    case 'reward':
    case 'dpo': {
      const row = (group: PreferenceGroup): Row[] =>
        recipe.algorithm === 'reward'
          ? conversations(group)
          : continuations(group, asked(group.prompt), recipe.thinking);
      const groups = take(await preferenceSource(recipe, read), first, count);
      const test = (await heldOutPreferences(recipe, read)) ?? [];
      return { train: groups.flatMap(row), test: test.flatMap(row) };
    }
    case 'grpo':
    case 'ppo': {
      const prompts = take(await promptSource(recipe, read), first, count);
      const test = (await evaluationPrompts(recipe, read)) ?? [];
      return { train: prompts.map(promptRow), test: test.map(promptRow) };
    }
  }
}

/** Prompts, examples or groups of pairs that one step reads. */
function itemsPerStep(recipe: Recipe): number {
  const batch = recipe.per_device_train_batch_size * recipe.gradient_accumulation_steps;
  return recipe.algorithm === 'grpo' ? batch / recipe.num_generations : batch;
}

/** Whole conversations, which TRL writes in the reward model's own template. */
function conversations({ prompt, responses, pairs, margin }: PreferenceGroup): Row[] {
  const turns = responses.map((content) => [
    ...promptTurns(prompt),
    { role: 'assistant', content },
  ]);
  return pairs.map(([chosen, rejected]) => ({
    chosen: turns[chosen],
    rejected: turns[rejected],
    ...(margin !== undefined && { margin }),
  }));
}

/** A prompt as the policy reads it, and two texts that go on from it. */
function continuations(
  { responses, pairs }: PreferenceGroup,
  prompt: string,
  thinking: boolean,
): Row[] {
  const texts = responses.map((text) => opened(text, thinking));
  return pairs.map(([chosen, rejected]) => ({
    prompt,
    chosen: texts[chosen],
    rejected: texts[rejected],
  }));
}
