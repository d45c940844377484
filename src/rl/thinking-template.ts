/**
 * How a policy is asked: its own chat template where it has one, with the thought opened or, for the
 * arm that answers at once, without one (RLMT, arXiv 2509.20357, sec. 3).
 * - A template that knows thinking (it renders differently for `enable_thinking`) says it itself.
 * - One that does not gets an instruction as its system turn.
 * - A base model, which has no template, gets the instruction as plain text: the zero setting.
 */
import type { ChatMessage, Tokenizer } from '../model/tokenizer.ts';

const INSTRUCTION =
  'Think before you answer. Write your thoughts between <think> and </think>: what is asked, what ' +
  'matters, how to answer well. Then write the answer, which is all that the user will see.';

const THINK_START = '<think>';

/** The text that the policy goes on from. With thinking it ends inside the thought. */
export function promptText(tokenizer: Tokenizer, prompt: string, thinking: boolean): string {
  const user: ChatMessage = { role: 'user', content: prompt };
  if (!tokenizer.hasChatTemplate) return zeroPrompt(prompt, thinking);
  const options = { addGenerationPrompt: true, enableThinking: thinking };
  if (!thinking || knowsThinking(tokenizer)) {
    const text = tokenizer.applyChatTemplate([user], options);
    return thinking ? opened(text) : text;
  }
  const system: ChatMessage = { role: 'system', content: INSTRUCTION };
  return opened(tokenizer.applyChatTemplate([system, user], options));
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

function zeroPrompt(prompt: string, thinking: boolean): string {
  if (!thinking) {
    return `A conversation between a user and an assistant.\n\nUser: ${prompt}\nAssistant:`;
  }
  return (
    'A conversation between a user and an assistant. The assistant first writes its thoughts ' +
    'between <think> and </think>, then the answer between <response> and </response>.\n\n' +
    `User: ${prompt}\nAssistant: ${THINK_START}\n`
  );
}
