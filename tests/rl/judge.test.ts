/** The prompts of real models: thinking templates, and a judge that answers Yes or No. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Gpu } from '../../src/gpu/device.ts';
import { openNodeGpu } from '../../src/gpu/node.ts';
import { droppedFolder } from '../../src/model/files.ts';
import { Tokenizer } from '../../src/model/tokenizer.ts';
import { judgeText, PromptedJudge } from '../../src/rl/rewards/prompted-judge.ts';
import { policyText } from '../../src/rl/rollout/thinking-template.ts';
import { CONFIGS, randomModel } from '../random-model.ts';
import * as reference from '../model/reference/transformer.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openNodeGpu();
});
afterAll(() => gpu.close());

const QUESTION =
  'Is this a helpful, correct and complete response to the request? Answer Yes or No.';
/** All words of the judge's chat, split as the pre-tokenizer Whitespace splits them. */
const WORDS = [
  ...new Set(
    `Yes No Request: Response: ${QUESTION}<|im_end|> <|im_start|>user assistant good tea no`.match(
      /\w+|[^\w\s]+/g,
    ),
  ),
];

function tokenizer(template?: string, normalizer: object | null = null): Promise<Tokenizer> {
  const vocab = Object.fromEntries(WORDS.map((word, id) => [word, id]));
  const model = { type: 'WordLevel', vocab, unk_token: 'no' };
  const files = {
    'tokenizer.json': {
      ...{ model, pre_tokenizer: { type: 'Whitespace' }, added_tokens: [] },
      ...{ normalizer, post_processor: null, decoder: null },
    },
    'tokenizer_config.json': { ...(template && { chat_template: template }) },
  };
  const blobs = Object.entries(files).map(([name, json]) => [
    name,
    new Blob([JSON.stringify(json)]),
  ]);
  return Tokenizer.load(droppedFolder(new Map(blobs as [string, Blob][])));
}

// ChatML as in SmolLM2 and Qwen2.5.
const TURNS = `{% for m in messages %}<|im_start|>{{ m.role }}
{{ m.content }}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}`;
// Qwen3 writes an empty thought if thinking is off; otherwise the model itself opens its thought.
const QWEN3 = `${TURNS}{% if add_generation_prompt and enable_thinking is false %}<think>

</think>

{% endif %}`;
const OPENS = TURNS.replace('assistant\n', 'assistant\n{% if enable_thinking %}<think>{% endif %}');

const CONVERSATION = JSON.stringify([
  { role: 'system', content: 'Be kind.' },
  { role: 'user', content: 'tea?' },
  { role: 'assistant', content: 'yes' },
  { role: 'user', content: 'more?' },
]);

describe('a prompt', () => {
  it('of a template without thinking asks for it in a system message', async () => {
    const instruct = await tokenizer(TURNS);
    const text = policyText(instruct, 'tea?', true);
    expect(text).toMatch(/^<\|im_start\|>system\n.*<think> and <\/think>/);
    expect(text).toMatch(
      /<\|im_start\|>user\ntea\?<\|im_end\|>\n<\|im_start\|>assistant\n<think>\n$/,
    );
    expect(policyText(instruct, 'tea?', false)).toBe(
      '<|im_start|>user\ntea?<|im_end|>\n<|im_start|>assistant\n',
    );
  });

  it('of a template with thinking is the text of the template, with the thought opened', async () => {
    const turns = '<|im_start|>user\ntea?<|im_end|>\n<|im_start|>assistant\n';
    const qwen3 = await tokenizer(QWEN3);
    expect(policyText(qwen3, 'tea?', true)).toBe(`${turns}<think>\n`);
    expect(policyText(qwen3, 'tea?', false)).toBe(`${turns}<think>\n\n</think>\n\n`);
    const opens = await tokenizer(OPENS);
    expect(policyText(opens, 'tea?', true)).toBe(`${turns}<think>`);
    expect(policyText(opens, 'tea?', false)).toBe(turns);
  });

  it('of a base model is plain text', async () => {
    const base = await tokenizer();
    expect(policyText(base, 'tea?', true)).toMatch(/User: tea\?\nAssistant: <think>\n$/);
    expect(policyText(base, 'tea?', false)).toMatch(/User: tea\?\nAssistant:$/);
    expect(policyText(base, 'tea?', true, 'Be brief.')).toBe(
      'Be brief.\n\nUser: tea?\nAssistant: <think>\n',
    );
    expect(policyText(base, CONVERSATION, false)).toMatch(
      /assistant\.\n\nBe kind\.\nUser: tea\?\nAssistant: yes\nUser: more\?\nAssistant:$/,
    );
  });

  it("of a conversation keeps its turns; the recipe's system prompt is a system message", async () => {
    const instruct = await tokenizer(TURNS);
    const turn = (role: string, content: string) => `<|im_start|>${role}\n${content}<|im_end|>\n`;
    const rest =
      turn('user', 'tea?') +
      turn('assistant', 'yes') +
      turn('user', 'more?') +
      '<|im_start|>assistant\n';
    expect(policyText(instruct, CONVERSATION, false)).toBe(turn('system', 'Be kind.') + rest);
    // It replaces the built-in instruction, and follows the conversation's own system message.
    expect(policyText(instruct, CONVERSATION, true, 'Be brief.')).toBe(
      `${turn('system', 'Be kind.\n\nBe brief.')}${rest}<think>\n`,
    );
    const asked = turn('user', 'tea?') + '<|im_start|>assistant\n';
    expect(policyText(instruct, 'tea?', false, 'Be brief.')).toBe(
      turn('system', 'Be brief.') + asked,
    );
    const qwen3 = await tokenizer(QWEN3);
    expect(policyText(qwen3, 'tea?', true, 'Be brief.')).toBe(
      `${turn('system', 'Be brief.')}${asked}<think>\n`,
    );
  });
});

it('a judge returns the log-odds of Yes', async () => {
  const config = CONFIGS['llama, tied']!;
  const { model, tensors } = randomModel(gpu, config, 6);
  const words = await tokenizer(TURNS);
  const judge = await PromptedJudge.create(model, words, { maxTokens: 120, maxTargets: 4 });
  const texts = [
    { prompt: 'tea', response: 'good tea' },
    { prompt: 'tea', response: 'no' },
    { prompt: 'good', response: 'Yes' },
  ];
  const scores = await judge.score(texts);
  texts.forEach(({ prompt, response }, i) => {
    const content = `Request:\n${prompt}\n\nResponse:\n${response}\n\n${QUESTION}`;
    const chat = words.applyChatTemplate([{ role: 'user', content }], {
      addGenerationPrompt: true,
    });
    const logits = reference.logits(config, tensors, words.encode(chat)).at(-1)!;
    expect(Math.abs(scores[i]! - (logits[0]! - logits[1]!))).toBeLessThan(1e-3);
  });
  expect(new Set(scores).size).toBe(3);
  model.destroy();
});

it('a judge is asked the question of the recipe', async () => {
  const words = await tokenizer(TURNS);
  const turns = [
    { role: 'user', content: '{response}' },
    ...(JSON.parse(CONVERSATION) as object[]).slice(2),
  ];
  const text = { prompt: JSON.stringify(turns), response: 'no {prompt} $&' };
  expect(judgeText(words, text, 'Good? {response} Request: {prompt}')).toBe(
    '<|im_start|>user\nGood? no {prompt} $& Request: user: {response}\n\nassistant: yes\n\n' +
      'user: more?<|im_end|>\n<|im_start|>assistant\n',
  );
});

it('refuses a judge whose tokenizer has one token for Yes and No, and a tokenizer that is too large', async () => {
  const { model } = randomModel(gpu, CONFIGS['llama, tied']!, 6);
  const pattern = { String: 'Yes' };
  const mute = await tokenizer(TURNS, { type: 'Replace', pattern, content: 'No' });
  const limits = { maxTokens: 120, maxTargets: 4 };
  await expect(PromptedJudge.create(model, mute, limits)).rejects.toThrow(
    /Yes and No begin with the same token/,
  );
  const count = WORDS.length;
  expect(() => mute.checkFits(count)).not.toThrow();
  expect(() => mute.checkFits(count - 1)).toThrow(
    `tokenizer.json has ${count} ids but the model's embedding has ${count - 1} rows; take both`,
  );
  model.destroy();
});
