/** Reads the turns of a row in the shapes that data sets have: {role, content}, or ShareGPT's {from, value}. */
import { shown } from '../../model/errors.ts';
import type { ChatMessage } from '../../model/tokenizer.ts';

/** A row in the wrong format; the message says what it must be. */
export class RowError extends Error {
  override name = 'RowError';
}

const ROLES: ReadonlyMap<unknown, ChatMessage['role']> = new Map([
  ...(['system', 'user', 'assistant'] as const).map((role) => [role, role] as const),
  ...(['human'] as const).map((from) => [from, 'user'] as const),
  ...(['gpt', 'chatgpt', 'bing', 'bard'] as const).map((from) => [from, 'assistant'] as const),
]);

/**
 * The turns of a list: only the first may be of the system. A system turn without content is left out,
 * and a content in parts is joined.
 * @param field for messages
 * @throws RowError that names the turn
 */
export function readTurns(value: readonly unknown[], field: string): readonly ChatMessage[] {
  if (value.length === 0) throw new RowError(`"${field}" is an empty list; it needs turns`);
  return value.flatMap((item, i) => {
    const refuse = (problem: string): never => {
      throw new RowError(`turn ${i + 1} of "${field}" ${problem}`);
    };
    if (typeof item !== 'object' || item === null || Array.isArray(item)) {
      return refuse(`is ${shown(item)}; it must be {role, content}`);
    }
    const turn = item as Record<string, unknown>;
    const given = turn.role ?? turn.from;
    if (given === undefined) refuse('has no role; write system, user or assistant');
    const role = ROLES.get(given) ?? refuse(`has the role ${shown(given)}; ${instead(given)}`);
    if (Array.isArray(turn.tool_calls) && turn.tool_calls.length > 0) {
      refuse('calls tools, which is not supported; leave out conversations with tools');
    }
    const apart = APART.find((field) => typeof turn[field] === 'string' && turn[field] !== '');
    if (apart !== undefined) {
      refuse(
        `has "${apart}", which is not read; write it as <think>...</think> before the content`,
      );
    }
    const content = contentOf(turn.content ?? turn.value, refuse);
    if (content === undefined) {
      return role === 'system'
        ? []
        : refuse('has no content; write its text, or leave the row out');
    }
    if (role === 'system' && i > 0) {
      refuse('is of the system, which only the first turn may be; move or remove it');
    }
    return [{ role, content }];
  });
}

/** Where a thought stands beside the answer, and the chat template puts the two together. */
const APART = ['reasoning_content', 'reasoning', 'thinking'];

const MEANT: ReadonlyMap<string, ChatMessage['role']> = new Map([
  ['developer', 'system'],
  ...(['prompter', 'human'] as const).map((role) => [role, 'user'] as const),
  ...(['model', 'bot', 'ai', 'gpt'] as const).map((role) => [role, 'assistant'] as const),
  ...(['system', 'user', 'assistant'] as const).map((role) => [role, role] as const),
]);

/** What to do about a turn of another role. */
function instead(role: unknown): string {
  const meant = MEANT.get(String(role).toLowerCase());
  if (meant !== undefined) return `write ${meant} in its place`;
  return 'only system, user and assistant are read, so leave out conversations with other turns';
}

/** A text, or a list of parts that are texts; undefined if there is none. */
function contentOf(value: unknown, refuse: (problem: string) => never): string | undefined {
  if (typeof value === 'string') return value;
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value)) return refuse(`has the content ${shown(value)}; it must be a text`);
  const parts = (value as unknown[]).map((part) => {
    if (typeof part === 'string') return part;
    const { type = 'text', text } = (part ?? {}) as Record<string, unknown>;
    if (type === 'text' && typeof text === 'string') return text;
    return refuse(`has a part of type ${shown(type)}; only parts with a text are read`);
  });
  return parts.join('');
}
