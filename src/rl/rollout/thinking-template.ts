/**
 * The prompt of a policy: its own chat template if it has one, with an open thought, or without a
 * thought when thinking is off (RLMT, arXiv 2509.20357, sec. 3).
 * - A template that supports thinking (it renders differently for `enable_thinking`) is used as it is.
 * - A template that does not gets an instruction as its system message.
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
  const builtIn = thinking && !knowsThinking(tokenizer) ? INSTRUCTION : undefined;
  const text = tokenizer.applyChatTemplate(instructed(turns, systemPrompt ?? builtIn), {
    addGenerationPrompt: true,
    enableThinking: thinking,
  });
  return thinking ? opened(text) : text;
}

/** Adds the instruction to the system message, after the conversation's own system message. */
function instructed(turns: readonly ChatMessage[], instruction?: string): readonly ChatMessage[] {
  if (instruction === undefined) return turns;
  const own = turns[0]?.role === 'system' ? turns[0].content : undefined;
  const content = own === undefined ? instruction : `${own}\n\n${instruction}`;
  return [{ role: 'system', content }, ...turns.slice(own === undefined ? 0 : 1)];
}

/** Opens the thought in the prompt, because some templates leave that to the model. */
function opened(text: string): string {
  return text.trimEnd().endsWith(THINK_START) ? text : `${text}${THINK_START}\n`;
}

function knowsThinking(tokenizer: Tokenizer): boolean {
  const render = (enableThinking: boolean): string =>
    tokenizer.applyChatTemplate([{ role: 'user', content: 'x' }], {
      addGenerationPrompt: true,
      enableThinking,
    });
  return render(true) !== render(false) || render(true).includes(THINK_START);
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
