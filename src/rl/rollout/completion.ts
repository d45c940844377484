/**
 * A completion is a thought and a response. With thinking the prompt already has `<think>`, so the
 * completion starts inside the thought, and the first `</think>` ends it. Without thinking the whole
 * completion is the response. The reward model never sees the thought (RLMT, arXiv 2509.20357, eq. 3).
 */
export const THINK_END = '</think>';

/**
 * The text that is judged when the delimiter is missing. lenient: the whole text with the thought (the
 * paper's default); strict: a fixed empty response.
 */
export type Malformed = 'lenient' | 'strict';

const NULL_RESPONSE = '';

export interface SplitCompletion {
  /** null without thinking, or when the delimiter is missing. */
  thought: string | null;
  /** The text that the reward model sees. */
  response: string;
  wellFormed: boolean;
}

export function splitCompletion(
  text: string,
  thinking: boolean,
  malformed: Malformed,
): SplitCompletion {
  if (!thinking) return { thought: null, response: text.trim(), wellFormed: true };
  const at = text.indexOf(THINK_END);
  if (at < 0) {
    const response = malformed === 'strict' ? NULL_RESPONSE : text.trim();
    return { thought: null, response, wellFormed: false };
  }
  return {
    thought: text
      .slice(0, at)
      .replace(/^\s*<think>/, '')
      .trim(),
    response: untagged(text.slice(at + THINK_END.length)),
    wellFormed: true,
  };
}

/** A base model is asked to put its answer between tags; text after them is not part of the response. */
function untagged(text: string): string {
  const [, inside] = /^\s*<response>(.*?)(?:<\/response>|$)/s.exec(text) ?? [];
  return (inside ?? text).trim();
}
