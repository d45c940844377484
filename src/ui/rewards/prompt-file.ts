/** A file of prompts as a visitor brings it, good or bad. */
import { promptTurns, readablePrompt } from '../../rl/conversation.ts';
import type { Prompt } from '../../rl/data.ts';
import { isBenchmark, readPromptFile as readBenchmark } from '../../rl/evaluation/prompt-files.ts';
import { readLines, readPromptRow, type ReadLine } from '../../rl/rows.ts';

export interface PromptFile {
  rows: Prompt[];
  /** Lines that are no prompts, with what is wrong. They are left out. */
  bad: { line: number; problem: string }[];
}

/**
 * JSONL; of a .txt file one prompt a line; or the prompts of a benchmark, a JSON array among them.
 * @throws PromptFileError for a benchmark's file that is not as the benchmark has it
 */
export function readPromptFile(name: string, text: string): PromptFile {
  if (name.endsWith('.txt')) {
    const lines = text.split('\n').map((line) => line.trim());
    return { rows: lines.filter(Boolean).map((prompt) => ({ prompt })), bad: [] };
  }
  if (isBenchmark(text)) return benchmarkRows(name, text);
  const lines: ReadLine<Prompt>[] = readLines(text, readPromptRow);
  return {
    rows: lines.flatMap(({ row }) => row ?? []),
    bad: lines.flatMap(({ line, problem }) => (problem === undefined ? [] : [{ line, problem }])),
  };
}

function benchmarkRows(name: string, text: string): PromptFile {
  const { rows } = readBenchmark(text, name);
  return {
    rows: rows.map(({ prompt, instructions, answers: answer }) => ({
      prompt,
      ...((instructions || answer) && {
        columns: { ...(instructions && { instructions }), ...(answer && { answer }) },
      }),
    })),
    bad: [],
  };
}

/** One in so many prompts is held out, where there are as many. */
const HELD_OUT_OF = 10;

/** What is trained on, and what is kept for evaluations and for judging blind: no prompt is in both. */
export function splitPrompts(rows: readonly Prompt[]): { train: Prompt[]; heldOut: Prompt[] } {
  const prompts = [...new Set(rows.map(({ prompt }) => prompt))];
  const held = new Set(prompts.filter((_, i) => i % HELD_OUT_OF === HELD_OUT_OF - 1));
  return {
    train: rows.filter(({ prompt }) => !held.has(prompt)),
    heldOut: rows.filter(({ prompt }) => held.has(prompt)),
  };
}

/** The rows as JSONL that every trainer reads. */
export function promptLines(rows: readonly Prompt[]): string {
  const lines = rows.map(({ prompt, columns }) => {
    const turns = promptTurns(prompt);
    return `${JSON.stringify({ prompt: turns.length > 1 ? turns : prompt, ...columns })}\n`;
  });
  return lines.join('');
}

/** "line 3: not JSON", and how many more there are. */
export function badLines(bad: PromptFile['bad'], shown = 3): string {
  const named = bad.slice(0, shown).map(({ line, problem }) => `line ${line}: ${problem}`);
  const more = bad.length - named.length;
  return named.join('; ') + (more > 0 ? `; and ${more} more` : '');
}

/** The beginning of a prompt, on one line. */
export function promptStart(prompt: string, length = 120): string {
  const text = readablePrompt(prompt).replace(/\s+/g, ' ');
  return text.length > length ? `${text.slice(0, length)}…` : text;
}
