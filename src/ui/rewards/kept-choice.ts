import { get, set } from 'idb-keyval';
import type { JudgeReward, ModelReward } from './reward-recipe.ts';

/** What a visitor chose to train for, as the next visit finds it. */
export interface KeptChoice {
  model: ModelReward;
  judge: JudgeReward;
  /** The rules in use, by the file in which each is stored. */
  rules: { file: string; weight: number }[];
  promptFile: string | null;
  systemPrompt: string;
  /** Absent from choices that were kept before there was one. */
  gold?: string | null | undefined;
}

const KEY = 'reward-choice';

/** Nothing at the first visit, and where the browser keeps nothing. */
export function readChoice(): Promise<KeptChoice | undefined> {
  return get<KeptChoice>(KEY).catch(() => undefined);
}

export async function writeChoice(choice: KeptChoice): Promise<void> {
  await set(KEY, choice).catch(() => undefined);
}
