import { unknownWords } from '../app/answer.ts';
import type { Tokenizer } from '../model/tokenizer.ts';
import { oneLine } from './text.ts';

/** Says on standard error which words of a text a model reads as the unknown token: it answers anyway. */
export function sayUnknownWords(tokenizer: Tokenizer, text: string): void {
  const problem = unknownWords(tokenizer, text);
  if (problem !== undefined) process.stderr.write(`${oneLine(problem)}\n`);
}
