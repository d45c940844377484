/** Reads a file of prompts that a visitor brings, and says what is wrong with it. */
import { promptTurns, readablePrompt } from '../../rl/data/conversation.ts';
import {
  promptFormat,
  PromptFileError,
  readEvaluationRow,
} from '../../rl/evaluation/prompt-files.ts';
import {
  isPreference,
  present,
  readLines,
  readPreference,
  readPrompt,
  type Row,
} from '../../rl/data/rows.ts';
import { readTurns } from '../../rl/data/turns.ts';

/** What all rows hold besides prompts. */
export type PromptKind = 'prompts' | 'preferences' | 'demonstrations';

/** A prompt, and the row that it is stored as, with the file's other columns. */
export interface PromptRow {
  kind: PromptKind;
  prompt: string;
  row: Row;
}

export interface BroughtPrompts {
  rows: PromptRow[];
  /** What is wrong with the rows that are left out: "line 3: not JSON". */
  bad: string[];
  /** Number of questions with follow-ups: left out, since they need answers in between. */
  followUps: number;
}

type ReadRow = PromptRow | 'follow-ups' | { problem: string };

/**
 * Reads JSONL or one JSON array: plain prompts, conversations, preferences or demonstrations in TRL's
 * formats, or a benchmark's rows. A .txt file has one prompt on each line.
 */
export function readBroughtPrompts(name: string, text: string): BroughtPrompts {
  if (name.endsWith('.txt')) {
    const prompts = text.split(/\r\n|\n|\r/).map((line) => line.trim());
    const rows = prompts.filter(Boolean).map((prompt) => promptRow('prompts', prompt, {}));
    return { rows, bad: [], followUps: 0 };
  }
  const array = arrayLines(text);
  const lines = readLines<ReadRow>(array ?? text, readRow);
  const all = lines.flatMap(({ row }) => row ?? []);
  const rows = all.filter((row) => row !== 'follow-ups' && 'prompt' in row);
  const bad = lines.flatMap(({ line, row, problem }) => {
    const why = typeof row === 'object' && 'problem' in row ? row.problem : problem;
    return why === undefined ? [] : [`${array === undefined ? 'line' : 'row'} ${line}: ${why}`];
  });
  return {
    rows,
    bad,
    followUps: all.filter((row) => row === 'follow-ups').length,
  };
}

/** The kind of all rows; a mixture counts as prompts, which all kinds have. */
export function kindOf(rows: readonly PromptRow[]): PromptKind {
  const [first, ...others] = new Set(rows.map(({ kind }) => kind));
  return first === undefined || others.length > 0 ? 'prompts' : first;
}

/** A JSON array as lines, one for each row; undefined for any other text. */
function arrayLines(text: string): string | undefined {
  if (!text.trimStart().startsWith('[')) return undefined;
  try {
    return (JSON.parse(text) as unknown[]).map((row) => JSON.stringify(row)).join('\n');
  } catch {
    return undefined;
  }
}

function readRow(columns: Row): ReadRow {
  const row = present(columns);
  if (isPreference(row)) {
    return promptRow('preferences', readPreference(row).prompt, row);
  }
  const dialogue = row['messages'] ?? row['conversations'];
  if (dialogue !== undefined) return readDialogue(row, dialogue);
  const format = promptFormat(row) ?? 'prompts';
  if (format === 'prompts' || Array.isArray(row['prompt'])) {
    return promptRow('completion' in row ? 'demonstrations' : 'prompts', readPrompt(row), row);
  }
  try {
    const read = readEvaluationRow(format, row);
    return read === 'follow-ups' ? read : promptRow('prompts', read.prompt, row);
  } catch (error) {
    if (!(error instanceof PromptFileError)) throw error;
    return { problem: error.message.replace(/\.$/, '') };
  }
}

/** A demonstration: its last answer is what was demonstrated. */
function readDialogue(row: Row, dialogue: unknown): ReadRow {
  if (!Array.isArray(dialogue)) {
    return { problem: '"messages" must be a list of turns {role, content}' };
  }
  const messages = readTurns(dialogue, 'messages');
  const last = messages.findLastIndex(({ role }) => role === 'assistant');
  const asked = last < 0 ? messages : messages.slice(0, last);
  if (asked.at(-1)?.role !== 'user') {
    return { problem: '"messages" must have a user turn before its last answer' };
  }
  return promptRow('demonstrations', readPrompt({ prompt: asked }), row);
}

/** The prompt in the form that every trainer reads. */
function promptRow(kind: PromptKind, prompt: string, row: Row): PromptRow {
  const turns = promptTurns(prompt);
  return { kind, prompt, row: { ...row, prompt: turns.length > 1 ? turns : prompt } };
}

/** The first problems ("line 3: not JSON"), and how many more there are. */
export function someOf(bad: readonly string[], shown = 3): string {
  const more = bad.length - shown;
  return bad.slice(0, shown).join('; ') + (more > 0 ? `; and ${more} more` : '');
}

/** The beginning of a prompt, on one line. */
export function promptStart(prompt: string, length = 120): string {
  const text = readablePrompt(prompt).replace(/\s+/g, ' ');
  return text.length > length ? `${text.slice(0, length)}…` : text;
}
