import { recall, remember } from '../remembered.ts';
import type { JudgeReward, ModelReward } from './reward-recipe.ts';

/** A visitor's choice of rewards and prompts, stored for the next visit. */
export interface KeptChoice {
  model: ModelReward;
  judge: JudgeReward;
  /** The rules in use, by the file in which each is stored. */
  rules: { file: string; weight: number }[];
  promptFile: string | null;
  systemPrompt: string;
  /** Absent if an older version of the page stored the choice. */
  gold?: string | null | undefined;
}

const KEY = 'reward-choice';

/** undefined at the first visit, and where the browser stores nothing. */
export function readChoice(): Promise<KeptChoice | undefined> {
  return recall<KeptChoice>(KEY);
}

export function writeChoice(choice: KeptChoice): Promise<void> {
  return remember(KEY, choice);
}
