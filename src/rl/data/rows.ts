/** Reads lines of JSONL in the formats of TRL's data sets, plain and conversational. */
import type { ChatMessage } from '../../model/tokenizer.ts';
import { conversationPrompt, isConversation } from './conversation.ts';
import type { PreferenceGroup, Prompt, SftExample } from './dataset.ts';

export type Row = Readonly<Record<string, unknown>>;

/** The row of a line, or what is wrong with the line. */
export interface ReadLine<T> {
  /** The first line is 1. */
  line: number;
  row?: T;
  problem?: string;
}

/** A line in the wrong format; the message says what it must be. */
class RowError extends Error {}

/** Reads every line that is not empty. */
export function readLines<T>(text: string, read: (row: Row) => T): ReadLine<T>[] {
  return text.split('\n').flatMap((content, i): ReadLine<T>[] => {
    if (content.trim() === '') return [];
    const line = i + 1;
    try {
      return [{ line, row: read(parseObject(content)) }];
    } catch (error) {
      if (!(error instanceof RowError)) throw error;
      return [{ line, problem: error.message }];
    }
  });
}

function parseObject(content: string): Row {
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch {
    value = undefined;
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Row;
  throw new RowError('not JSON; each line must be one JSON object');
}

/** {prompt} as readPrompt reads it, and the other columns of the row. */
export function readPromptRow(row: Row): Prompt {
  const { prompt, ...columns } = row;
  return { prompt: readPrompt({ prompt }), ...(Object.keys(columns).length > 0 && { columns }) };
}

/** {prompt}: a text, or a conversation that ends with the user's turn. */
export function readPrompt(row: Row): string {
  const { prompt } = row;
  if (typeof prompt === 'string' && prompt.trim() !== '') return prompt;
  if (!isConversation(prompt)) {
    throw new RowError('no text field "prompt", nor a list of turns {role, content}');
  }
  return conversationPrompt(endingWith('user', prompt, 'the last turn of "prompt"'));
}

/**
 * {prompt, completion}, or {messages}, whose last turn is the completion. With `thinking` the prompt
 * opens the thought, so a `<think>` at the start of the completion is removed.
 */
export function readDemonstration(row: Row, thinking: boolean): SftExample {
  const { messages } = row;
  if (messages === undefined) {
    return {
      prompt: readPrompt(row),
      completion: opened(answer(row, 'completion'), thinking),
      thinking,
    };
  }
  if (!isConversation(messages) || messages.length < 2) {
    throw new RowError('"messages" must be a list of turns {role, content}, with an answer last');
  }
  const turns = endingWith('assistant', messages, 'the last turn of "messages"');
  const asked = endingWith('user', turns.slice(0, -1), 'the turn before the last of "messages"');
  return {
    prompt: conversationPrompt(asked),
    completion: opened(turns.at(-1)!.content, thinking),
    thinking,
  };
}

/** Removes `<think>` from a completion with thinking, because the prompt opens the thought. */
export const opened = (completion: string, thinking: boolean): string =>
  thinking ? completion.replace(/^\s*<think>\n?/, '') : completion;

/**
 * {prompt, chosen, rejected}; {chosen, rejected} as whole conversations that differ in their last
 * turn; or {prompt, responses, pairs} for ranked groups (ours). Each may have a number {margin}.
 */
export function readPreference(row: Row): PreferenceGroup {
  const margin = readMargin(row);
  if ('responses' in row)
    return { ...(row as unknown as PreferenceGroup), prompt: readPrompt(row) };
  const pair = { responses: ['chosen', 'rejected'].map((field) => answer(row, field)) };
  return { prompt: sharedPrompt(row), ...pair, pairs: [[0, 1] as const], ...margin };
}

function readMargin({ margin }: Row): Pick<PreferenceGroup, 'margin'> {
  if (margin === undefined) return {};
  if (typeof margin === 'number') return { margin };
  throw new RowError('"margin" must be a number');
}

/** The prompt of a preference pair; whole conversations contain it. */
function sharedPrompt({ prompt, chosen, rejected }: Row): string {
  if (prompt !== undefined || !isConversation(chosen) || !isConversation(rejected)) {
    return readPrompt({ prompt });
  }
  const before = 'the turn before the last of "chosen" and "rejected"';
  const [ours, theirs] = [chosen, rejected].map((turns) =>
    conversationPrompt(endingWith('user', turns.slice(0, -1), before)),
  );
  if (ours === theirs) return ours!;
  throw new RowError('"chosen" and "rejected" must differ only in their last turn');
}

/** A text, or the last turn of a conversation. */
function answer(row: Row, field: string): string {
  const value = row[field];
  if (typeof value === 'string') return value;
  if (!isConversation(value)) {
    throw new RowError(`no text field "${field}", nor a list of turns {role, content}`);
  }
  return endingWith('assistant', value, `the last turn of "${field}"`).at(-1)!.content;
}

function endingWith(
  role: ChatMessage['role'],
  turns: readonly ChatMessage[],
  which: string,
): readonly ChatMessage[] {
  if (turns.at(-1)?.role === role) return turns;
  throw new RowError(`${which} must be the ${role}'s`);
}
