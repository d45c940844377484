/**
 * The world's tokenizer as ordinary Hugging Face files: each word is one token. The chat template opens
 * a thought for the policy, or with `enable_thinking: false` an answer. For the reward model it puts the
 * answer and the end token right after the prompt, so the score is read at the end token.
 */
import { EOS, PAD, SPECIAL_TOKENS, UNK, VOCABULARY } from './menu.ts';

interface TokenizerFiles {
  'tokenizer.json': object;
  'tokenizer_config.json': object;
}

/** Longer than any prompt with its completion. */
const MODEL_MAX_LENGTH = 128;

/** Words are separated by one space, in the text and in the templates alike. */
const CHAT_TEMPLATE = [
  `{%- for message in messages -%}`,
  `{%- if message.role == 'user' -%}{{ message.content }}`,
  `{%- elif message.role == 'assistant' -%}{{ ' ' + message.content + ' ${EOS}' }}{%- endif -%}`,
  `{%- endfor -%}`,
  `{%- if add_generation_prompt -%}`,
  `{%- if enable_thinking is defined and not enable_thinking -%}{{ ' <say>' }}`,
  `{%- else -%}{{ ' <think>' }}{%- endif -%}`,
  `{%- endif -%}`,
].join('');

/** tokenizer.json and tokenizer_config.json; ids follow VOCABULARY. */
export function worldTokenizerFiles(): TokenizerFiles {
  const id = (word: string): number => VOCABULARY.indexOf(word);
  const addedTokens = SPECIAL_TOKENS.map((content) => ({
    id: id(content),
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    // Delimiters must stay in decoded text; only these three are left out of it.
    special: content === PAD || content === EOS || content === UNK,
  }));
  return {
    'tokenizer.json': {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: addedTokens,
      normalizer: null,
      pre_tokenizer: { type: 'WhitespaceSplit' },
      post_processor: null,
      decoder: null,
      model: {
        type: 'WordLevel',
        vocab: Object.fromEntries(VOCABULARY.map((word, i) => [word, i])),
        unk_token: UNK,
      },
    },
    'tokenizer_config.json': {
      tokenizer_class: 'PreTrainedTokenizerFast',
      model_max_length: MODEL_MAX_LENGTH,
      clean_up_tokenization_spaces: false,
      pad_token: PAD,
      eos_token: EOS,
      unk_token: UNK,
      added_tokens_decoder: Object.fromEntries(
        addedTokens.map(({ id: tokenId, ...token }) => [String(tokenId), token]),
      ),
      chat_template: CHAT_TEMPLATE,
    },
  };
}
