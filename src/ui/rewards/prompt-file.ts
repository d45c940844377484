/** A file of prompts as a visitor brings it, good or bad. */
import { promptTurns, readablePrompt } from '../../rl/conversation.ts';
import { readLines, readPrompt, type ReadLine } from '../../rl/rows.ts';

export interface PromptFile {
  prompts: string[];
  /** Lines that are no prompts, with what is wrong. They are left out. */
  bad: { line: number; problem: string }[];
}

/** JSONL, or of a .txt file one prompt a line. */
export function readPromptFile(name: string, text: string): PromptFile {
  const lines: ReadLine<string>[] = name.endsWith('.txt')
    ? text.split('\n').map((line, i) => ({ line: i + 1, row: line.trim() }))
    : readLines(text, readPrompt);
  return {
    prompts: lines.flatMap(({ row }) => (row ? [row] : [])),
    bad: lines.flatMap(({ line, problem }) => (problem === undefined ? [] : [{ line, problem }])),
  };
}

/** The prompts as JSONL that every trainer reads. */
export function promptLines(prompts: readonly string[]): string {
  const rows = prompts.map((prompt) => {
    const turns = promptTurns(prompt);
    return `${JSON.stringify({ prompt: turns.length > 1 ? turns : prompt })}\n`;
  });
  return rows.join('');
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
