/**
 * Where a text ends. A policy stops, as in TRL, at each end token of its generation_config.json (else
 * config.json) and at the tokenizer's eos_token. Training on texts teaches one of them.
 */
import { CheckpointError } from '../../model/errors.ts';
import type { Tokenizer } from '../../model/tokenizer.ts';

/** The tokenizer's own end token, at which a policy stops besides those of its config. */
export function tokenizerStops({ eosTokenId }: Pick<Tokenizer, 'eosTokenId'>): number[] {
  return eosTokenId === undefined ? [] : [eosTokenId];
}

/**
 * The stop token that is taught after a completion: the one with which the chat template ends a turn,
 * else the tokenizer's, else the first of the model's. undefined if there is none.
 */
export function turnEnd(tokenizer: Tokenizer, eosTokenIds: readonly number[]): number | undefined {
  const stops = [...tokenizerStops(tokenizer), ...eosTokenIds];
  return afterAnswer(tokenizer).find((id) => stops.includes(id)) ?? stops[0];
}

const ANSWER = 'yes';

/** The ids that the chat template writes after an answer; none if it refuses the turns. */
function afterAnswer(tokenizer: Tokenizer): number[] {
  if (!tokenizer.hasChatTemplate) return [];
  try {
    const text = tokenizer.applyChatTemplate([
      { role: 'user', content: 'hello' },
      { role: 'assistant', content: ANSWER },
    ]);
    const at = text.lastIndexOf(ANSWER);
    return at < 0 ? [] : tokenizer.encode(text.slice(at + ANSWER.length));
  } catch (error) {
    if (error instanceof CheckpointError) return [];
    throw error;
  }
}
