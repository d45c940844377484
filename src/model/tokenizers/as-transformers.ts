/**
 * What transformers 5 changes about tokenizer.json before it uses it: the parts that the tokenizer's class
 * builds, and the added tokens, with those that the other files add.
 */
import type { AddedToken } from './added-tokens.ts';
import type { TokenizerClass } from './classes.ts';
import { contentOf, NAMED, type SpecialToken, type SpecialTokens } from './special-tokens.ts';

type Json = Readonly<Record<string, unknown>>;

export interface TokenizerSources {
  /** tokenizer.json */
  readonly json: Json;
  /** tokenizer_config.json */
  readonly config: Json;
  /** added_tokens.json: ids by token */
  readonly added: Json;
  readonly special: SpecialTokens;
  /** undefined for a class that uses tokenizer.json as it is */
  readonly kind: TokenizerClass | undefined;
}

/** @returns tokenizer.json as transformers uses it */
export function asTransformers(sources: TokenizerSources): Record<string, unknown> {
  const { json, config, special, kind } = sources;
  const words = vocabulary(json);
  const added_tokens = addedTokens(sources, words);
  if (!kind) return { ...json, added_tokens };
  const unknown = special.named.get('unk_token');
  const { model, ...parts } = kind.build(config, unknown && contentOf(unknown));
  const { merges = [] } = json.model as { merges?: unknown };
  const vocab = Object.fromEntries(words);
  return { ...json, ...parts, model: { type: 'BPE', vocab, merges, ...model }, added_tokens };
}

function vocabulary({ model }: Json): ReadonlyMap<string, number> {
  const { vocab } = model as { vocab?: unknown };
  return Array.isArray(vocab)
    ? new Map((vocab as [string, number][]).map(([word], id) => [word, id]))
    : new Map(Object.entries((vocab ?? {}) as Record<string, number>));
}

type Unnumbered = Omit<AddedToken, 'id'>;

/** `TokenizersBackend.__init__` in tokenization_utils_tokenizers.py: a later token replaces an earlier one. */
function addedTokens(
  { json, config, added, special, kind }: TokenizerSources,
  words: ReadonlyMap<string, number>,
): AddedToken[] {
  const tokens = new Map<string, AddedToken>();
  // Of a list that has a token twice, the library counts both.
  const { vocab } = json.model as { vocab?: unknown };
  let next = !kind && Array.isArray(vocab) ? vocab.length : words.size;
  // As the library tokenizers, which gives ids of its own: of the vocabulary, else the next one.
  const add = (token: Unnumbered): void => {
    const { content } = token;
    if (content === '') return;
    const before = tokens.get(content);
    const id = before?.id ?? words.get(content) ?? next;
    next = Math.max(next, id + 1);
    // In decoded texts a token stays what it once was.
    const special = token.special || before?.special === true;
    const was_normalized = before?.normalized === true || before?.was_normalized === true;
    tokens.set(content, { ...token, id, special, was_normalized });
  };
  const file = (json.added_tokens ?? []) as AddedToken[];
  if (!kind) file.forEach(add);
  const names = new Set([...special.named.values()].map(contentOf));
  for (const [, token] of listedTokens(config, added, special, file)) {
    // What tokenizer_config.json names is special, whatever its flag says.
    add({ ...token, special: token.special || names.has(token.content) });
  }
  const all = [...special.named.values(), ...special.extra];
  for (const token of all) if (!tokens.has(contentOf(token))) add(specialToken(token));
  if (kind?.adds === 'plain') for (const token of all) add(specialToken(contentOf(token)));
  if (kind?.adds === 'as they are') {
    for (const token of special.named.values()) {
      add({ ...tokens.get(contentOf(token))!, special: true });
    }
    for (const token of special.extra) add(specialToken(token));
  }
  return [...tokens.values()];
}

/** By id: what tokenizer_config.json lists, else what added_tokens.json and then tokenizer.json do. */
function listedTokens(
  { added_tokens_decoder: listed }: Json,
  added: Json,
  { named, extra }: SpecialTokens,
  file: readonly AddedToken[],
): [id: number, token: Unnumbered][] {
  const tokens = new Map<number, Unnumbered>();
  if (listed) {
    for (const [id, token] of Object.entries(
      listed as Record<string, Partial<AddedToken> | null>,
    )) {
      if (typeof token?.content !== 'string') continue;
      const { content, special = false } = token;
      tokens.set(Number(id), withFlags({ ...token, content, special }));
    }
  } else {
    const ofEveryModel = [...named].filter(([name]) => NAMED.includes(name));
    const special = new Set([...ofEveryModel.map(([, token]) => token), ...extra].map(contentOf));
    for (const [content, id] of Object.entries(added)) {
      tokens.set(id as number, withFlags({ content, special: special.has(content) }));
    }
    for (const token of file) tokens.set(token.id, token);
  }
  return [...tokens].sort(([a], [b]) => a - b);
}

const specialToken = (token: SpecialToken): Unnumbered =>
  withFlags({ ...(typeof token === 'string' ? { content: token } : token), special: true });

/** As Python's AddedToken does. */
const withFlags = (token: { content: string; special: boolean }): Unnumbered => ({
  ...{ single_word: false, lstrip: false, rstrip: false, normalized: !token.special },
  ...token,
});
