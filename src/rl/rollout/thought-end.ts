/** What the decoder needs to end a thought with the closing tag, from the policy's tokenizer. */
import { CheckpointError } from '../../model/errors.ts';
import type { ThoughtEnd } from '../../model/decoder-ops.ts';
import type { Tokenizer } from '../../model/tokenizer.ts';
import { THINK_END } from './completion.ts';

/**
 * The tokens of a completion that are kept for the tag and the response: a tag takes at most eight
 * tokens, and before it the policy may have begun one of its own.
 */
export const ROOM_FOR_RESPONSE = 16;

/**
 * @param limit tokens of a thought; 0 leaves thoughts alone
 * @throws CheckpointError when the tokenizer cannot write the tag
 */
export function thoughtEnd(
  tokenizer: Tokenizer,
  thinking: boolean,
  limit: number,
): ThoughtEnd | undefined {
  if (!thinking || limit === 0) return undefined;
  let tag = tags.get(tokenizer);
  if (!tag) {
    tag = closingTag(tokenizer);
    tags.set(tokenizer, tag);
  }
  return { limit, ...tag };
}

/** Every step of a run has the same tokenizer. */
const tags = new WeakMap<Tokenizer, Omit<ThoughtEnd, 'limit'>>();

function closingTag(tokenizer: Tokenizer): Omit<ThoughtEnd, 'limit'> {
  const tag = tokenizer.encode(THINK_END);
  if (!tokenizer.decode(tag).includes(THINK_END) || tag.length > ROOM_FOR_RESPONSE / 2) {
    throw new CheckpointError(
      `the tokenizer cannot write ${THINK_END}, with which max_thought_length ends a thought; set ` +
        'max_thought_length to 0',
    );
  }
  return { tag, next: Uint32Array.from(tokenizer.tokenTexts(), transitions) };
}

/** The digits of a token in ThoughtEnd.next. Once the tag is complete, it stays so. */
export function transitions(token: string): number {
  let digits = 0;
  for (let state = THINK_END.length - 1; state >= 0; state--) {
    digits = digits * 16 + stateAfter(state, token);
  }
  return digits;
}

/** '<' is only at the tag's start, so a character that does not fit leaves nothing, or a new start. */
function stateAfter(state: number, text: string): number {
  for (const character of text) {
    if (state === THINK_END.length) break;
    if (character === THINK_END[state]) state++;
    else state = character === THINK_END[0] ? 1 : 0;
  }
  return state;
}
