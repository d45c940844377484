/**
 * Exactly what the models of a recipe will read of a prompt and a completion: the texts that their
 * templates make, and the token ids. Training uses the same functions.
 */
import type { Tokenizer } from '../model/tokenizer.ts';
import { splitCompletion, type SplitCompletion } from '../rl/rollout/completion.ts';
import { readablePrompt } from '../rl/data/conversation.ts';
import { judgeText } from '../rl/rewards/prompted-judge.ts';
import type { Recipe } from '../rl/recipe/keys.ts';
import { JUDGE, REWARD_MODEL, rewardNames } from '../rl/recipe/reward-names.ts';
import { rewardModelText } from '../rl/rewards/reward-model.ts';
import { policyText } from '../rl/rollout/thinking-template.ts';

export interface SeenText {
  text: string;
  ids: number[];
  tokens: SeenToken[];
  /** Number of tokens that stand for text outside the model's vocabulary. */
  unknown: number;
  /** Of several chat templates of the model: which one made the text and which are not used. */
  template?: string;
}

interface SeenToken {
  /** The text that it adds; if several tokens make one character, '' for all but the last. */
  text: string;
  /** Whether it is a special token of the template, such as the end of a turn. */
  special: boolean;
}

type SeenByReward = { name: string; weight: number } & (
  | { kind: 'model'; sees: SeenText }
  /** A rule gets the two texts without a template. */
  | { kind: 'rule'; prompt: string; response: string }
);

export interface Preview extends SplitCompletion {
  policy: SeenText;
  /** In the order of reward_weights; none for algorithms without rewards. */
  rewards: SeenByReward[];
}

/** Tokenizers of the models that the recipe names. */
interface PreviewTokenizers {
  policy: Tokenizer;
  rewardModel?: Tokenizer | undefined;
  judge?: Tokenizer | undefined;
}

/** A completion that shows where the thought and the response go. */
export const exampleCompletion = (thinking: boolean): string =>
  thinking ? 'Here is the thought.\n</think>\nHere is the response.' : 'Here is the response.';

/** @throws CheckpointError if a template fails on the prompt */
export function previewRecipe(
  recipe: Recipe,
  { policy, rewardModel, judge }: PreviewTokenizers,
  prompt: string,
  completion: string,
): Preview {
  const split = splitCompletion(completion, recipe.thinking, recipe.malformed);
  const judged = { prompt, response: split.response };
  const rewards = rewardNames(recipe).map((name, i): SeenByReward => {
    const reward = { name, weight: recipe.reward_weights?.[i] ?? 1 };
    if (name === REWARD_MODEL && rewardModel) {
      const sees = seenText(rewardModel, rewardModelText(rewardModel, judged));
      return { ...reward, kind: 'model', sees };
    }
    if (name === JUDGE && judge) {
      const sees = seenText(judge, judgeText(judge, judged, recipe.judge_prompt));
      return { ...reward, kind: 'model', sees };
    }
    return { ...reward, kind: 'rule', ...judged, prompt: readablePrompt(prompt) };
  });
  const asked = policyText(policy, prompt, recipe.thinking, recipe.system_prompt);
  return { policy: seenText(policy, asked), ...split, rewards };
}

/** A text as a tokenizer reads it, token by token. */
export function seenText(tokenizer: Tokenizer, text: string): SeenText {
  const ids = tokenizer.encodePrompt(text);
  let before = '';
  const tokens = ids.map((id, i): SeenToken => {
    const upTo = tokenizer.decode(ids.slice(0, i + 1));
    // An incomplete character decodes to U+FFFD; the token that completes it shows it.
    const whole = !upTo.endsWith('\uFFFD');
    const added = whole ? upTo.slice(before.length) : '';
    if (whole) before = upTo;
    const alone = tokenizer.decode([id]);
    const special = alone !== '' && tokenizer.decode([id], { skipSpecial: true }) === '';
    return { text: added, special };
  });
  const unknown = ids.filter((id) => id === tokenizer.unkTokenId).length;
  const { templateChoice: template } = tokenizer;
  return { text, ids, tokens, unknown, ...(template !== undefined && { template }) };
}
