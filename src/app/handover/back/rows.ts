/** Completions that TRL or verl wrote, as rows of a run. */
import { conversationPrompt, isConversation } from '../../../rl/data/conversation.ts';
import type { Evaluated } from '../../../rl/evaluation/evaluate.ts';
import type { RecipeValues } from '../../../rl/recipe/values.ts';
import { splitCompletion, THINK_END } from '../../../rl/rollout/completion.ts';
import type { CompletionRow } from '../../../rl/runs/record.ts';

/** One completion, as it was read. */
export interface Written {
  step: number;
  prompt: string;
  completion: string;
  reward: number;
  rewards: Record<string, number>;
  advantage: number;
}

/** How the run writes; of an unknown recipe, its completions tell. */
interface Manner {
  thinking: boolean;
  malformed: 'lenient' | 'strict';
}

/** @param recipe of the run, if it is known */
export function mannerOf(recipe: RecipeValues | undefined, completions: readonly string[]): Manner {
  const thinking = recipe
    ? recipe['thinking'] !== false
    : completions.some((text) => text.includes(THINK_END));
  return { thinking, malformed: recipe?.['malformed'] === 'strict' ? 'strict' : 'lenient' };
}

export function completionRows(
  written: readonly Written[],
  { thinking, malformed }: Manner,
): CompletionRow[] {
  return written.map((row) => ({
    ...row,
    ...splitCompletion(row.completion, thinking, malformed),
  }));
}

/** The first completion of each prompt, as an evaluation has it. */
export function evaluatedRows(rows: readonly CompletionRow[]): Evaluated[] {
  const firsts = rows.filter((row, i) => rows[i - 1]?.prompt !== row.prompt);
  return firsts.map(({ prompt, thought, response, wellFormed, reward, rewards = {} }) => ({
    ...{ prompt, thought, response, reward },
    rewards: { ...rewards },
    well_formed: wellFormed,
  }));
}

/** The rows of each key, in the order of their first rows. */
export function grouped<T>(rows: readonly T[], keyOf: (row: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  for (const row of rows) {
    const group = groups.get(keyOf(row));
    if (group) group.push(row);
    else groups.set(keyOf(row), [row]);
  }
  return [...groups.values()];
}

/** A prompt as text, with the opened thought at its end left out; or as turns. */
export function promptOf(value: unknown): string {
  if (isConversation(value)) return conversationPrompt(value);
  return textOf(value).replace(/\s*<think>\s*$/, '');
}

/** A completion as text, or the last turn of one as turns, whose thought may stand apart. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) return '';
  const { content, reasoning_content: thought } = (value.at(-1) ?? {}) as Record<string, unknown>;
  const text = typeof content === 'string' ? content : '';
  return typeof thought === 'string' && thought !== '' ? `${thought}${THINK_END}${text}` : text;
}

/** What the output lacks, if thoughts cannot be told from responses. */
export const NO_THOUGHTS = 'No completion has a </think>, so each one is shown as a response.';
