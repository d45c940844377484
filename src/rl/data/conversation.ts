/**
 * A prompt is always a text. Plain text is the single turn of the user. The JSON of a list of
 * {role, content}, TRL's conversational format, is a conversation with its system message and earlier
 * turns, up to the user's turn to answer.
 */
import type { ChatMessage } from '../../model/tokenizer.ts';

const ROLES: readonly unknown[] = ['system', 'user', 'assistant'];

/** Whether `value` is a list of turns: only the first may be of the system, the others are in any order. */
export function isConversation(value: unknown): value is readonly ChatMessage[] {
  if (!Array.isArray(value) || value.length === 0) return false;
  return value.every((turn: unknown, i) => {
    const { role, content } = (turn ?? {}) as Record<string, unknown>;
    return ROLES.includes(role) && typeof content === 'string' && (role !== 'system' || i === 0);
  });
}

/** A conversation as a prompt. */
export function conversationPrompt(turns: readonly ChatMessage[]): string {
  const [first] = turns;
  if (turns.length === 1 && first?.role === 'user') return first.content;
  return JSON.stringify(turns.map(({ role, content }) => ({ role, content })));
}

/** The turns of a prompt; the last turn is the user's. */
export function promptTurns(prompt: string): readonly ChatMessage[] {
  if (prompt.startsWith('[')) {
    try {
      const value: unknown = JSON.parse(prompt);
      if (isConversation(value) && value.at(-1)?.role === 'user') return value;
    } catch {
      // A text that happens to begin with a bracket.
    }
  }
  return [{ role: 'user', content: prompt }];
}

/** The prompt for people, judges and rules: plain text unchanged, a conversation turn by turn. */
export function readablePrompt(prompt: string): string {
  const turns = promptTurns(prompt);
  if (turns.length === 1) return turns[0]!.content;
  return turns.map(({ role, content }) => `${role}: ${content}`).join('\n\n');
}
