/** One policy's answer to one prompt, reported while it is being written. */
import { Decoder, type Generation } from '../model/decoder.ts';
import type { LanguageModel } from '../model/language-model.ts';
import type { Tokenizer } from '../model/tokenizer.ts';
import { promptTurns } from '../rl/data/conversation.ts';
import { splitCompletion, THINK_END } from '../rl/rollout/completion.ts';
import { RecipeError, type Recipe } from '../rl/recipe/recipe.ts';
import { promptTokens } from '../rl/rollout/rollout.ts';
import { UNFILTERED } from '../rl/rollout/sample.ts';
import { tokenizerStops } from '../rl/rollout/stop-tokens.ts';
import { thoughtEnd } from '../rl/rollout/thought-end.ts';

export interface Policy {
  model: LanguageModel;
  tokenizer: Tokenizer;
}

export interface Question {
  prompt: string;
  temperature: number;
  seed: number;
}

/** The scores of one text. */
export interface Judgement {
  /** The weighted sum of the run's rewards. */
  reward: number;
  /** The gold judge's score, if the run has a gold judge for this prompt. */
  gold?: number;
}

/** The text that one side has written so far; it is judged when it is done. */
export interface Draft extends Partial<Judgement> {
  /** null without thinking, or if the thought never ended. */
  thought: string | null;
  /** null while the thought is still being written. */
  response: string | null;
  tokens: number;
  /** Nothing more is coming. */
  done: boolean;
  truncated: boolean;
}

export function samplingOf(recipe: Recipe, { temperature, seed }: Omit<Question, 'prompt'>) {
  return { temperature, seed, ...UNFILTERED, maxNewTokens: recipe.max_completion_length };
}

/** `onDraft` is called every few tokens. */
export async function answer(
  { model, tokenizer }: Policy,
  recipe: Recipe,
  question: Question,
  onDraft: (draft: Draft) => void,
): Promise<Draft> {
  const prompt = promptTokens(tokenizer, question.prompt, recipe.thinking, recipe.system_prompt);
  const maxNewTokens = recipe.max_completion_length;
  const limits = { maxSequences: 1, maxPromptTokens: prompt.length, maxNewTokens };
  const decoder = await Decoder.create(model, limits);
  try {
    const groups = await decoder.generate(
      [prompt],
      1,
      {
        ...samplingOf(recipe, question),
        stopIds: tokenizerStops(tokenizer),
        thoughtEnd: thoughtEnd(tokenizer, recipe.thinking, recipe.max_thought_length),
      },
      Uint32Array.of(0),
      (_, written) => onDraft(draftOf(tokenizer, written[0]![0]!, recipe.thinking)),
    );
    const generation = groups[0]![0]!;
    const { ids, finished } = generation;
    const text = textOf(tokenizer, generation);
    const { thought, response } = splitCompletion(text, recipe.thinking, recipe.malformed);
    return { thought, response, tokens: ids.length, done: false, truncated: !finished };
  } finally {
    decoder.destroy();
  }
}

/** @throws RecipeError that names the words that a model with this tokenizer does not know */
export function checkWords(tokenizer: Tokenizer, prompt: string): void {
  if (prompt.trim() === '') throw new RecipeError('The prompt is empty: write one.');
  const problem = unknownWords(tokenizer, prompt);
  if (problem !== undefined) throw new RecipeError(problem);
}

/** Which words a model with this tokenizer does not know, in a sentence; undefined if it knows all. */
export function unknownWords(
  tokenizer: Pick<Tokenizer, 'unknownWords'>,
  prompt: string,
): string | undefined {
  const said = promptTurns(prompt).map(({ content }) => content);
  const unknown = tokenizer.unknownWords(said.join('\n'));
  if (unknown.length === 0) return undefined;
  const words = unknown.map((name) => `“${name}”`);
  const last = words.pop()!;
  return words.length === 0
    ? `This model does not know the word ${last}; leave it out.`
    : `This model does not know the words ${words.join(', ')} and ${last}; leave them out.`;
}

/** An unfinished completion: all of it is the thought until the delimiter appears. */
function draftOf(tokenizer: Tokenizer, generation: Generation, thinking: boolean): Draft {
  // The last character may have several tokens, of which some are not written yet.
  const text = textOf(tokenizer, generation).replace(/\ufffd+$/, '');
  const rest = { tokens: generation.ids.length, done: false, truncated: false };
  if (thinking && !text.includes(THINK_END)) {
    return { thought: text.replace(/^\s*<think>/, '').trim(), response: null, ...rest };
  }
  const { thought, response } = splitCompletion(text, thinking, 'lenient');
  return { thought, response, ...rest };
}

const textOf = (tokenizer: Tokenizer, { ids, finished }: Generation): string =>
  tokenizer.decode(finished ? ids.slice(0, -1) : ids);
