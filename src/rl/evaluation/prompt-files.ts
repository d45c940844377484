/**
 * Reads the prompt files of AlpacaEval ({instruction}), WildBench ({conversation_input}), Arena-Hard
 * ({turns}, or {prompt, uid} since v2) and IFEval ({prompt, instruction_id_list, kwargs}), and plain
 * {prompt} rows: JSONL, or one JSON array as in AlpacaEval. The format is recognised by the fields.
 */
import { parseBounded } from '../../model/json.ts';
import { readTurns, RowError } from '../data/turns.ts';
import { conversationPrompt, isConversation } from '../data/conversation.ts';
import type { Kwargs } from './ifeval-checks.ts';
import type { Instruction } from './ifeval-checks.ts';

type PromptFormat = 'alpaca_eval' | 'wildbench' | 'arena_hard' | 'ifeval' | 'prompts';

export interface EvaluationPrompt {
  prompt: string;
  /** The instructions of IFEval, which rules check. */
  instructions?: readonly Instruction[];
  /** Accepted answers of a verifiable task: the field `answer` or `answers`. */
  answers?: readonly string[];
}

interface PromptFile {
  format: PromptFormat;
  rows: EvaluationPrompt[];
  /** Number of questions with follow-ups, which are left out because they need answers in between. */
  follow_ups: number;
}

/** A prompt file that cannot be read; the message gives the place and what to do. */
export class PromptFileError extends Error {
  override name = 'PromptFileError';
}

type Row = Readonly<Record<string, unknown>>;

/** @throws PromptFileError */
export function readPromptFile(text: string, name: string): PromptFile {
  const rows = readRows(text, name);
  const [first] = rows;
  if (!first) throw new PromptFileError(`${name} is empty; it must have one JSON object per line.`);
  const format = promptFormat(first);
  if (!format) {
    throw new PromptFileError(
      `${name} has none of the fields prompt, instruction, turns and conversation_input; ` +
        'rename the field with the request to prompt.',
    );
  }
  const read = rows.map((row, i) => readEvaluationRow(format, row, `${name}, row ${i + 1}: `));
  const single = read.filter((row) => row !== 'follow-ups');
  return { format, rows: single, follow_ups: read.length - single.length };
}

function readRows(text: string, name: string): Row[] {
  if (text.trimStart().startsWith('[')) {
    const all = parse(text.trim(), name);
    return (all as unknown[]).map((row, i) => asObject(row, `${name}, row ${i + 1}`));
  }
  return text.split(/\r\n|\n|\r/).flatMap((line, i) => {
    const place = `${name}, line ${i + 1}`;
    // Also removes a byte order mark.
    const json = line.trim();
    return json === '' ? [] : [asObject(parse(json, place), place)];
  });
}

/** The format by the fields of a row; undefined if no field has a request. */
export function promptFormat(row: Row): PromptFormat | undefined {
  if ('instruction_id_list' in row) return 'ifeval';
  if ('conversation_input' in row) return 'wildbench';
  if ('turns' in row || ('uid' in row && 'prompt' in row)) return 'arena_hard';
  if ('instruction' in row) return 'alpaca_eval';
  return 'prompt' in row ? 'prompts' : undefined;
}

/**
 * A row of a prompt file.
 * @param place the start of an error message
 * @throws PromptFileError
 */
export function readEvaluationRow(
  format: PromptFormat,
  row: Row,
  place = '',
): EvaluationPrompt | 'follow-ups' {
  const turns: unknown = row.conversation_input ?? row.turns;
  if (isConversation(turns) && turns.at(-1)?.role === 'user') {
    return { prompt: conversationPrompt(turns) };
  }
  if (Array.isArray(turns)) {
    if (turns.length !== 1) return 'follow-ups';
    return { prompt: textOf((turns[0] as Row | null)?.content, 'content', place) };
  }
  const field = format === 'alpaca_eval' ? 'instruction' : 'prompt';
  const prompt = Array.isArray(row[field])
    ? conversationOf(row[field] as unknown[], field, place)
    : textOf(row[field], field, place);
  const answers = answersOf(row);
  return {
    prompt,
    ...(format === 'ifeval' && { instructions: instructionsOf(row, place) }),
    ...(answers && { answers }),
  };
}

function instructionsOf(row: Row, place: string): Instruction[] {
  const { instruction_id_list: ids, kwargs = [] } = row;
  if (!Array.isArray(ids) || !ids.every((id) => typeof id === 'string') || !Array.isArray(kwargs)) {
    throw new PromptFileError(
      `${place}instruction_id_list must be a list of texts, and kwargs a list with one entry for each.`,
    );
  }
  return ids.map((id, i) => ({ id, kwargs: (kwargs[i] ?? {}) as Kwargs }));
}

/** The accepted answers of a row; undefined if it has none. */
export function answersOf({ answers, answer }: Row): string[] | undefined {
  const all: unknown = answers ?? (answer === undefined ? undefined : [answer]);
  if (!Array.isArray(all)) return undefined;
  return all.filter((one) => typeof one === 'string' || typeof one === 'number').map(String);
}

function conversationOf(value: readonly unknown[], field: string, place: string): string {
  try {
    const turns = readTurns(value, field);
    if (turns.at(-1)?.role === 'user') return conversationPrompt(turns);
  } catch (error) {
    if (error instanceof RowError) throw new PromptFileError(`${place}${error.message}.`);
    throw error;
  }
  throw new PromptFileError(`${place}the last turn of "${field}" must be the user's.`);
}

function textOf(value: unknown, field: string, place: string): string {
  if (typeof value === 'string' && value.trim() !== '') return value;
  throw new PromptFileError(`${place}no text field "${field}"; write the request there.`);
}

function asObject(value: unknown, place: string): Row {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Row;
  throw new PromptFileError(`${place}: not a JSON object; each row must be one.`);
}

function parse(text: string, place: string): unknown {
  const value = parseBounded(text);
  if (value !== undefined) return value;
  throw new PromptFileError(`${place}: not JSON; each line must be one JSON object.`);
}
