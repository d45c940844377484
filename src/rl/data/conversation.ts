/**
 * A prompt is a text wherever it goes. Plain text is the user's one turn; the JSON of a list of
 * {role, content}, TRL's conversational format, is a conversation with its system turn and earlier
 * turns, up to the user's turn that is to be answered.
 */
import type { ChatMessage } from '../../model/tokenizer.ts';

const ROLES: readonly unknown[] = ['system', 'user', 'assistant'];

/** Whether `value` is a list of turns: a system turn at most first, the others in any order. */
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

/** The turns of a prompt; the last is the user's. */
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

/** For people, judges and rules: a plain prompt as it is, a conversation turn by turn. */
export function readablePrompt(prompt: string): string {
  const turns = promptTurns(prompt);
  if (turns.length === 1) return turns[0]!.content;
  return turns.map(({ role, content }) => `${role}: ${content}`).join('\n\n');
}
