/**
 * The prompt of a policy: its own chat template if it has one, with an open thought, or without a
 * thought when thinking is off (RLMT, arXiv 2509.20357, sec. 3).
 * - A template that supports thinking (it renders differently for `enable_thinking`) is used as it is.
 * - A template that does not gets an instruction as its system message, or in the user's turn.
 * - A base model has no template and gets the instruction as plain text: the paper's zero setting.
 */
import type { ChatMessage, Tokenizer } from '../../model/tokenizer.ts';
import { promptTurns } from '../data/conversation.ts';

const INSTRUCTION =
  'Think before you answer. Write your thoughts between <think> and </think>: what is asked, what ' +
  'matters, how to answer well. Then write the answer, which is all that the user will see.';

const THINK_START = '<think>';

/**
 * The text that the policy continues. With thinking it ends inside the thought.
 * @param prompt a text, or a conversation (conversation.ts)
 * @param systemPrompt replaces the instruction; it is also used without thinking
 */
export function policyText(
  tokenizer: Tokenizer,
  prompt: string,
  thinking: boolean,
  systemPrompt?: string,
): string {
  const turns = promptTurns(prompt);
  if (!tokenizer.hasChatTemplate) return zeroPrompt(turns, thinking, systemPrompt);
  const builtIn = thinking && !madeToThink(tokenizer) ? INSTRUCTION : undefined;
  const text = instructedText(tokenizer, turns, thinking, systemPrompt ?? builtIn);
  return thinking ? opened(text) : text;
}

/**
 * The turns with the instruction in the system message, after the conversation's own. Some templates
 * refuse a system turn, or leave it out: there it opens the first turn of the user, as in Gemma's template.
 */
function instructedText(
  tokenizer: Tokenizer,
  turns: readonly ChatMessage[],
  thinking: boolean,
  instruction?: string,
): string {
  const render = (messages: readonly ChatMessage[]): string =>
    tokenizer.applyChatTemplate(messages, { addGenerationPrompt: true, enableThinking: thinking });
  if (instruction === undefined) return render(turns);
  const asUser = (): string => render(inUserTurn(turns, instruction));
  let text: string;
  try {
    text = render(inSystemTurn(turns, instruction));
  } catch (error) {
    // If the template refuses that too, what it said first is about the user's own turns.
    return orUndefined(asUser) ?? rethrow(error);
  }
  return text.includes(instruction.trim()) ? text : asUser();
}

function rethrow(error: unknown): never {
  throw error;
}

function orUndefined<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch {
    return undefined;
  }
}

function inSystemTurn(turns: readonly ChatMessage[], instruction: string): ChatMessage[] {
  const own = turns[0]?.role === 'system' ? turns[0].content : undefined;
  const content = own === undefined ? instruction : `${own}\n\n${instruction}`;
  return [{ role: 'system', content }, ...turns.slice(own === undefined ? 0 : 1)];
}

function inUserTurn(turns: readonly ChatMessage[], instruction: string): ChatMessage[] {
  const first = turns.findIndex(({ role }) => role === 'user');
  return turns.map((turn, i) =>
    i === first ? { ...turn, content: `${instruction}\n\n${turn.content}` } : turn,
  );
}

/** Opens the thought in the prompt, because some templates leave that to the model. */
function opened(text: string): string {
  return text.trimEnd().endsWith(THINK_START) ? text : `${text}${THINK_START}\n`;
}

/**
 * Whether the model has a template that opens or closes thoughts by itself, seen on the shortest turns
 * that it takes.
 */
export function madeToThink(tokenizer: Tokenizer): boolean {
  if (!tokenizer.hasChatTemplate) return false;
  const user = { role: 'user', content: 'x' } as const;
  const system = { role: 'system', content: 'x' } as const;
  const render = (messages: readonly ChatMessage[], enableThinking: boolean): string | undefined =>
    orUndefined(() =>
      tokenizer.applyChatTemplate(messages, { addGenerationPrompt: true, enableThinking }),
    );
  const takes = [[user], [system, user]].find((turns) => render(turns, true) !== undefined);
  const text = takes && render(takes, true);
  return text !== undefined && (text !== render(takes!, false) || text.includes(THINK_START));
}

const ZERO = 'A conversation between a user and an assistant.';
const ZERO_THINKING =
  `${ZERO} The assistant first writes its thoughts between <think> and </think>, then the answer ` +
  'between <response> and </response>.';

function zeroPrompt(
  turns: readonly ChatMessage[],
  thinking: boolean,
  systemPrompt = thinking ? ZERO_THINKING : ZERO,
): string {
  const speaker = { system: '', user: 'User: ', assistant: 'Assistant: ' };
  const lines = turns.map(({ role, content }) => speaker[role] + content);
  return `${systemPrompt}\n\n${lines.join('\n')}\nAssistant:${thinking ? ` ${THINK_START}\n` : ''}`;
}
