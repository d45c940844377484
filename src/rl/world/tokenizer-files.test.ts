import { Tokenizer } from '@huggingface/tokenizers';
import { describe, expect, it } from 'vitest';
import { Template } from '../../model/jinja/template.ts';
import { Random } from '../random.ts';
import { VOCABULARY } from './menu.ts';
import { demonstration } from './sft-data.ts';
import { worldTokenizerFiles } from './tokenizer-files.ts';

function load(): { tokenizer: Tokenizer; template: Template } {
  const files = worldTokenizerFiles();
  const config = files['tokenizer_config.json'] as { chat_template: string };
  return {
    tokenizer: new Tokenizer(files['tokenizer.json'], config),
    template: new Template(config.chat_template),
  };
}

describe('the tokenizer', () => {
  const { tokenizer, template } = load();

  it('has one id for every word, and no word twice', () => {
    expect(new Set(VOCABULARY).size).toBe(VOCABULARY.length);
    VOCABULARY.forEach((word, id) => {
      expect(tokenizer.encode(word, { add_special_tokens: false }).ids).toEqual([id]);
    });
  });

  it('reads back demonstrations', () => {
    const random = new Random(1);
    for (let i = 0; i < 100; i++) {
      const { prompt, completion } = demonstration(random, i % 2 === 0);
      for (const text of [prompt, completion]) {
        const ids = tokenizer.encode(text).ids;
        expect(ids).toHaveLength(text.split(' ').length);
        expect(tokenizer.decode(ids)).toBe(text);
      }
    }
  });

  it('opens a thought, or an answer', () => {
    const messages = [{ role: 'user', content: 'menu ham 3' }];
    const render = (more: object): string =>
      template.render({ messages, add_generation_prompt: true, ...more });
    expect(render({})).toBe('menu ham 3 <think>');
    expect(render({ enable_thinking: true })).toBe('menu ham 3 <think>');
    expect(render({ enable_thinking: false })).toBe('menu ham 3 <say>');
  });

  it('ends the text for the reward model with the end token', () => {
    const text = template.render({
      messages: [
        { role: 'user', content: 'menu ham 3' },
        { role: 'assistant', content: 'ham 3 .' },
      ],
    });
    expect(text).toBe('menu ham 3 ham 3 . <eos>');
    expect(tokenizer.encode(text).ids.at(-1)).toBe(VOCABULARY.indexOf('<eos>'));
  });
});
