/**
 * What transformers 5 changes about tokenizer.json before it uses it: the flags of added tokens, and the
 * whole pipeline where the tokenizer has the class of Llama 2.
 */
import type { AddedToken } from './added-tokens.ts';
import type { Part } from './pre-tokenizers.ts';

type Json = Readonly<Record<string, unknown>>;

/**
 * @param json tokenizer.json
 * @param config tokenizer_config.json
 * @param special the special tokens by name, as texts or added tokens
 * @param modelType of config.json
 */
export function asTransformers(
  json: Json,
  config: Json,
  special: ReadonlyMap<string, unknown>,
  modelType: unknown,
): Record<string, unknown> {
  const tokens = addedTokens(json, config, special);
  return { ...json, ...llamaPipeline(json, config, modelType), added_tokens: tokens };
}

const PLAIN = { single_word: false, lstrip: false, rstrip: false };

/**
 * The added tokens of the file, with the flags that tokenizer_config.json gives them; and those that it
 * adds, or names as special, among the words of the vocabulary.
 */
function addedTokens(
  json: Json,
  config: Json,
  special: ReadonlyMap<string, unknown>,
): AddedToken[] {
  const tokens = new Map<string, AddedToken>();
  for (const token of (json.added_tokens ?? []) as AddedToken[]) tokens.set(token.content, token);
  const { vocab } = json.model as { vocab?: unknown };
  const words = Array.isArray(vocab)
    ? new Map((vocab as [string, number][]).map(([word], id) => [word, id]))
    : new Map(Object.entries((vocab ?? {}) as Record<string, number>));
  const idOf = (content: string): number | undefined =>
    tokens.get(content)?.id ?? words.get(content);

  const flagged = Object.values((config.added_tokens_decoder ?? {}) as Record<string, Json>);
  for (const { content, special: isSpecial = false, ...flags } of flagged) {
    const id = typeof content === 'string' ? idOf(content) : undefined;
    if (id === undefined) continue;
    const token = { ...PLAIN, normalized: !isSpecial, ...flags, special: isSpecial, content, id };
    tokens.set(content as string, token as AddedToken);
  }
  for (const value of special.values()) {
    const token = typeof value === 'string' ? { content: value } : (value as Partial<AddedToken>);
    const id = idOf(token.content!);
    if (id === undefined || tokens.has(token.content!)) continue;
    const { content, single_word = false, lstrip = false, rstrip = false } = token;
    tokens.set(content!, {
      ...{ id, content: content!, single_word, lstrip, rstrip, special: true },
      normalized: token.normalized ?? false,
    });
  }
  return [...tokens.values()];
}

/** transformers/models/llama/tokenization_llama.py builds this anew, whatever the file says. */
function llamaPipeline(json: Json, config: Json, modelType: unknown): Json {
  const model = json.model as Part | null;
  const isLlama = /^LlamaTokenizer(?:Fast)?$/.test(String(config.tokenizer_class));
  if (!isLlama || modelType !== 'llama' || !model?.byte_fallback) return {};
  const prefix = config.add_prefix_space !== false;
  const scheme = prefix ? (config.legacy ? 'always' : 'first') : 'never';
  const decoders = [
    { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
    { type: 'ByteFallback' },
    { type: 'Fuse' },
    ...(prefix ? [{ type: 'Strip', content: ' ', start: 1, stop: 0 }] : []),
  ];
  return {
    model: { ...model, fuse_unk: true, unk_token: null },
    normalizer: null,
    pre_tokenizer: { type: 'Metaspace', replacement: '▁', prepend_scheme: scheme, split: false },
    decoder: { type: 'Sequence', decoders },
  };
}
