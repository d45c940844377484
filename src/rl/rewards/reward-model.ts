/**
 * A learned reward: a sequence classifier with one label, read at the last token of the prompt and
 * response (that is not padding) in the reward model's own chat template and tokenizer (RLMT, arXiv 2509.20357, sec. 3).
 */
import type { Tokenizer } from '../../model/tokenizer.ts';
import { groupByPrefix, packBatch, splitGroups, type TokenGroup } from '../../model/batch.ts';
import { BatchRunner, type BatchLimits } from '../../model/batch-runner.ts';
import type { LanguageModel } from '../../model/language-model.ts';
import { promptTurns } from '../data/conversation.ts';
import { REWARD_MODEL } from '../recipe/reward-names.ts';
import type { JudgedText, Reward } from './reward.ts';

/** Largest number of token rows and responses that are scored at once. */
export const SCORING_LIMITS: BatchLimits = { maxTokens: 4096, maxTargets: 512 };

export class RewardModel implements Reward {
  readonly name = REWARD_MODEL;

  private constructor(
    readonly model: LanguageModel,
    private readonly tokenizer: Tokenizer,
    private readonly runner: BatchRunner,
  ) {}

  static async create(
    model: LanguageModel,
    tokenizer: Tokenizer,
    limits: BatchLimits,
  ): Promise<RewardModel> {
    return new RewardModel(model, tokenizer, await BatchRunner.create(model, limits));
  }

  async score(texts: readonly JudgedText[]): Promise<number[]> {
    const scores: number[] = [];
    const groups = sharedPromptGroups(texts).map((group) =>
      rewardModelTokens(this.tokenizer, group, this.model.config.padTokenId),
    );
    for (const batch of splitGroups(groups, 'score', this.runner.limits)) {
      const { values } = await this.runner.forward(packBatch(batch, 'score'));
      scores.push(...values);
    }
    return scores;
  }

  destroy(): void {
    this.runner.destroy();
    this.model.destroy();
  }
}

/** Groups of successive texts that answer the same prompt. */
function sharedPromptGroups(texts: readonly JudgedText[]): JudgedText[][] {
  const groups: JudgedText[][] = [];
  for (const text of texts) {
    const last = groups.at(-1);
    if (last?.[0]?.prompt === text.prompt) last.push(text);
    else groups.push([text]);
  }
  return groups;
}

/**
 * The token ids that a reward model reads: the chat template with user and assistant. The common
 * beginning of the texts (their prompt) is computed once.
 */
export function rewardModelTokens(
  tokenizer: Tokenizer,
  texts: readonly JudgedText[],
  padTokenId: number | undefined,
): TokenGroup {
  const sequences = texts.map((text) =>
    upToScore(tokenizer.encode(rewardModelText(tokenizer, text)), padTokenId),
  );
  return groupByPrefix(sequences);
}

/**
 * The ids up to the last one that is not padding, where transformers reads the score, also when the
 * template ends the turn with the padding token. What follows does not change that score.
 */
export function upToScore(ids: readonly number[], padTokenId: number | undefined): number[] {
  const last = ids.findLastIndex((id) => id !== padTokenId);
  return ids.slice(0, Math.max(0, last) + 1);
}

/** A conversation and its response in the reward model's own, unchanged template. */
export function rewardModelText(tokenizer: Tokenizer, { prompt, response }: JudgedText): string {
  return tokenizer.applyChatTemplate([
    ...promptTurns(prompt),
    { role: 'assistant', content: response },
  ]);
}
