/** Reads lines of JSONL in the formats of TRL's data sets, plain and conversational. */
import { shown } from '../../model/errors.ts';
import { parseBounded } from '../../model/json.ts';
import type { ChatMessage } from '../../model/tokenizer.ts';
import { conversationPrompt, promptTurns } from './conversation.ts';
import type { PreferenceGroup, Prompt, SftExample } from './dataset.ts';
import { readTurns, RowError } from './turns.ts';

export type Row = Readonly<Record<string, unknown>>;

/** The row of a line, or what is wrong with the line. */
interface ReadLine<T> {
  /** The first line is 1. */
  line: number;
  row?: T;
  problem?: string;
}

/** Reads every line that is not empty. Lines end with LF, CR LF or CR. */
export function readLines<T>(text: string, read: (row: Row) => T): ReadLine<T>[] {
  return text.split(/\r\n|\n|\r/).flatMap((content, i): ReadLine<T>[] => {
    // Also removes a byte order mark.
    const json = content.trim();
    if (json === '') return [];
    const line = i + 1;
    try {
      return [{ line, row: read(parseObject(json)) }];
    } catch (error) {
      if (!(error instanceof RowError)) throw error;
      return [{ line, problem: error.message }];
    }
  });
}

function parseObject(json: string): Row {
  const value = parseBounded(json);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Row;
  if (Array.isArray(value)) {
    throw new RowError(
      'a list; write each object of it on a line of its own, without the brackets',
    );
  }
  throw new RowError(
    /[\0\ufffd]/.test(json)
      ? 'not text in UTF-8; save the file as JSONL in UTF-8, not compressed'
      : 'not JSON; each line must be one JSON object',
  );
}

/** Without the columns that are null, which is how tables write what a row does not have. */
export function present(row: Row): Row {
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null));
}

/** The first of these columns that has something in it. */
function filledField(row: Row, columns: readonly string[]): string | undefined {
  const isEmpty = (value: unknown): boolean =>
    (value ?? '') === '' ||
    value === '[]' ||
    (typeof value === 'object' && Object.keys(value!).length === 0);
  return columns.find((column) => !isEmpty(row[column]));
}

/** @throws RowError for a row that is also about images, which TRL refuses for a model of texts */
function refuseImages(row: Row): void {
  const field = filledField(row, ['image', 'images']);
  if (field === undefined) return;
  throw new RowError(`"${field}" is not read; leave the row out, or remove the column`);
}

/**
 * Columns that TRL gives to the chat template, where a row has turns. The text would be another one without them.
 * @throws RowError
 */
function refuseForTemplate(row: Row): void {
  const hasTurns = ['messages', 'conversations', 'prompt', 'chosen'].some((field) =>
    Array.isArray(row[field]),
  );
  const field = filledField(row, ['tools', 'chat_template_kwargs']);
  if (!hasTurns) return;
  const turns = (row.messages ?? row.conversations) as
    ({ role?: unknown; from?: unknown } | null)[] | undefined;
  const begins = Array.isArray(turns) && (turns[0]?.role ?? turns[0]?.from) === 'system';
  if (typeof row.system === 'string' && row.system.trim() !== '' && turns && !begins) {
    throw new RowError(
      '"system" beside the turns is not read; make it the first turn, of the role system',
    );
  }
  if (field === undefined) return;
  throw new RowError(
    `"${field}" is for the chat template, which gets nothing from a row here; remove the column, or leave the row out`,
  );
}

/** {prompt} as readPrompt reads it, and the other columns of the row. */
export function readPromptRow(row: Row): Prompt {
  refuseImages(row);
  const others = Object.entries(row).filter(([column]) => column !== 'prompt');
  return {
    prompt: readPrompt(row),
    ...(others.length > 0 && { columns: Object.fromEntries(others) }),
  };
}

/** {prompt}: a text, or a conversation that ends with the user's turn. */
export function readPrompt(row: Row): string {
  const { prompt } = row;
  if (typeof prompt === 'string' && prompt.trim() !== '') return prompt;
  if (!Array.isArray(prompt)) throw noField(row, 'prompt');
  const turns = readTurns(prompt, 'prompt');
  return conversationPrompt(endingWith('user', turns, 'the last turn of "prompt"'));
}

/**
 * {prompt, completion}, or {messages} (or ShareGPT's {conversations}), whose last turn is the completion, as
 * is that of a completion of several turns.
 * With `thinking` the prompt opens the thought, so a `<think>` at the start of the completion is removed.
 */
export function readDemonstration(columns: Row, thinking: boolean): SftExample {
  const row = present(columns);
  refuseImages(row);
  refuseForTemplate(row);
  const field = ['messages', 'conversations'].find((name) => row[name] !== undefined);
  if (field !== undefined) {
    const messages = row[field];
    if (!Array.isArray(messages)) {
      throw new RowError(`"${field}" must be a list of turns {role, content}, with an answer last`);
    }
    return lastAnswer(readTurns(messages, field), field, thinking);
  }
  const prompt = readPrompt(row);
  const { completion } = row;
  if (Array.isArray(completion) && completion.length > 1) {
    const turns = [...promptTurns(prompt), ...readTurns(completion, 'completion')];
    return lastAnswer(turns, 'completion', thinking);
  }
  return { prompt, completion: opened(answer(row, 'completion'), thinking), thinking };
}

/** The last of the turns as the completion of those before it. */
function lastAnswer(all: readonly ChatMessage[], field: string, thinking: boolean): SftExample {
  const turns = endingWith('assistant', all, `the last turn of "${field}"`);
  const before = `the turn before the last of "${field}"`;
  const asked = endingWith('user', turns.slice(0, -1), before);
  return {
    prompt: conversationPrompt(asked),
    completion: opened(turns.at(-1)!.content, thinking),
    thinking,
  };
}

/** Removes `<think>` from a completion with thinking, because the prompt opens the thought. */
export const opened = (completion: string, thinking: boolean): string =>
  thinking ? completion.replace(/^\s*<think>\n?/, '') : completion;

/** Whether a row has preferences; other rows may have a column "responses" too. */
export function isPreference(columns: Row): boolean {
  const { chosen, rejected, responses, pairs, rewards } = present(columns);
  const isPair = chosen !== undefined && rejected !== undefined;
  return isPair || (responses !== undefined && (pairs !== undefined || rewards !== undefined));
}

/**
 * {prompt, chosen, rejected}; {chosen, rejected} as whole conversations that differ in their last
 * turn; {prompt, responses, pairs} for ranked groups (ours); or RLHFlow's {prompt, responses, rewards},
 * of which the best response is preferred to the worst. Each may have a number {margin}.
 */
export function readPreference(columns: Row): PreferenceGroup {
  const row = present(columns);
  refuseImages(row);
  refuseForTemplate(row);
  const margin = readMargin(row);
  if (row.responses === undefined || row.chosen !== undefined || row.rejected !== undefined) {
    const pair = { responses: ['chosen', 'rejected'].map((field) => answer(row, field)) };
    return { prompt: sharedPrompt(row), ...pair, pairs: [[0, 1] as const], ...margin };
  }
  const { responses, pairs, rewards } = row;
  if (!isListOf(responses, (item) => typeof item === 'string') || responses.length < 2) {
    throw new RowError('"responses" must be a list of two or more texts');
  }
  const group = { prompt: readPrompt(row), responses };
  if (pairs !== undefined)
    return { ...group, pairs: readPairs(pairs, responses.length), ...margin };
  if (rewards === undefined) {
    throw new RowError('"responses" need "pairs" or "rewards", or write "chosen" and "rejected"');
  }
  return { ...group, pairs: [bestAndWorst(rewards, responses.length)], ...margin };
}

function readPairs(value: unknown, count: number): PreferenceGroup['pairs'] {
  const isIndex = (item: unknown): item is number =>
    Number.isSafeInteger(item) && (item as number) >= 0 && (item as number) < count;
  const isPair = (item: unknown): item is [number, number] =>
    isListOf(item, isIndex) && item.length === 2 && item[0] !== item[1];
  if (isListOf(value, isPair) && value.length > 0) return value;
  throw new RowError(
    `"pairs" must be a list of pairs [preferred, other], two different numbers from 0 to ${count - 1}`,
  );
}

function bestAndWorst(rewards: unknown, count: number): readonly [number, number] {
  if (
    !isListOf(rewards, Number.isFinite as (n: unknown) => n is number) ||
    rewards.length !== count
  ) {
    throw new RowError(`"rewards" must be a list of ${count} numbers, one for each response`);
  }
  const [best, worst] = [Math.max(...rewards), Math.min(...rewards)].map((r) => rewards.indexOf(r));
  if (best !== worst) return [best!, worst!];
  throw new RowError('"rewards" are all equal, so no response is preferred; leave the row out');
}

const isListOf = <T>(value: unknown, isItem: (item: unknown) => item is T): value is T[] =>
  Array.isArray(value) && value.every(isItem);

function readMargin({ margin }: Row): Pick<PreferenceGroup, 'margin'> {
  if (margin === undefined) return {};
  if (typeof margin === 'number' && Number.isFinite(margin)) return { margin };
  throw new RowError('"margin" must be a number');
}

/** The prompt of a preference pair. Where the answers are whole conversations, it is in them. */
function sharedPrompt(row: Row): string {
  const [ours, theirs] = ['chosen', 'rejected'].map((field) => {
    const turns = Array.isArray(row[field]) ? readTurns(row[field] as unknown[], field) : [];
    return turns.slice(0, -1);
  });
  if (ours!.length === 0 && theirs!.length === 0) return readPrompt(row);
  const before = 'the turn before the last of "chosen" and "rejected"';
  const [asked, other] = [ours!, theirs!].map((turns) =>
    conversationPrompt(endingWith('user', turns, before)),
  );
  if (asked !== other) {
    throw new RowError('"chosen" and "rejected" must differ only in their last turn');
  }
  if (row.prompt === undefined) return asked!;
  const prompt = readPrompt(row);
  if (prompt === asked || ours!.some(({ content }) => content.trim() === prompt.trim()))
    return asked!;
  throw new RowError(
    '"prompt" is not in the turns of "chosen" and "rejected"; remove "prompt", or those turns',
  );
}

/** A text, or the last turn of a conversation. */
function answer(row: Row, field: string): string {
  const value = row[field];
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) throw noField(row, field);
  const turns = readTurns(value, field);
  return endingWith('assistant', turns, `the last turn of "${field}"`).at(-1)!.content;
}

function noField(row: Row, field: string): RowError {
  const names = Object.keys(present(row));
  let has = '';
  if (names.includes(field)) has = `; it is ${shown(row[field])}`;
  else if (names.length > 0) has = `; the row has ${names.slice(0, 6).join(', ')}`;
  return new RowError(`no text field "${field}", nor a list of turns {role, content}${has}`);
}

function endingWith(
  role: ChatMessage['role'],
  turns: readonly ChatMessage[],
  which: string,
): readonly ChatMessage[] {
  if (turns.at(-1)?.role === role) return turns;
  throw new RowError(`${which} must be the ${role}'s`);
}
