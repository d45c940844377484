/**
 * How a policy is asked: its own chat template where it has one, with the thought opened or, for the
 * arm that answers at once, without one (RLMT, arXiv 2509.20357, sec. 3).
 * - A template that knows thinking (it renders differently for `enable_thinking`) says it itself.
 * - One that does not gets an instruction as its system turn.
 * - A base model, which has no template, gets the instruction as plain text: the zero setting.
 */
import type { ChatMessage, Tokenizer } from '../../model/tokenizer.ts';
import { promptTurns } from '../data/conversation.ts';

const INSTRUCTION =
  'Think before you answer. Write your thoughts between <think> and </think>: what is asked, what ' +
  'matters, how to answer well. Then write the answer, which is all that the user will see.';

const THINK_START = '<think>';

/**
 * The text that the policy goes on from. With thinking it ends inside the thought.
 * @param prompt a text, or a conversation (conversation.ts)
 * @param systemPrompt takes the place of the instruction, and is given without thinking as well
 */
export function promptText(
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

/** In the system turn, after what a conversation's own says. */
function instructed(turns: readonly ChatMessage[], instruction?: string): readonly ChatMessage[] {
  if (instruction === undefined) return turns;
  const own = turns[0]?.role === 'system' ? turns[0].content : undefined;
  const content = own === undefined ? instruction : `${own}\n\n${instruction}`;
  return [{ role: 'system', content }, ...turns.slice(own === undefined ? 0 : 1)];
}

/** Some templates leave it to the model to open its thought; here the prompt does. */
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
